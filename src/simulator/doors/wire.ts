import { Big } from 'big.js';

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DealReason, OrderState, OrderType, Side } from '../../domain/facts.ts';
import {
  DealEntry,
  OrderState as WireOrderState,
  OrderType as WireOrderType,
  Reason,
  Side as WireSide,
  type AccountFactsSchema,
  type BalanceSchema,
  type CandleSchema,
  type DealSchema,
  type InstrumentSchema,
  type OrderSchema,
  type PositionSchema,
  type QuoteReplySchema,
  type SendReplySchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Account, Deal, Exchange, Order, Position, Tick } from '../exchange/book.ts';
import type { Answer } from '../exchange/inputs.ts';
import { listed, type Listing } from '../exchange/listings.ts';
import { figures, marginCurrency, openPointUnits, profitOf } from '../exchange/margin.ts';
import { isOpen, nextChange } from '../exchange/sessions.ts';
import type { AccountChanges } from '../feed.ts';
import type { Bar } from '../quote-history.ts';

/** From the book's integers to the wire's canonical decimals. */

const sides = { BUY: WireSide.BUY, SELL: WireSide.SELL } as const satisfies Record<Side, WireSide>;

const types = {
  MARKET: WireOrderType.MARKET,
  LIMIT: WireOrderType.LIMIT,
  STOP: WireOrderType.STOP,
} as const satisfies Record<OrderType, WireOrderType>;

const states = {
  WORKING: WireOrderState.WORKING,
  PARTIALLY_FILLED: WireOrderState.PARTIALLY_FILLED,
  FILLED: WireOrderState.FILLED,
  CANCELLED: WireOrderState.CANCELLED,
  EXPIRED: WireOrderState.EXPIRED,
  REJECTED: WireOrderState.REJECTED,
} as const satisfies Record<OrderState, WireOrderState>;

const reasons = {
  CLIENT: Reason.CLIENT,
  EXPERT: Reason.EXPERT,
  SL: Reason.SL,
  TP: Reason.TP,
  STOP_OUT: Reason.STOP_OUT,
  MOBILE: Reason.MOBILE,
  WEB: Reason.WEB,
  OTHER: Reason.UNSPECIFIED,
} as const satisfies Record<DealReason, Reason>;

/** Hundredths (money, lots) as a decimal. */
export const hundredths = (amount: number): string => new Big(amount).div(100).toFixed();

const pricesOf =
  (digits: number) =>
  (points: number): string =>
    new Big(points).div(new Big(10).pow(digits)).toFixed();

export function wireQuote(tick: Tick): MessageInitShape<typeof QuoteReplySchema> {
  const price = pricesOf(listed(tick.symbol).digits);
  const { symbol, sequence, time } = tick;
  return {
    symbol,
    sequence,
    time,
    bid: price(tick.bid),
    ask: price(tick.ask),
    ...optional('sourceTime', tick.sourceTime),
  };
}

export function wirePosition(
  exchange: Exchange,
  account: Account,
  position: Position,
): MessageInitShape<typeof PositionSchema> {
  const listing = listed(position.symbol);
  const price = pricesOf(listing.digits);
  const tick = exchange.ticks.get(position.symbol);
  const open = tick === undefined || position.units === 0 ? 0 : openPointUnits(position, tick);
  return {
    positionId: position.id,
    symbol: position.symbol,
    side: sides[position.side],
    lots: hundredths(position.units),
    entryPrice: price(position.entry),
    openedAt: position.openedAt,
    updatedAt: position.updatedAt,
    comment: position.comment,
    profit: hundredths(profitOf(exchange, listing, open, account.currency)),
    swap: hundredths(position.swap),
    ...optionalPrice('stopLoss', position.stop, price),
    ...optionalPrice('takeProfit', position.target, price),
    ...optional('tag', position.tag),
  };
}

export function wireOrder(order: Order): MessageInitShape<typeof OrderSchema> {
  const price = pricesOf(listed(order.symbol).digits);
  return {
    orderId: order.id,
    symbol: order.symbol,
    side: sides[order.side],
    type: types[order.type],
    state: states[order.state],
    lots: hundredths(order.units),
    filledLots: hundredths(order.filledUnits),
    reason: reasons[order.reason],
    comment: order.comment,
    updatedAt: order.updatedAt,
    ...optional('positionId', order.positionId),
    ...optionalPrice('price', order.price, price),
    ...optionalPrice('stopLoss', order.stop, price),
    ...optionalPrice('takeProfit', order.target, price),
    ...optional('expiresAt', order.expiresAt),
    ...optional('tag', order.tag),
  };
}

