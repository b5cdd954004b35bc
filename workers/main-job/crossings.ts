import type { Quote } from '../../src/domain/facts.ts';
import type { AuditedWatch } from '../../src/db/audit.ts';

/**
 * Whether every crossing of an armed level has its one trigger row: worked out from the broker's quotes alone, with nothing of
 * the price watcher in it.
 *
 * A level crosses at the first quote not older than its arming whose exit side has reached it. A row that fired must bear
 * exactly this quote. A row still armed must have none. A row that was disarmed may have one only from the moment on at which
 * its position was gone at the broker, or at which a new ladder, a skip or a pause ended it.
 */
export function checkCrossings(
  watches: readonly AuditedWatch[],
  quotes: readonly Quote[],
  digits: number,
): readonly string[] {
  const walk = pointsOf(quotes, digits);
  return watches.flatMap((watch) => {
    const found = firstCrossing(walk, watch, digits);
    const problem = problemOf(watch, found === null ? null : (quotes[found] as Quote));
    return problem === null ? [] : [`${nameOf(watch)}: ${problem}`];
  });
}

const nameOf = ({ tradeId, level, generation, price }: AuditedWatch) =>
  `trade ${tradeId} target ${level} generation ${generation} at ${price}`;

function problemOf(watch: AuditedWatch, crossing: Quote | null): string | null {
  const { state, firedSequence, firedPrice, endedAt } = watch;
  const where = crossing === null ? 'no quote' : `quote ${crossing.sequence}`;
  if (state === 'FIRED') {
    if (crossing?.sequence !== firedSequence)
      return `fired at quote ${firedSequence ?? '?'}, but ${where} crossed it first`;
    const exit = watch.quoteSide === 'BID' ? crossing?.bid : crossing?.ask;
    return exit === firedPrice ? null : `fired at ${firedPrice ?? '?'}, but ${where} stood at ${exit ?? '?'}`;
  }
  if (crossing === null) return null;
  if (state === 'ARMED') return `${where} crossed it, and it is still armed`;
  return endedAt !== null && crossing.time >= endedAt
    ? null
    : `${where} crossed it, and it was disarmed without a trigger row`;
}

interface Walk {
  readonly times: Float64Array;
  readonly bids: Int32Array;
  readonly asks: Int32Array;
}

/** Quotes are compared as whole points; a file of a day is walked once for each of many hundred levels. */
function pointsOf(quotes: readonly Quote[], digits: number): Walk {
  const scale = 10 ** digits;
  const points = (text: string) => Math.round(Number(text) * scale);
  return {
    times: Float64Array.from(quotes, ({ time }) => time),
    bids: Int32Array.from(quotes, ({ bid }) => points(bid)),
    asks: Int32Array.from(quotes, ({ ask }) => points(ask)),
  };
}

function firstCrossing({ times, bids, asks }: Walk, watch: AuditedWatch, digits: number): number | null {
  const level = Math.round(Number(watch.price) * 10 ** digits);
  const prices = watch.quoteSide === 'BID' ? bids : asks;
  const rising = watch.crosses === 'UP';
  for (let at = firstFrom(times, watch.armedAt); at < prices.length; at += 1) {
    const price = prices[at] as number;
    if (rising ? price >= level : price <= level) return at;
  }
  return null;
}

/** Index of the first quote at or after `time`; the broker's times never go back. */
function firstFrom(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
