import type { Clock } from '../../src/clock.ts';

/** We were told to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(why: string, exitCode: number) {
    super(why);
    this.exitCode = exitCode;
  }
}

export interface Shutdown {
  /** Aborts with {@link Interrupted} on the first signal; later ones join it. */
  readonly signal: AbortSignal;
  readonly interrupted: () => Interrupted | null;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Listens for the signals that end us, and for the death of whoever started us: a killed npm cannot pass a signal on. */
export function listenForShutdown(clock: Clock): Shutdown {
  const controller = new AbortController();
  let first: Interrupted | null = null;
  const end = (why: string, exitCode: number) => {
    first ??= new Interrupted(why, exitCode);
    controller.abort(first);
  };
  for (const [name, code] of Object.entries(exitCodes)) process.on(name, () => end(name, code));
  const parent = process.ppid;
  clock.every(1_000, () => {
    if (process.ppid !== parent) end('the process that started us is gone', exitCodes.SIGHUP);
  });
  return { signal: controller.signal, interrupted: () => first };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
