import type { Quote } from '../domain/facts.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import {
  advance,
  covers,
  firstCrossing,
  recentQuotes,
  remember,
  wholePoints,
  type HeldWatch,
  type Lane,
} from './lane.ts';
import { BID_DOWN, BID_UP, type TriggerIndex } from './trigger-index.ts';
import type { Crossing, Firing } from './firing.ts';
import { judge } from './quotes.ts';
import type { Roster } from './roster.ts';
import type { WatcherLog } from './watcher-log.ts';

export const LIVE = 'live';
export const MISSED_TICKS = 'catch-up:ticks';

/** How a quote came to be evaluated. */
export interface Arrival {
  /** Monotonic time at which it was quoted, as far as we can tell. */
  readonly quotedAt: number;
  /** It is looked at noticeably later than it was quoted. */
  readonly late: boolean;
  /** No quote is missing before it. */
  readonly whole: boolean;
}

export interface Evaluation {
  /** Evaluates the quote that follows the live ones so far: the tick path. */
  live(lane: Lane, quote: Quote, now: number): void;
  /** Evaluates the next quote of its symbol, however it came. */
  next(lane: Lane, quote: Quote, arrival: Arrival): void;
  /** Finds a place for a new watch, evaluated over recent quotes; `false` when quotes before those count for it too. */
  placed(held: HeldWatch): boolean;
  /** Evaluates a watch over quotes the others have seen already, then finds its place. */
  placeAfter(held: HeldWatch, seen: readonly Quote[]): void;
  /** Quotes not believed or not on a point, since the start. */
  refused(): number;
}

export function createEvaluation(index: TriggerIndex, roster: Roster, firing: Firing, log: WatcherLog): Evaluation {
  let refused = 0;

  function evaluate(lane: Lane, quote: Quote, quotedAt: number, late: boolean, whole: boolean): void {
    const before = lane.sequence;
    const beforeTime = lane.time;
    const refusal = judge(lane.believed, quote, quotedAt);
    advance(lane, quote, whole);
    if (refusal !== null) return refuse(lane, quote, refusal);
    remember(lane, quote);
    if (lane.nextArmedAt <= quote.time) roster.admit(lane, quote.time);
    if (lane.digits === null) return;
    const bid = wholePoints(lane.believed.bid, lane.pointsPerUnit);
    const ask = wholePoints(lane.believed.ask, lane.pointsPerUnit);
    if (bid === -1 || ask === -1) return refuse(lane, quote, 'off-point');
    lane.refusal = null;
    const count = index.tick(lane.index, bid, ask);
    if (count > 0) fireSlots(count, quote, late, { sequence: before, time: beforeTime });
  }

  /** A feed that is wrong in one way all day is told of once. */
  function refuse(lane: Lane, quote: Quote, reason: string): void {
    refused += 1;
    if (lane.refusal !== reason) log.warn({ quote, reason }, 'a quote was refused');
    lane.refusal = reason;
  }

  function fireSlots(count: number, quote: Quote, late: boolean, before: QuoteCursor): void {
    const crossings: Crossing[] = [];
    for (let nth = 0; nth < count; nth += 1) {
      const held = roster.takeFired(index.fired(nth));
      crossings.push({ fire: fireOf(held, quote, late), symbol: quote.symbol, before });
    }
    firing.add(crossings);
  }

  function placeAfter(held: HeldWatch, seen: readonly Quote[]): void {
    const { lane } = held;
    const crossing = firstCrossing(held, seen, lane.pointsPerUnit);
    if (crossing === null) {
      roster.enlist(held);
      return;
    }
    roster.remove(held);
    const late = crossing.sequence !== lane.sequence;
    // The quote before it may bear the same time: a cursor must never claim less than its quotes do.
    const before = { sequence: crossing.sequence - 1, time: crossing.time };
    firing.add([{ fire: fireOf(held, crossing, late), symbol: lane.symbol, before }]);
  }

  return {
    live: (lane, quote, now) => evaluate(lane, quote, now, false, true),
    next: (lane, quote, { quotedAt, late, whole }) => evaluate(lane, quote, quotedAt, late, whole),
    placed: (held) => {
      if (held.lane.catchingUp || !covers(held.lane, held.watch.armedAt)) return false;
      placeAfter(held, recentQuotes(held.lane));
      return true;
    },
    placeAfter,
    refused: () => refused,
  };
}

function fireOf(held: HeldWatch, quote: Quote, late: boolean): Crossing['fire'] {
  const price = held.side === BID_UP || held.side === BID_DOWN ? quote.bid : quote.ask;
  const source = late ? MISSED_TICKS : LIVE;
  return { watchId: held.watch.watchId, price, at: quote.time, source, sequence: quote.sequence, late };
}
