import type { Clock } from '../clock.ts';
import type { Quote, UtcMs } from '../domain/facts.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { Evaluation } from './evaluation.ts';
import type { HeldWatch, Lane } from './lane.ts';
import { believable } from './quotes.ts';
import type { WatcherLog } from './watcher-log.ts';

/** Every quote of the symbol after the cursor up to now, oldest first; complete, or it rejects. */
export type MissedTicks = (symbol: string, after: QuoteCursor) => Promise<readonly Quote[]>;

export interface CatchUpDeps {
  readonly evaluation: Evaluation;
  readonly missedTicks: MissedTicks;
  readonly clock: Clock;
  readonly log: WatcherLog;
  readonly signal: AbortSignal;
}

/** Closes holes in a symbol's quotes: fetches what is missing, evaluates it in order, then what came meanwhile. */
export interface CatchUp {
  /** Starts, or asks once more when a fetch is under way. */
  begin(lane: Lane): void;
  /** Keeps a live quote until the missing ones are evaluated. */
  hold(lane: Lane, quote: Quote): void;
}

/** Live quotes kept per symbol while catching up; beyond that they are fetched again like the missed ones. */
const HELD_MAX = 20_000;
const RETRY_MS = 250;
/** A quote that waited longer than this counts as late. */
const LATE_AFTER_MS = 1_000;
/** First guess of how many quotes back a moment lies; eight times more with each try. */
const LOOK_BACK = 1_000;

export function createCatchUp({ evaluation, missedTicks, clock, log, signal }: CatchUpDeps): CatchUp {
  async function run(lane: Lane): Promise<void> {
    while (!signal.aborted) {
      lane.again = false;
      const arriving = [...lane.arriving];
      const missed = await fetched(lane, earliest(arriving));
      if (signal.aborted) return;
      if (missed !== null) {
        absorb(lane, arriving, missed);
        if (drained(lane) && !lane.again) {
          lane.catchingUp = false;
          return;
        }
        if (lane.again) continue;
      }
      // An aborted pause ends the loop by itself.
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async function fetched(lane: Lane, since: UtcMs): Promise<readonly Quote[] | null> {
    try {
      return await (since > lane.time ? fetchOnward(lane, since) : fetchBack(lane, since));
    } catch (cause) {
      // A read that failed says nothing about what was missed: the symbol stays behind until one succeeds.
      log.warn({ err: cause, symbol: lane.symbol }, 'missed quotes could not be read, trying again');
      // A feed that lost its count cannot be asked by number any more, so the next try asks by time.
      if (lane.held.some(({ quote }) => orderOf(lane, quote) === 'renumbered')) lane.sequence = 0;
      return null;
    }
  }

  function fetchOnward(lane: Lane, since: UtcMs): Promise<readonly Quote[]> {
    const first = Math.min(since, lane.nextArmedAt) - 1;
    const nobodyBefore = lane.watches === lane.arriving.size + lane.waiting.size;
    const time = nobodyBefore && Number.isFinite(first) ? Math.max(lane.time, first) : lane.time;
    return missedTicks(lane.symbol, { sequence: lane.sequence, time });
  }

  /** A feed may count by sequence alone, so the moment is looked for in growing steps back. */
  async function fetchBack(lane: Lane, since: UtcMs): Promise<readonly Quote[]> {
    for (let back = LOOK_BACK; ; back *= 8) {
      const sequence = Math.max(0, lane.sequence - back);
      const quotes = await missedTicks(lane.symbol, { sequence, time: since - 1 });
      const first = quotes[0];
      const reached = first !== undefined && (first.time < since || first.sequence > sequence + 1);
      if (reached || sequence === 0) return quotes;
    }
  }

  function absorb(lane: Lane, arriving: readonly HeldWatch[], missed: readonly Quote[]): void {
    const seen = believable(missed.filter((quote) => quote.sequence <= lane.sequence));
    for (const held of arriving) if (lane.arriving.delete(held)) evaluation.placeAfter(held, seen);
    for (const quote of missed) {
      if (quote.sequence <= lane.sequence) continue;
      const quotedAt = clock.monotonic() - Math.max(0, clock.now() - quote.time);
      evaluation.next(lane, quote, { quotedAt, late: true, whole: quote.sequence === lane.sequence + 1 });
    }
  }

  /** Evaluates what was held, up to the next hole; `false` when there is one. */
  function drained(lane: Lane): boolean {
    const now = clock.monotonic();
    let next = 0;
    for (; next < lane.held.length; next += 1) {
      const { quote, arrivedAt } = lane.held[next]!;
      const order = orderOf(lane, quote);
      if (order === 'hole') break;
      if (order === 'seen') continue;
      const late = now - arrivedAt > LATE_AFTER_MS;
      evaluation.next(lane, quote, { quotedAt: arrivedAt, late, whole: order === 'next' });
    }
    lane.held = lane.held.slice(next);
    return lane.held.length === 0;
  }

  return {
    begin: (lane) => {
      lane.again = true;
      if (lane.catchingUp) return;
      lane.catchingUp = true;
      void run(lane);
    },
    hold: (lane, quote) => {
      if (lane.held.length === HELD_MAX) lane.held = [];
      lane.held.push({ quote, arrivedAt: clock.monotonic() });
    },
  };
}

function earliest(arriving: readonly HeldWatch[]): UtcMs {
  return arriving.reduce((first, { watch }) => Math.min(first, watch.armedAt), Number.POSITIVE_INFINITY);
}

/**
 * Where a quote stands after the last one evaluated. `renumbered`: a lower number at a later time, which only a feed that
 * lost its count shows; what it missed cannot be asked for by number.
 */
export function orderOf(lane: Lane, quote: Quote): 'next' | 'seen' | 'hole' | 'renumbered' {
  if (quote.sequence === lane.sequence + 1) return 'next';
  if (quote.sequence > lane.sequence) return 'hole';
  return quote.time > lane.time ? 'renumbered' : 'seen';
}
