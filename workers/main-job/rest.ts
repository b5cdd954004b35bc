import { feedProgress } from '../../src/db/audit.ts';
import { unsettled, type Unrest } from '../../src/db/queries.ts';
import type { Quote } from '../../src/domain/facts.ts';
import type { Parts } from '../compose.ts';

/** Something that was waited for did not come in time. */
export class NeverCame extends Error {
  override readonly name = 'NeverCame';
}

export interface Wait {
  /** What is waited for, in words. */
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Looks again and again until `look` answers something.
 *
 * A look that fails counts as nothing seen: while a part is down, failing is what reads do.
 *
 * @throws NeverCame with the last failure after `withinMs`; the signal's reason when it aborts
 */
export async function until<Found>(
  { clock }: Pick<Parts, 'clock'>,
  wait: Wait,
  look: () => Promise<Found | null>,
): Promise<Found> {
  const { what, withinMs, everyMs = 25, signal } = wait;
  const end = clock.monotonic() + withinMs;
  for (let last = ''; ;) {
    signal.throwIfAborted();
    try {
      const found = await look();
      if (found !== null) return found;
    } catch (error) {
      last = `: ${String(error)}`;
    }
    if (clock.monotonic() > end) throw new NeverCame(`${what} did not happen within ${withinMs / 1000} s${last}`);
    await clock.sleep(everyMs, signal);
  }
}

const nothing = (unrest: Unrest) => Object.values(unrest).every((count) => count === 0);

/** Waits until nothing is under way any more; answers what still was when the time ran out. */
export async function atRest(
  parts: Pick<Parts, 'clock' | 'records'>,
  withinMs: number,
  signal: AbortSignal,
): Promise<Unrest> {
  const look = async () => {
    const unrest = await unsettled(parts.records.pool);
    return nothing(unrest) ? unrest : null;
  };
  try {
    return await until(parts, { what: 'rest', withinMs, everyMs: 100, signal }, look);
  } catch (error) {
    // What is left is for the audit to tell.
    if (!(error instanceof NeverCame)) throw error;
    return unsettled(parts.records.pool);
  }
}

/** Whether some market process holds the feed and has evaluated every quote, up to the last one, that counts for an armed level. */
export async function watcherCaughtUp(parts: Pick<Parts, 'records'>, last: Quote): Promise<boolean> {
  const { sequence: evaluated, firstArmedAt, aliveMsAgo } = await feedProgress(parts.records.pool, last.symbol);
  if (aliveMsAgo === null || aliveMsAgo > aliveWithinMs) return false;
  return firstArmedAt === null || firstArmedAt > last.time || (evaluated ?? 0) >= last.sequence;
}

/** The holder notes that it lives each second. */
const aliveWithinMs = 2_500;