export function wireDeal(deal: Deal): MessageInitShape<typeof DealSchema> {
  const price = pricesOf(listed(deal.symbol).digits);
  return {
    dealId: deal.id,
    orderId: deal.orderId,
    positionId: deal.positionId,
    symbol: deal.symbol,
    side: sides[deal.side],
    entry: deal.entry === 'IN' ? DealEntry.IN : DealEntry.OUT,
    lots: hundredths(deal.units),
    price: price(deal.price),
    executedAt: deal.executedAt,
    commission: hundredths(deal.commission),
    swap: hundredths(deal.swap),
    profit: hundredths(deal.profit),
    reason: reasons[deal.reason],
    comment: deal.comment,
    ...optional('tag', deal.tag),
  };
}

export function wireBalance(
  exchange: Exchange,
  account: Account,
  asOf: number,
): MessageInitShape<typeof BalanceSchema> {
  const { balance, equity, margin } = figures(exchange, account);
  return {
    balance: hundredths(balance),
    equity: hundredths(equity),
    margin: hundredths(margin),
    freeMargin: hundredths(equity - margin),
    asOf,
  };
}

/** `wallTimeOf` tells when a source time will be reached. */
export function wireInstrument(
  exchange: Exchange,
  listing: Listing,
  wallTimeOf: (sourceTime: number) => number,
): MessageInitShape<typeof InstrumentSchema> {
  const change = nextChange(listing.session, exchange.sourceTime);
  return {
    symbol: listing.symbol,
    digits: listing.digits,
    tickSize: listing.tickSize,
    pipSize: listing.pipSize,
    contractSize: String(listing.contractSize),
    volumeMin: listing.volumeMin,
    volumeMax: listing.volumeMax,
    volumeStep: listing.volumeStep,
    stopsLevelPoints: listing.stopsLevelPoints,
    freezeLevelPoints: listing.freezeLevelPoints,
    baseCurrency: listing.baseCurrency,
    profitCurrency: listing.profitCurrency,
    marginCurrency: marginCurrency(listing),
    swapLongPoints: hundredths(listing.swapLong),
    swapShortPoints: hundredths(listing.swapShort),
    swapTripleWeekday: listing.swapTripleWeekday,
    tradeMode: listing.tradeMode,
    commissionPerLot: hundredths(listing.commissionPerLot),
    sessionOpen: isOpen(listing.session, exchange.sourceTime),
    ...optional('sessionChangesAt', change === null ? null : wallTimeOf(change)),
  };
}

export function wireBar(bar: Bar, listing: Listing, closed: boolean): MessageInitShape<typeof CandleSchema> {
  const price = pricesOf(listing.digits);
  const { time, tickVolume } = bar;
  return {
    time,
    tickVolume,
    closed,
    open: price(bar.open),
    high: price(bar.high),
    low: price(bar.low),
    close: price(bar.close),
  };
}

export function wireFacts(
  exchange: Exchange,
  account: Account,
  changes: AccountChanges,
): MessageInitShape<typeof AccountFactsSchema> {
  return {
    login: account.login,
    orders: changes.orders.map(wireOrder),
    deals: changes.deals.map(wireDeal),
    positions: changes.positions.map((position) => wirePosition(exchange, account, position)),
    balance: wireBalance(exchange, account, exchange.time),
  };
}

export function wireAnswer(
  exchange: Exchange,
  account: Account,
  answer: Answer,
  changes: AccountChanges,
): MessageInitShape<typeof SendReplySchema> {
  if (answer.code !== 'done') {
    return { code: answer.code, text: answer.text, ...optional('retryAfterMs', answer.retryAfterMs) };
  }
  const position = changes.positions.findLast(({ id }) => id === answer.positionId);
  return {
    code: answer.code,
    text: 'done',
    orders: changes.orders.map(wireOrder),
    deals: changes.deals.map(wireDeal),
    ...optional('orderId', answer.orderId),
    ...optional('positionId', answer.positionId),
    ...(position === undefined ? {} : { position: wirePosition(exchange, account, position) }),
  };
}

function optional<Name extends string, Value>(name: Name, value: Value | null): { [key in Name]?: Value } {
  const present: { [key in Name]?: Value } = {};
  if (value !== null) present[name] = value;
  return present;
}

function optionalPrice<Name extends string>(name: Name, points: number | null, price: (points: number) => string) {
  return optional(name, points === null ? null : price(points));
}
