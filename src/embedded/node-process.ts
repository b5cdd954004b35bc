import { spawnGuarded, type GuardedChild } from './guard.ts';
import { importantLines } from './last-words.ts';
import { supervise, type OnPartEvent, type Part } from './supervise.ts';

export interface NodePlan {
  readonly name: string;
  /** A script and its arguments, run by the Node that runs us. */
  readonly argv: readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onEvent: OnPartEvent;
  /** Called for each line the process prints, in every life of it. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
  /** The standard-output line that says it serves; `null`: ready as soon as it runs. */
  readonly readyWhen: ((line: string) => boolean) | null;
  /** How long it may take to say so. */
  readonly readyWithinMs?: number;
}

const READY_WITHIN_MS = 30_000;

/**
 * One of our own processes, started again when it dies.
 *
 * @throws Error with its last words when it ends or stays silent before it is ready the first time
 */
export function superviseNode(plan: NodePlan): Promise<Part> {
  return supervise({ name: plan.name, onEvent: plan.onEvent, launch: () => launch(plan) });
}

async function launch(plan: NodePlan): Promise<GuardedChild> {
  let tellReady: () => void = () => undefined;
  const said = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  const child = await spawnGuarded({
    command: process.execPath,
    args: plan.argv,
    env: { ...process.env, ...plan.env },
    cwd: plan.cwd,
    runAs: null,
    stopSignal: 'TERM',
    onLine: (stream, line) => {
      plan.onLine(stream, line);
      if (stream === 'stdout' && plan.readyWhen?.(line) === true) tellReady();
    },
  });
  if (plan.readyWhen !== null) await readyOrDead(plan, child, said);
  return child;
}

async function readyOrDead(plan: NodePlan, child: GuardedChild, said: Promise<void>): Promise<void> {
  const withinMs = plan.readyWithinMs ?? READY_WITHIN_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), withinMs);
  });
  const first = await Promise.race([said.then(() => 'ready' as const), child.ended, late]);
  clearTimeout(timer);
  if (first === 'ready') return;

  await child.stop();
  const what =
    first === 'late' ? `was not ready after ${withinMs} ms` : `ended with code ${first.code} before it was ready`;
  throw new Error(`${plan.name} ${what}\n${importantLines(child.lastWords())}`);
}
