import type { Clock } from '../../src/clock.ts';

/** Takes what a start says and shows it: done things at once, ways and misses only of what takes longer than a moment. */
export interface Progress {
  readonly say: (line: string) => void;
  /** Nothing more is pending. */
  readonly end: () => void;
}

const momentMs = 1_000;

/** `steps` are the names that lines begin with after their mark. */
export function showProgress(clock: Clock, steps: readonly string[], write: (line: string) => void): Progress {
  const began = clock.monotonic();
  const open = new Set(steps);
  let pending: { readonly step: string; readonly line: string; readonly at: number }[] = [];
  let announced = false;

  const stop = clock.every(100, () => {
    const now = clock.monotonic();
    if (!announced && now - began > momentMs && open.size > 0) {
      announced = true;
      write(`  starting ${[...open].join(', ')} …`);
    }
    for (const { line } of pending.filter(({ at }) => now - at > momentMs)) write(`  ${line}`);
    pending = pending.filter(({ at }) => now - at <= momentMs);
  });
  return {
    say: (line) => {
      const done = /^✔ (\S+)/u.exec(line)?.[1];
      const step = /^([\w-]+):/u.exec(line)?.[1];
      if (done !== undefined) {
        open.delete(done);
        pending = pending.filter(({ step: other }) => other !== done);
      }
      if (done === undefined && step !== undefined) pending.push({ step, line, at: clock.monotonic() });
      else write(`  ${line}`);
    },
    end: stop,
  };
}
