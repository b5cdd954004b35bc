import { compare, isZero, subtract, ZERO_LOTS, type Price } from '../domain/decimal.ts';
import { exitPrice, type PositionFact, type Quote, type Side } from '../domain/facts.ts';
import { roundStop, roundTarget, volumeDenial, type Instrument } from '../domain/instrument.ts';
import { InvariantViolated, unreachable, type Denial } from '../domain/outcome.ts';
import { protectionDenial, tightenedStop } from '../domain/protection.ts';
import type { CommandPlan, Intent, Leg } from '../domain/trade/intent.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { BrokerAccount, Connector, Snapshot, WireCommand } from './connector.ts';
import { sameLevel } from './judge.ts';
import type { BeforeSnapshot } from './records.ts';

/** What a fresh read makes of a plan. */
export type Preflight =
  | { readonly kind: 'ready'; readonly wire: WireCommand; readonly before: BeforeSnapshot }
  /** The broker shows what the plan wants already: nothing to send. */
  | { readonly kind: 'goal-met'; readonly position: PositionFact }
  | { readonly kind: 'denied'; readonly denial: Denial }
  /** The broker's position is not the book's. */
  | { readonly kind: 'book-differs' };

/** Where a plan's reads come from; the instrument may be some seconds old. */
export interface Reads {
  readonly account: BrokerAccount;
  readonly connector: Connector;
  /** One position per symbol, whoever opened it. */
  readonly isNetting: boolean;
  instrument(symbol: string): Promise<Instrument>;
  /** The account as the broker shows it: one read, the same however often it is asked for. */
  snapshot(): Promise<Snapshot>;
}

type Modify = Extract<Intent, { kind: 'MODIFY_PROTECTION' }>;
type Opening = Extract<Intent, { kind: 'OPEN' | 'PLACE_PENDING' }>;
type Close = Extract<Intent, { kind: 'PARTIAL_CLOSE' | 'FULL_CLOSE' | 'EMERGENCY_CLOSE' }>;

/**
 * Reads the broker and works out the wire request, or says why there is none.
 *
 * @throws Unavailable when the broker could not be read: nothing is known, so nothing is sent
 */
export async function preflight(plan: CommandPlan, view: TradeView, reads: Reads): Promise<Preflight> {
  const { intent } = plan;
  switch (intent.kind) {
    case 'OPEN':
    case 'PLACE_PENDING':
      return opening(intent, reads);
    case 'PARTIAL_CLOSE':
    case 'FULL_CLOSE':
    case 'EMERGENCY_CLOSE':
      return closing(plan, intent, view, reads);
    case 'MODIFY_PROTECTION':
      return modifying(intent, view, reads);
    case 'CANCEL_PENDING':
      return cancelling(view, reads);
    default:
      return unreachable(intent);
  }
}

async function opening(intent: Opening, reads: Reads): Promise<Preflight> {
  const [instrument, quote] = await Promise.all([
    reads.instrument(intent.symbol),
    reads.connector.quote(reads.account, intent.symbol),
  ]);
  const denial =
    modeDenial(instrument) ??
    (await foreignVolume(intent.symbol, reads)) ??
    volumeDenial(intent.lots, instrument) ??
    openingLevels(intent, quote, instrument);
  if (denial !== null) return { kind: 'denied', denial };
  const before: BeforeSnapshot = {
    positionId: null,
    lots: null,
    stopLoss: null,
    takeProfit: null,
    updatedAt: null,
    readAt: quote.time,
  };
  return { kind: 'ready', wire: intent, before };
}

/** On a netting account our order would join the position of somebody else. */
async function foreignVolume(symbol: string, reads: Reads): Promise<Denial | null> {
  if (!reads.isNetting) return null;
  const { positions } = await reads.snapshot();
  const position = positions.find((candidate) => candidate.symbol === symbol && !isZero(candidate.lots));
  if (position === undefined) return null;
  const rule = `position ${position.positionId} of ${position.lots} lots stands on ${symbol}, and a netting account has one position per symbol`;
  return {
    code: 'symbol-owned',
    field: 'symbol',
    value: symbol,
    rule,
    fix: 'close it first, or use a hedging account',
  };
}

function openingLevels(intent: Opening, quote: Quote, instrument: Instrument): Denial | null {
  const at = intent.kind === 'OPEN' ? quote : { bid: intent.price, ask: intent.price };
  return protectionDenial(intent.side, intent, at, instrument);
}

function modeDenial(instrument: Instrument): Denial | null {
  const { symbol, tradeMode, sessionOpen } = instrument;
  if (tradeMode !== 'FULL') {
    return {
      code: 'trade-disabled',
      field: 'symbol',
      value: symbol,
      rule: `the broker allows ${tradeMode} on ${symbol}`,
      fix: 'choose another symbol',
    };
  }
  if (sessionOpen) return null;
  return {
    code: 'market-closed',
    field: 'symbol',
    value: symbol,
    rule: `the session of ${symbol} is closed`,
    fix: 'wait for the session to open',
  };
}

