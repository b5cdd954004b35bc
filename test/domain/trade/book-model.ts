import {
  compare,
  isZero,
  lots,
  price,
  subtract,
  ZERO_LOTS,
  type Lots,
  type Price,
} from '../../../src/domain/decimal.ts';
import { accountId, positionId, tradeId } from '../../../src/domain/ids.ts';
import { closeBps, targetPrice } from '../../../src/domain/ladder.ts';
import { isTighter } from '../../../src/domain/protection.ts';
import type { TradeChange } from '../../../src/domain/trade/change.ts';
import type { CommandPlan } from '../../../src/domain/trade/intent.ts';
import type { TargetRule, TradeRequest } from '../../../src/domain/trade/request.ts';
import type { TargetView, TradeView } from '../../../src/domain/trade/view.ts';

export const eurusd = {
  digits: 5,
  tickSize: price('0.00001'),
  pipSize: price('0.0001'),
  volumeMin: lots('0.01'),
  volumeStep: lots('0.01'),
};

export const threeTargets: readonly TargetRule[] = [
  { at: { pips: '10' }, size: { share: '50' }, late: 'act-if-beyond' },
  { at: { pips: '20' }, size: { share: '30' }, late: 'act-if-beyond' },
  { at: { pips: '40' }, size: { rest: true }, late: 'act-if-beyond' },
];

export function request(overrides: Partial<TradeRequest> = {}): TradeRequest {
  return {
    tradeId: tradeId('11111111-1111-5111-8111-111111111111'),
    accountId: accountId('7'),
    symbol: 'EURUSD',
    side: 'BUY',
    volume: lots('0.6'),
    entry: { type: 'MARKET' },
    stopLoss: { pips: '20' },
    takeProfit: null,
    targets: threeTargets,
    breakeven: { afterLevel: 1, offset: { points: '10' } },
    requestedBy: 'test',
    requestHash: 'hash',
    ...overrides,
  };
}

export function pendingView(asked: TradeRequest): TradeView {
  const bps = closeBps(asked.targets);
  return {
    revision: 1,
    state: 'PENDING',
    requestHash: asked.requestHash,
    symbol: asked.symbol,
    side: asked.side,
    instrument: eurusd,
    positionId: null,
    entryOrderId: null,
    openedLots: ZERO_LOTS,
    closedLots: ZERO_LOTS,
    remainingLots: ZERO_LOTS,
    entryPrice: null,
    stopLoss: null,
    takeProfit: null,
    initialStop: price('1.083'),
    intendedStop: price('1.083'),
    breakevenFloor: null,
    breakeven: { rule: asked.breakeven, state: asked.breakeven === null ? 'OFF' : 'WAITING' },
    automation: 'RUNNING',
    settling: false,
    closeReason: null,
    closeSubreason: null,
    targets: asked.targets.map(({ at, late }, index) => ({
      level: index + 1,
      rule: at,
      late,
      price: null,
      closeBps: bps[index] ?? 0,
      state: 'ARMED',
      generation: 1,
    })),
    unsettled: null,
  };
}

export function opened(asked: TradeRequest, entry: Price = price('1.085')): TradeView {
  const view = pendingView(asked);
  const stop = view.initialStop as Price;
  return next(view, {
    state: 'OPEN',
    positionId: positionId('900'),
    openedLots: asked.volume,
    remainingLots: asked.volume,
    entryPrice: entry,
    stopLoss: stop,
    targets: view.targets.map((target) => ({
      ...target,
      price: targetPrice(target.rule, entry, stop, asked.side, eurusd),
    })),
  });
}

export function next(view: TradeView, change: Partial<TradeView>): TradeView {
  return { ...view, ...change, revision: view.revision + 1 };
}

export function withTarget(view: TradeView, level: number, change: Partial<TargetView>): TradeView {
  return next(view, {
    targets: view.targets.map((target) => (target.level === level ? { ...target, ...change } : target)),
  });
}

/** The view after the broker carried a plan out. */
export function afterExecution(view: TradeView, plan: CommandPlan): TradeView {
  switch (plan.intent.kind) {
    case 'PARTIAL_CLOSE':
      return closed(view, plan, plan.intent.leaveLots);
    case 'FULL_CLOSE':
    case 'EMERGENCY_CLOSE':
      return closed(view, plan, ZERO_LOTS);
    case 'MODIFY_PROTECTION':
      return protectedView(view, plan);
    default:
      throw new Error(`the model does not execute ${plan.intent.kind}`);
  }
}

function closed(view: TradeView, plan: CommandPlan, leave: Lots): TradeView {
  if (compare(leave, view.remainingLots) >= 0)
    throw new Error(`leaving ${leave} of ${view.remainingLots} closes nothing`);
  const done = view.targets.map((target) =>
    target.level === plan.targetLevel ? { ...target, state: 'DONE' as const } : target,
  );
  const over = isZero(leave);
  return next(view, {
    state: over ? 'CLOSED' : 'OPEN',
    closedLots: subtract(view.openedLots, leave),
    remainingLots: leave,
    closeReason: over ? (plan.closeReason?.reason ?? null) : null,
    targets: over
      ? done.map((target) => (target.state === 'DONE' ? target : { ...target, state: 'SKIPPED' as const }))
      : done,
  });
}

function protectedView(view: TradeView, plan: CommandPlan): TradeView {
  if (plan.intent.kind !== 'MODIFY_PROTECTION' || plan.intent.stopLoss === 'keep') return view;
  const wanted = plan.intent.stopLoss.to;
  const moved =
    wanted !== null && (view.stopLoss === null || plan.intent.mayLoosen || isTighter(view.side, wanted, view.stopLoss));
  return next(view, {
    stopLoss: moved ? wanted : view.stopLoss,
    intendedStop: moved ? wanted : view.intendedStop,
    breakevenFloor: plan.intent.setsFloor ? wanted : view.breakevenFloor,
    breakeven: plan.intent.setsFloor ? { ...view.breakeven, state: 'DONE' } : view.breakeven,
  });
}

/** The view after the book took a change. */
export function afterChange(view: TradeView, change: TradeChange): TradeView {
  switch (change.kind) {
    case 'breakeven-pending':
      return next(view, { breakeven: { ...view.breakeven, state: 'PENDING' } });
    case 'skip-target':
      return withTarget(view, change.level, { state: 'SKIPPED' });
    case 'fail-target':
      return withTarget(view, change.level, { state: 'FAILED' });
    case 'rearm-target':
      return withTarget(view, change.level, { state: 'ARMED', generation: change.generation + 1 });
    default:
      throw new Error(`the model does not know the change ${change.kind}`);
  }
}
