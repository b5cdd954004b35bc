import type { Price } from '../decimal.ts';
import { closeBps, ladderSideDenial, targetPrice } from '../ladder.ts';
import type { Denial } from '../outcome.ts';
import type { Rung } from './change.ts';
import type { TargetRule, TradeRequest } from './request.ts';
import type { TradeView } from './view.ts';

/** Hundredths of a percent that targets already triggered or done keep of the original volume. */
function usedBps(view: TradeView): number {
  const kept = view.targets.filter(({ state }) => state !== 'ARMED' && state !== 'CANCELLED');
  return kept.reduce((total, { closeBps: bps }) => total + bps, 0);
}

/** The new rungs with price and share; a `rest` takes what the old targets and the other new ones leave. */
export function rungsOf(request: TradeRequest, view: TradeView, targets: readonly TargetRule[]): readonly Rung[] {
  const used = usedBps(view);
  return closeBps(targets).map((bps, index) => {
    const rule = targets[index] as TargetRule;
    return { rule, price: priceOf(request, view, rule), closeBps: 'rest' in rule.size ? bps - used : bps };
  });
}

function priceOf(request: TradeRequest, view: TradeView, rule: TargetRule): Price | null {
  if (view.entryPrice === null) return null;
  const riskStop = view.initialStop ?? view.entryPrice;
  return targetPrice(rule.at, view.entryPrice, riskStop, request.side, view.instrument);
}

/** Why the untriggered part of a ladder may not be replaced so, or `null`. */
export function ladderEditDenial(
  request: TradeRequest,
  view: TradeView,
  targets: readonly TargetRule[],
): Denial | null {
  const rungs = rungsOf(request, view, targets);
  const used = usedBps(view);
  const total = rungs.reduce((sum, { closeBps: bps }) => sum + bps, used);
  const empty = rungs.findIndex(({ closeBps: bps }) => bps <= 0);
  if (total > 10_000 || empty >= 0) {
    const free = (10_000 - used) / 100;
    return {
      code: 'shares-above-100',
      field: 'targets',
      value: `${total / 100} %`,
      rule: `earlier targets use ${used / 100} %`,
      fix: `share out at most ${free} %`,
    };
  }
  const highest = Math.max(0, ...view.targets.map(({ level }) => level));
  if (highest + rungs.length > 20) {
    return {
      code: 'too-many-targets',
      field: 'targets',
      value: String(rungs.length),
      rule: `levels are numbered to 20, ${highest} are used up`,
      fix: `give at most ${20 - highest}`,
    };
  }
  const prices = rungs.map(({ price }) => price).filter((price) => price !== null);
  return view.entryPrice === null ? null : ladderSideDenial(prices, view.entryPrice, request.side);
}
