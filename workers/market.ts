import { Worker } from '@temporalio/worker';
import { createMarketActivities } from '../activities/index.ts';
import { createDelivery } from '../activities/deliver.ts';
import { configOfThisProcess } from '../src/config.ts';
import { marker } from '../src/log.ts';
import { marketQueue } from '../workflows/contract.ts';
import { compose, connectWorker, runUntilStopped } from './compose.ts';

/** One market process: live links and price watchers, never a command. */
const config = configOfThisProcess();
const parts = await compose(config, 'market');
const worker = await Worker.create({
  connection: await connectWorker(config),
  namespace: config.temporalNamespace,
  identity: parts.identity,
  taskQueue: marketQueue,
  activities: createMarketActivities({
    ...parts,
    delivery: createDelivery(parts),
    holder: parts.identity,
    subscriptionChanged: (change) => marker(parts.log, 'TS_PATH', change),
  }),
  maxConcurrentActivityTaskExecutions: 200,
  // A process that stands still keeps its polls open, and each would swallow one try to place its session elsewhere.
  activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
  // Heartbeats carry the cancellation, and a successor waits for their absence.
  maxHeartbeatThrottleInterval: '1s',
  shutdownGraceTime: '5s',
});
await runUntilStopped(worker, parts);
