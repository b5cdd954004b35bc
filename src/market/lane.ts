import type { Quote, UtcMs } from '../domain/facts.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { ArmedWatch } from '../trading/records.ts';
import { ASK_DOWN, ASK_UP, BID_DOWN, BID_UP, type TriggerSide } from './trigger-index.ts';
import type { Believed } from './quotes.ts';

/** Quotes kept per symbol, so that a watch whose row is read a little late is still evaluated from its first moment. */
export const RING_SIZE = 1_024;

/** One armed row in memory. `slot` is -1 while it stands outside the index. */
export interface HeldWatch {
  readonly watch: ArmedWatch;
  readonly lane: Lane;
  readonly points: number;
  readonly side: TriggerSide;
  slot: number;
}

/** One symbol of one feed: how far it is evaluated, and the watches that are not in the index yet. */
export interface Lane {
  readonly symbol: string;
  /** Number of the symbol in the trigger index. */
  readonly index: number;
  readonly believed: Believed;
  /** Points per unit of price are 10^digits; `null` until the first watch says so. */
  digits: number | null;
  pointsPerUnit: number;
  /** Last quote evaluated, believed or not; 0 before the first. */
  sequence: number;
  time: UtcMs;
  /** Believed quotes, evaluated without a hole between them, oldest overwritten. */
  readonly ring: Quote[];
  ringNext: number;
  /** Every quote from this moment up to `time` was evaluated and, as far as it fits, stands in the ring. */
  ringSince: UtcMs;
  /** Armed later than the last quote; joins the index with the first quote that counts for it. */
  readonly waiting: Set<HeldWatch>;
  nextArmedAt: UtcMs;
  /** Armed before what the ring covers; waits for the missed quotes. */
  readonly arriving: Set<HeldWatch>;
  watches: number;
  /** Why the last quote was refused; `null` after one that was not. */
  refusal: string | null;
  /** Live quotes wait in `held` until the missed ones are evaluated. */
  catchingUp: boolean;
  /** The link came up while missed quotes were being fetched: they must be asked for once more. */
  again: boolean;
  held: HeldQuote[];
}

export interface HeldQuote {
  readonly quote: Quote;
  /** Monotonic time of arrival. */
  readonly arrivedAt: number;
}

export function createLane(symbol: string, index: number, believed: Believed, cursor: QuoteCursor | null): Lane {
  return {
    symbol,
    index,
    believed,
    digits: null,
    pointsPerUnit: 0,
    sequence: cursor?.sequence ?? 0,
    time: cursor?.time ?? 0,
    ring: [],
    ringNext: 0,
    ringSince: cursor === null ? Number.POSITIVE_INFINITY : cursor.time + 1,
    waiting: new Set(),
    nextArmedAt: Number.POSITIVE_INFINITY,
    arriving: new Set(),
    watches: 0,
    refusal: null,
    catchingUp: false,
    again: false,
    held: [],
  };
}

export function sideOf(watch: ArmedWatch): TriggerSide {
  if (watch.quoteSide === 'BID') return watch.crosses === 'UP' ? BID_UP : BID_DOWN;
  return watch.crosses === 'UP' ? ASK_UP : ASK_DOWN;
}

/** Notes a quote as evaluated; `whole` when none is missing before it. */
export function advance(lane: Lane, quote: Quote, whole: boolean): void {
  if (!whole || lane.ringSince === Number.POSITIVE_INFINITY) {
    lane.ring.length = 0;
    lane.ringNext = 0;
    lane.ringSince = quote.sequence === 1 ? 0 : quote.time + 1;
  }
  lane.sequence = quote.sequence;
  lane.time = quote.time;
}

export function remember(lane: Lane, quote: Quote): void {
  if (lane.ring.length < RING_SIZE) lane.ring.push(quote);
  else {
    const oldest = lane.ring[lane.ringNext]!;
    lane.ringSince = oldest.time + 1;
    lane.ring[lane.ringNext] = quote;
  }
  lane.ringNext = (lane.ringNext + 1) % RING_SIZE;
}

/** Whether the ring holds every quote since `moment`. */
export function covers(lane: Lane, moment: UtcMs): boolean {
  return lane.ringSince <= moment;
}

/** The ring, oldest first. */
export function recentQuotes(lane: Lane): readonly Quote[] {
  if (lane.ring.length < RING_SIZE) return lane.ring;
  return [...lane.ring.slice(lane.ringNext), ...lane.ring.slice(0, lane.ringNext)];
}

/**
 * A quoted price as whole points for the index, or -1 when it has more digits than the symbol or does not fit 32 bits.
 * Exact for every price that fits: the product is off by less than a millionth of a point.
 */
export function wholePoints(price: number, pointsPerUnit: number): number {
  const scaled = price * pointsPerUnit;
  const points = Math.round(scaled);
  return points > 2_147_483_647 || Math.abs(scaled - points) > 1e-3 ? -1 : points;
}

/** The first of these quotes, oldest first, that counts for the watch and has reached its level; `null` when none has. */
export function firstCrossing(held: HeldWatch, quotes: readonly Quote[], pointsPerUnit: number): Quote | null {
  const { watch, side, points } = held;
  const useBid = side === BID_UP || side === BID_DOWN;
  const rising = side === BID_UP || side === ASK_UP;
  for (const quote of quotes) {
    if (quote.time < watch.armedAt) continue;
    const price = wholePoints(Number(useBid ? quote.bid : quote.ask), pointsPerUnit);
    if (price !== -1 && (rising ? price >= points : price <= points)) return quote;
  }
  return null;
}
