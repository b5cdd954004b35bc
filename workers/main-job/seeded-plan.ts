import { lots } from '../../src/domain/decimal.ts';
import type { LatePolicy, TargetRule } from '../../src/domain/trade/request.ts';
import type { Listing } from '../../src/simulator/exchange/listings.ts';
import { seededRandom, type Random } from '../../src/simulator/random.ts';
import type { PlannedTrade } from './plan.ts';
import type { QuoteScan } from './quote-scan.ts';

export const seededTrades = 300;

/** Share of the trades that open within the fast move; the others open before it and are armed when it comes. */
const openedInMove = 0.3;
/** Distances as shares of the file's whole range. */
const nearestTarget = 0.02;
const furthestTarget = 0.55;
const nearestStop = 0.2;
const furthestStop = 0.9;

/** The same file and seed give the same plan: both sides, one to three targets, armed through the fast move. */
export function seededPlan(
  scan: QuoteScan,
  listing: Listing,
  seed: string,
  count = seededTrades,
): readonly PlannedTrade[] {
  const random = seededRandom(`plan ${seed} ${listing.symbol} ${scan.quotes}`);
  const trades = Array.from({ length: count }, () => plannedTrade(scan, listing, random));
  return trades.toSorted((left, right) => left.atQuote - right.atQuote);
}

function plannedTrade(scan: QuoteScan, listing: Listing, random: Random): PlannedTrade {
  const targets = ladder(scan, listing, random);
  return {
    atQuote: opening(scan, random),
    side: random() < 0.5 ? 'BUY' : 'SELL',
    volume: lots((Math.round(10 + random() * 90) / 100).toFixed(2)),
    stopLoss: { points: String(distance(scan, listing, between(random, nearestStop, furthestStop))) },
    targets,
    breakeven: random() < 0.65 ? { afterLevel: 1, offset: { points: '10' } } : null,
  };
}

function opening({ quotes, move }: QuoteScan, random: Random): number {
  const before = Math.max(move.from, Math.ceil(quotes / 10));
  const [from, to] = random() < openedInMove ? [move.from, move.to] : [1, before];
  return Math.min(quotes, Math.max(1, Math.floor(between(random, from, to))));
}

function ladder(scan: QuoteScan, listing: Listing, random: Random): readonly TargetRule[] {
  const count = 1 + Math.floor(random() * 3);
  const shares = [[], ['50'], ['50', '30']][count - 1] ?? [];
  const late = latePolicy(random);
  let far = 0;
  return Array.from({ length: count }, (_, index): TargetRule => {
    far += distance(scan, listing, between(random, nearestTarget, furthestTarget / count));
    const share = shares[index];
    return { at: { points: String(far) }, size: share === undefined ? { rest: true } : { share }, late };
  });
}

/** Mostly what people use; nobody is there to be asked. */
function latePolicy(random: Random): LatePolicy {
  const dice = random();
  return dice < 0.7 ? 'act-if-beyond' : dice < 0.9 ? 'act' : 'skip';
}

/** Whole points, and never so near that the broker or the spread would refuse. */
function distance(
  { rangePoints, widestSpreadPoints }: QuoteScan,
  { stopsLevelPoints }: Listing,
  share: number,
): number {
  return Math.max(Math.round(rangePoints * share), stopsLevelPoints * 2 + widestSpreadPoints);
}

const between = (random: Random, low: number, high: number) => low + random() * (high - low);
