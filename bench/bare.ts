import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { join } from 'node:path';
import { connectWorker, type Parts } from '../workers/compose.ts';
import { fire, type bare } from './bare.workflow.ts';
import { root } from './stand.ts';

/** The same server asked to do the least: an update, then an eager activity of one line. */
export interface BarePath {
  /** Milliseconds from sending the update to the first line of the activity. */
  fire(): Promise<number>;
  stop(): Promise<void>;
}

const QUEUE = 'bench-bare';
const LEVELS = 3;

/** Parks as many bare trades as `fires` need; worker, activity and client live in this process. */
export async function startBare({ client, config }: Parts, fires: number): Promise<BarePath> {
  let begun: (at: bigint) => void = () => undefined;
  const close = async (): Promise<void> => begun(process.hrtime.bigint());
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(root, 'bench/bare.workflow.ts'),
    logger: quiet,
  });
  const connection = await connectWorker(config);
  const worker = await Worker.create({
    connection,
    namespace: config.temporalNamespace,
    taskQueue: QUEUE,
    workflowBundle,
    activities: { close },
    ...asTheEngine,
  });
  const running = worker.run();
  const trades = Array.from({ length: Math.ceil(fires / LEVELS) }, (_, nth) => `bench/bare/${nth}`);
  for (const workflowId of trades)
    await client.workflow.start<typeof bare>('bare', { workflowId, taskQueue: QUEUE, args: [LEVELS] });
  let count = 0;
  return {
    fire: async () => {
      const nth = count++;
      const handle = client.workflow.getHandle(trades[nth % trades.length] ?? '');
      const at = new Promise<bigint>((resolve) => {
        begun = resolve;
      });
      const sentAt = process.hrtime.bigint();
      await handle.startUpdate(fire, { args: [nth], waitForStage: 'ACCEPTED' });
      return Number((await at) - sentAt) / 1e6;
    },
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

/** What decides its speed, as in the engine's worker. */
const asTheEngine = {
  maxCachedWorkflows: 2_000,
  maxConcurrentActivityTaskExecutions: 100,
  maxEagerActivityReservationsPerWorkflowTask: 50,
  stickyQueueScheduleToStartTimeout: '1s',
} as const;

const nothing = (): void => undefined;
const quiet = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
