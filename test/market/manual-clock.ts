import { setImmediate as nextLoop } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';

interface Timer {
  dueAt: number;
  readonly run: () => void;
  readonly everyMs: number | null;
}

export interface ManualClock extends Clock {
  /** Runs the timers due within `ms`, in order, and lets what they started settle. */
  advance(ms: number): Promise<void>;
  /** Moves time on without running a timer in between: the process stood still. */
  freeze(ms: number): void;
}

export const EPOCH = 1_700_000_000_000;

export function manualClock(): ManualClock {
  let elapsed = 0;
  const timers = new Set<Timer>();

  function add(timer: Timer): () => void {
    timers.add(timer);
    return () => timers.delete(timer);
  }

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = add({ dueAt: elapsed + ms, run: resolve, everyMs: null });
      if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  function nextDue(until: number): Timer | undefined {
    return [...timers].filter((timer) => timer.dueAt <= until).toSorted((left, right) => left.dueAt - right.dueAt)[0];
  }

  async function advance(ms: number): Promise<void> {
    const until = elapsed + ms;
    for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
      elapsed = Math.max(elapsed, due.dueAt);
      if (due.everyMs === null) timers.delete(due);
      else due.dueAt = elapsed + due.everyMs;
      due.run();
      await settle();
    }
    elapsed = until;
    await settle();
  }

  return {
    now: () => EPOCH + elapsed,
    monotonic: () => elapsed,
    sleep,
    every: (ms, run) => add({ dueAt: elapsed + ms, run, everyMs: ms }),
    advance,
    freeze: (ms) => {
      elapsed += ms;
    },
  };
}

/** Lets promises that wait for nothing outside the process come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await nextLoop();
}