async function closing(plan: CommandPlan, intent: Close, view: TradeView, reads: Reads): Promise<Preflight> {
  const quote = plan.onlyIfBeyond === null ? null : reads.connector.quote(reads.account, view.symbol);
  const [snapshot, exit] = await Promise.all([reads.snapshot(), quote]);
  const position = positionOf(view, snapshot);
  const emergency = intent.kind === 'EMERGENCY_CLOSE';
  if (position === null || (!emergency && compare(position.lots, view.remainingLots) !== 0))
    return { kind: 'book-differs' };
  if (exit !== null && plan.onlyIfBeyond !== null && !isBeyond(view.side, exit, plan.onlyIfBeyond))
    return cameBack(exit, view.side, plan.onlyIfBeyond);
  const leave = intent.kind === 'PARTIAL_CLOSE' ? intent.leaveLots : ZERO_LOTS;
  if (compare(position.lots, leave) <= 0) return { kind: 'book-differs' };
  const lots = subtract(position.lots, leave);
  const wire: WireCommand = { kind: intent.kind, positionId: position.positionId, symbol: position.symbol, lots };
  return { kind: 'ready', wire, before: snapshotOf(position, snapshot.asOf) };
}

function positionOf(view: TradeView, snapshot: Snapshot): PositionFact | null {
  return snapshot.positions.find(({ positionId, lots }) => positionId === view.positionId && !isZero(lots)) ?? null;
}

function snapshotOf(position: PositionFact, readAt: number): BeforeSnapshot {
  const { positionId, lots, stopLoss, takeProfit, updatedAt } = position;
  return { positionId, lots, stopLoss, takeProfit, updatedAt, readAt };
}

/** Whether the exit price stands at or beyond a profit level. */
function isBeyond(side: Side, quote: Quote, level: Price): boolean {
  const order = compare(exitPrice(side, quote), level);
  return side === 'BUY' ? order >= 0 : order <= 0;
}

function cameBack(quote: Quote, side: Side, level: Price): Preflight {
  const value = exitPrice(side, quote);
  const rule = `a late target closes only while the price is at or beyond ${level}`;
  return { kind: 'denied', denial: { code: 'price-came-back', field: 'price', value, rule, fix: 'it is armed again' } };
}

async function modifying(intent: Modify, view: TradeView, reads: Reads): Promise<Preflight> {
  const [snapshot, quote, instrument] = await Promise.all([
    reads.snapshot(),
    reads.connector.quote(reads.account, view.symbol),
    reads.instrument(view.symbol),
  ]);
  const position = positionOf(view, snapshot);
  if (position === null) return { kind: 'book-differs' };
  const stopLoss = stopLeg(intent, position, instrument);
  const takeProfit = profitLeg(intent.takeProfit, position, instrument);
  if (stopLoss === null) return { kind: 'denied', denial: stopRequired };
  if (sameLevel(stopLoss, position.stopLoss) && sameLevel(takeProfit, position.takeProfit))
    return { kind: 'goal-met', position };
  const changed = {
    stopLoss: unlessSame(stopLoss, position.stopLoss),
    takeProfit: unlessSame(takeProfit, position.takeProfit),
  };
  const denial = protectionDenial(view.side, changed, quote, instrument);
  if (denial !== null) return { kind: 'denied', denial };
  const wire: WireCommand = {
    kind: 'MODIFY_PROTECTION',
    positionId: position.positionId,
    symbol: view.symbol,
    stopLoss,
    takeProfit,
  };
  return { kind: 'ready', wire, before: snapshotOf(position, snapshot.asOf) };
}

/** A leg that stays where it is keeps its place however near the price has come. */
function unlessSame(wanted: Price | null, current: Price | null): Price | null {
  return sameLevel(wanted, current) ? null : wanted;
}

const stopRequired: Denial = {
  code: 'stop-required',
  field: 'stopLoss',
  value: 'none',
  rule: 'an open position always has a stop loss at the broker',
  fix: 'give a stop price',
};

function stopLeg(intent: Modify, position: PositionFact, instrument: Instrument): Price | null {
  if (intent.stopLoss === 'keep') return position.stopLoss;
  const { to } = intent.stopLoss;
  if (to === null) return null;
  const wanted = roundStop(to, position.side, instrument);
  if (intent.mayLoosen) return wanted;
  return tightenedStop(position.side, position.stopLoss, wanted) ?? position.stopLoss;
}

function profitLeg(leg: Leg, position: PositionFact, instrument: Instrument): Price | null {
  if (leg === 'keep') return position.takeProfit;
  return leg.to === null ? null : roundTarget(leg.to, position.side, instrument);
}

async function cancelling(view: TradeView, reads: Reads): Promise<Preflight> {
  if (view.entryOrderId === null) throw new InvariantViolated(`a working trade without its entry order`);
  const snapshot = await reads.snapshot();
  const order = snapshot.workingOrders.find(({ orderId }) => orderId === view.entryOrderId);
  if (order === undefined) return { kind: 'book-differs' };
  const before: BeforeSnapshot = {
    positionId: null,
    lots: null,
    stopLoss: null,
    takeProfit: null,
    updatedAt: order.updatedAt,
    readAt: snapshot.asOf,
  };
  return { kind: 'ready', wire: { kind: 'CANCEL_PENDING', orderId: order.orderId, symbol: order.symbol }, before };
}
