import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time as a dependency: the wall clock for records, the monotonic one for deadlines. */
export interface Clock {
  /** UTC milliseconds. May jump. */
  readonly now: () => number;
  /** Milliseconds since an arbitrary start. Never goes back. */
  readonly monotonic: () => number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Calls `action` every `ms` until the returned function is called. Does not keep the process alive. */
  readonly every: (ms: number, action: () => void) => () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleepFor(ms, undefined, signal === undefined ? {} : { signal }),
  every: (ms, action) => {
    const timer = setInterval(action, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
