import {
  DealEntry,
  OrderState as WireOrderState,
  OrderType as WireOrderType,
  Reason,
  Side as WireSide,
  type AccountFacts,
  type Balance,
  type Candle as WireCandle,
  type Deal,
  type Instrument as WireInstrument,
  type MarginReply,
  type Order,
  type Position,
  type QuoteReply,
  type SnapshotReply,
  type VerifyReply,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { compare, type Money } from '../../domain/decimal.ts';
import type {
  BalanceFact,
  DealFact,
  DealReason,
  Fact,
  OrderFact,
  OrderState,
  OrderType,
  PositionFact,
  Quote,
  Side,
} from '../../domain/facts.ts';
import { dealId, orderId, positionId } from '../../domain/ids.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Bounds, Candle, Snapshot, VerifiedAccount } from '../../trading/connector.ts';
import {
  decimalIn,
  levelIn,
  lotsIn,
  moneyIn,
  positiveLotsIn,
  positivePriceIn,
  presentIn,
  priceIn,
  sequenceIn,
  stateIn,
  tagIn,
  textIn,
  timeIn,
  Undecodable,
} from './decode.ts';

// Everything here is pure and throws Undecodable on what cannot be true.

const sides: Readonly<Record<number, Side>> = { [WireSide.BUY]: 'BUY', [WireSide.SELL]: 'SELL' };

const entries: Readonly<Record<number, 'IN' | 'OUT'>> = { [DealEntry.IN]: 'IN', [DealEntry.OUT]: 'OUT' };

const orderTypes: Readonly<Record<number, OrderType>> = {
  [WireOrderType.MARKET]: 'MARKET',
  [WireOrderType.LIMIT]: 'LIMIT',
  [WireOrderType.STOP]: 'STOP',
};

const orderStates: Readonly<Record<number, OrderState>> = {
  [WireOrderState.WORKING]: 'WORKING',
  [WireOrderState.PARTIALLY_FILLED]: 'PARTIALLY_FILLED',
  [WireOrderState.FILLED]: 'FILLED',
  [WireOrderState.CANCELLED]: 'CANCELLED',
  [WireOrderState.EXPIRED]: 'EXPIRED',
  [WireOrderState.REJECTED]: 'REJECTED',
};

/** Descriptive only, so a reason we do not know is OTHER. */
const reasons: Readonly<Record<number, DealReason>> = {
  [Reason.CLIENT]: 'CLIENT',
  [Reason.EXPERT]: 'EXPERT',
  [Reason.SL]: 'SL',
  [Reason.TP]: 'TP',
  [Reason.STOP_OUT]: 'STOP_OUT',
  [Reason.MOBILE]: 'MOBILE',
  [Reason.WEB]: 'WEB',
};

const tradeModes = { FULL: 'FULL', CLOSE_ONLY: 'CLOSE_ONLY', DISABLED: 'DISABLED' } as const;

export function toWireSide(side: Side): WireSide {
  return side === 'BUY' ? WireSide.BUY : WireSide.SELL;
}

export function dealFact(deal: Deal): DealFact {
  return {
    kind: 'deal',
    dealId: dealId(textIn('deal.dealId', deal.dealId)),
    orderId: orderId(textIn('deal.orderId', deal.orderId)),
    positionId: positionId(textIn('deal.positionId', deal.positionId)),
    symbol: textIn('deal.symbol', deal.symbol),
    side: stateIn('deal.side', sides, deal.side),
    entry: stateIn('deal.entry', entries, deal.entry),
    lots: positiveLotsIn('deal.lots', deal.lots),
    price: positivePriceIn('deal.price', deal.price),
    executedAt: timeIn('deal.executedAt', deal.executedAt),
    commission: moneyIn('deal.commission', deal.commission),
    swap: moneyIn('deal.swap', deal.swap),
    profit: moneyIn('deal.profit', deal.profit),
    reason: reasons[deal.reason] ?? 'OTHER',
    tag: tagIn(deal.tag),
    comment: deal.comment,
  };
}

export function orderFact(order: Order): OrderFact {
  const type = stateIn('order.type', orderTypes, order.type);
  return {
    kind: 'order',
    orderId: orderId(textIn('order.orderId', order.orderId)),
    positionId: order.positionId === undefined ? null : positionId(textIn('order.positionId', order.positionId)),
    symbol: textIn('order.symbol', order.symbol),
    side: stateIn('order.side', sides, order.side),
    type,
    state: stateIn('order.state', orderStates, order.state),
    ...orderVolume(order),
    price: type === 'MARKET' ? null : positivePriceIn('order.price', presentIn('order.price', order.price)),
    stopLoss: levelIn('order.stopLoss', order.stopLoss),
    takeProfit: levelIn('order.takeProfit', order.takeProfit),
    expiresAt: order.expiresAt === undefined ? null : timeIn('order.expiresAt', order.expiresAt),
    reason: reasons[order.reason] ?? 'OTHER',
    tag: tagIn(order.tag),
    comment: order.comment,
    updatedAt: timeIn('order.updatedAt', order.updatedAt),
  };
}

function orderVolume(order: Order): Pick<OrderFact, 'lots' | 'filledLots'> {
  const ordered = positiveLotsIn('order.lots', order.lots);
  const filledLots = lotsIn('order.filledLots', order.filledLots);
  if (compare(filledLots, ordered) > 0) throw Undecodable.field('order.filledLots', `at most ${ordered}`, filledLots);
  return { lots: ordered, filledLots };
}

/** A position of 0 lots has just been closed. */
export function positionFact(position: Position): PositionFact {
  return {
    kind: 'position',
    positionId: positionId(textIn('position.positionId', position.positionId)),
    symbol: textIn('position.symbol', position.symbol),
    side: stateIn('position.side', sides, position.side),
    lots: lotsIn('position.lots', position.lots),
    entryPrice: positivePriceIn('position.entryPrice', position.entryPrice),
    stopLoss: levelIn('position.stopLoss', position.stopLoss),
    takeProfit: levelIn('position.takeProfit', position.takeProfit),
    openedAt: timeIn('position.openedAt', position.openedAt),
    updatedAt: timeIn('position.updatedAt', position.updatedAt),
    tag: tagIn(position.tag),
    comment: position.comment,
  };
}

export function balanceFact(balance: Balance): BalanceFact {
  return {
    kind: 'balance',
    balance: moneyIn('balance.balance', balance.balance),
    equity: moneyIn('balance.equity', balance.equity),
    margin: moneyIn('balance.margin', balance.margin),
    freeMargin: moneyIn('balance.freeMargin', balance.freeMargin),
    asOf: timeIn('balance.asOf', balance.asOf),
  };
}

export function factsOf(facts: Omit<AccountFacts, '$typeName' | '$unknown' | 'login'>): readonly Fact[] {
  return [
    ...facts.orders.map(orderFact),
    ...facts.deals.map(dealFact),
    ...facts.positions.map(positionFact),
    ...(facts.balance === undefined ? [] : [balanceFact(facts.balance)]),
  ];
}

export function snapshotOf(reply: SnapshotReply): Snapshot {
  return {
    balance: balanceFact(presentIn('snapshot.balance', reply.balance)),
    positions: reply.positions.map(openPosition),
    workingOrders: reply.workingOrders.map(orderFact),
    asOf: timeIn('snapshot.asOf', reply.asOf),
  };
}

function openPosition(position: Position): PositionFact {
  positiveLotsIn('position.lots', position.lots);
  return positionFact(position);
}

export function quoteOf(reply: QuoteReply): Quote {
  return {
    symbol: textIn('quote.symbol', reply.symbol),
    bid: priceIn('quote.bid', reply.bid),
    ask: priceIn('quote.ask', reply.ask),
    sequence: sequenceIn('quote.sequence', reply.sequence),
    time: timeIn('quote.time', reply.time),
    sourceTime: reply.sourceTime === undefined ? null : timeIn('quote.sourceTime', reply.sourceTime),
  };
}

export function candleOf(candle: WireCandle): Candle {
  return {
    time: timeIn('candle.time', candle.time),
    open: positivePriceIn('candle.open', candle.open),
    high: positivePriceIn('candle.high', candle.high),
    low: positivePriceIn('candle.low', candle.low),
    close: positivePriceIn('candle.close', candle.close),
    tickVolume: candle.tickVolume,
    closed: candle.closed,
  };
}

export function instrumentOf(wire: WireInstrument): Instrument {
  if (wire.digits > 8) throw Undecodable.field('instrument.digits', '0 to 8', wire.digits);
  return {
    symbol: textIn('instrument.symbol', wire.symbol),
    digits: wire.digits,
    tickSize: positivePriceIn('instrument.tickSize', wire.tickSize),
    pipSize: positivePriceIn('instrument.pipSize', wire.pipSize),
    contractSize: positivePriceIn('instrument.contractSize', wire.contractSize),
    volumeMin: positiveLotsIn('instrument.volumeMin', wire.volumeMin),
    volumeMax: positiveLotsIn('instrument.volumeMax', wire.volumeMax),
    volumeStep: positiveLotsIn('instrument.volumeStep', wire.volumeStep),
    stopsLevelPoints: wire.stopsLevelPoints,
    freezeLevelPoints: wire.freezeLevelPoints,
    baseCurrency: textIn('instrument.baseCurrency', wire.baseCurrency),
    profitCurrency: textIn('instrument.profitCurrency', wire.profitCurrency),
    swapLong: decimalIn('instrument.swapLongPoints', wire.swapLongPoints),
    swapShort: decimalIn('instrument.swapShortPoints', wire.swapShortPoints),
    swapTripleWeekday: wire.swapTripleWeekday,
    tradeMode: stateIn('instrument.tradeMode', tradeModes, wire.tradeMode),
    sessionOpen: wire.sessionOpen,
  };
}

export function marginOf(reply: MarginReply): Money {
  lotsIn('margin.margin', reply.margin);
  return moneyIn('margin.margin', reply.margin);
}

/** `bounds` are the ones our proofs of absence use; a broker that promises less may not be traded with them. */
export function verifiedAccount(reply: VerifyReply, bounds: Bounds): VerifiedAccount {
  return {
    login: textIn('verify.login', reply.login),
    currency: textIn('verify.currency', reply.currency),
    marginMode: reply.hedging ? 'HEDGING' : 'NETTING',
    tradeRefusal: reply.tradeAllowed ? boundsRefusal(reply, bounds) : refusalText(reply.tradeRefusal),
    symbols: reply.symbols.map((symbol) => textIn('verify.symbols', symbol)),
    leverage: reply.leverage,
  };
}

function refusalText(text: string): string {
  return text === '' ? 'trading is not allowed' : text;
}

function boundsRefusal(reply: VerifyReply, bounds: Bounds): string | null {
  const promises = [
    ['executionDelayMs', reply.maxExecutionDelayMs],
    ['stateLagMs', reply.stateLagMs],
    ['historyLagMs', reply.historyLagMs],
  ] as const;
  const broken = promises.find(([bound, promised]) => promised > bounds[bound]);
  if (broken === undefined) return null;
  const [bound, promised] = broken;
  return `${bound} of this account is ${bounds[bound]} but the broker promises only ${promised}: set it to ${promised} or more`;
}
