import { opposite, type DealReason, type Side } from '../../domain/facts.ts';
import {
  newId,
  recordDeal,
  recordOrder,
  recordPosition,
  tradePoints,
  type Account,
  type Order,
  type Position,
  type Step,
  type Tick,
} from './book.ts';
import { commissionOf, listed } from './listings.ts';
import { openPointUnits, profitOf } from './margin.ts';

/** The netted position of a symbol, `null` when flat. */
export function heldPosition(account: Account, symbol: string): Position | null {
  for (const position of account.positions.values()) if (position.symbol === symbol) return position;
  return null;
}

/**
 * Executes the whole order at the quote: opens a position or, on a netting account, adds to, reduces or turns the one there is.
 * A turn is two deals of one order: OUT of the old position, IN of a new one that has the order's id.
 */
export function fill(step: Step, account: Account, order: Order, tick: Tick): Order {
  const held = account.hedging ? null : heldPosition(account, order.symbol);
  const closing = held !== null && held.side !== order.side ? Math.min(held.units, order.units) : 0;
  const opening = order.units - closing;
  const acted = held !== null && (closing === 0 || opening === 0) ? held.id : order.id;
  const filled = recordOrder(step, account, { ...order, state: 'FILLED', filledUnits: order.units, positionId: acted });
  if (held !== null && closing > 0) settle(step, account, held, closing, filled, tick);
  if (opening > 0) open(step, account, closing > 0 ? null : held, opening, filled, tick);
  return filled;
}

function open(step: Step, account: Account, held: Position | null, units: number, order: Order, tick: Tick): void {
  const points = tradePoints(order.side, tick);
  const positionId = held?.id ?? order.id;
  dealOf(step, account, order, { positionId, entry: 'IN', units, points, profit: 0, swap: 0 });
  const cost = (held?.cost ?? 0) + points * units;
  const total = (held?.units ?? 0) + units;
  recordPosition(step, account, {
    ...(held ?? freshPosition(step, order)),
    units: total,
    cost,
    entry: Math.round(cost / total),
    stop: order.stop ?? held?.stop ?? null,
    target: order.target ?? held?.target ?? null,
  });
}

function freshPosition(step: Step, order: Order): Omit<Position, 'units' | 'cost' | 'entry' | 'stop' | 'target'> {
  const { id, symbol, side, tag, comment } = order;
  return { id, symbol, side, tag, comment, openedAt: step.exchange.time, updatedAt: 0, swap: 0 };
}

export interface Closing {
  readonly units: number;
  readonly reason: DealReason;
  readonly tag: number | null;
  readonly comment: string;
}

/** Closes part or all of one position by a market order of its own; returns the order. */
export function closeUnits(step: Step, account: Account, position: Position, closing: Closing, tick: Tick): Order {
  const { units, reason, tag, comment } = closing;
  const order = recordOrder(step, account, {
    ...marketOrder(newId(step), position.symbol, opposite(position.side), units),
    positionId: position.id,
    state: 'FILLED',
    filledUnits: units,
    reason,
    tag,
    comment,
  });
  settle(step, account, position, units, order, tick);
  return order;
}

/** A market order before anybody signed it. */
export function marketOrder(id: string, symbol: string, side: Side, units: number): Order {
  const empty = { positionId: null, price: null, stop: null, target: null, expiresAt: null, tag: null };
  return {
    ...empty,
    id,
    symbol,
    side,
    units,
    type: 'MARKET',
    state: 'WORKING',
    filledUnits: 0,
    reason: 'OTHER',
    comment: '',
    updatedAt: 0,
  };
}

function settle(step: Step, account: Account, position: Position, units: number, order: Order, tick: Tick): void {
  const all = units === position.units;
  const cost = all ? position.cost : Math.round((position.cost * units) / position.units);
  const swap = all ? position.swap : Math.round((position.swap * units) / position.units);
  const listing = listed(position.symbol);
  const profit = profitOf(step.exchange, listing, openPointUnits({ ...position, units, cost }, tick), account.currency);
  const points = tradePoints(order.side, tick);
  dealOf(step, account, order, { positionId: position.id, entry: 'OUT', units, points, profit, swap });
  recordPosition(step, account, {
    ...position,
    units: position.units - units,
    cost: position.cost - cost,
    swap: position.swap - swap,
  });
}

interface Execution {
  readonly positionId: string;
  readonly entry: 'IN' | 'OUT';
  readonly units: number;
  readonly points: number;
  readonly profit: number;
  readonly swap: number;
}

function dealOf(step: Step, account: Account, order: Order, execution: Execution): void {
  const { points, ...rest } = execution;
  recordDeal(step, account, {
    ...rest,
    id: newId(step),
    orderId: order.id,
    symbol: order.symbol,
    side: order.side,
    price: points,
    executedAt: step.exchange.time,
    commission: commissionOf(listed(order.symbol), execution.units),
    reason: order.reason,
    tag: order.tag,
    comment: order.comment,
  });
}
