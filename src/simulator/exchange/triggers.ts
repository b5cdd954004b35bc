import {
  exitPoints,
  recordOrder,
  tradePoints,
  type Account,
  type Exchange,
  type Order,
  type Position,
  type QuietBand,
  type Step,
  type Tick,
} from './book.ts';
import { closeUnits, fill } from './fills.ts';
import { fromPoints } from '../../domain/decimal.ts';
import { listed } from './listings.ts';
import { figures, isStoppedOut, openPointUnits, profitOf } from './margin.ts';
import { affordable } from './rules.ts';
import { isOpen } from './sessions.ts';

/**
 * Executes everything resting that this quote touches, at the quote and not at the level: entry orders first, then stops and
 * targets, also those of positions just opened. Of a position whose both legs are touched the stop goes first.
 */
export function trigger(step: Step, tick: Tick): void {
  const band = quietBand(step.exchange, tick.symbol);
  if (tick.bid > band.bidLow && tick.bid < band.bidHigh && tick.ask > band.askLow && tick.ask < band.askHigh) return;
  for (const account of step.exchange.accounts.values()) {
    for (const order of [...account.working.values()]) {
      if (order.symbol === tick.symbol && isTouched(order, tick)) enter(step, account, order, tick);
    }
    for (const position of [...account.positions.values()]) {
      if (position.symbol === tick.symbol) leave(step, account, position, tick);
    }
  }
}

function enter(step: Step, account: Account, order: Order, tick: Tick): void {
  const extra = { symbol: order.symbol, side: order.side, units: order.units };
  const refusal = affordable(step.exchange, account, extra, { listing: listed(order.symbol) });
  if (refusal === null) fill(step, account, order, tick);
  else recordOrder(step, account, { ...order, state: 'REJECTED', comment: '[no money]' });
}

function leave(step: Step, account: Account, position: Position, tick: Tick): void {
  const hit = touchedLeg(position, tick);
  if (hit === null) return;
  const { digits } = listed(position.symbol);
  const level = fromPoints(hit.level, digits);
  const closing = {
    units: position.units,
    reason: hit.leg,
    tag: null,
    comment: `[${hit.leg.toLowerCase()} ${level}]`,
  };
  closeUnits(step, account, position, closing, tick);
}

function touchedLeg({ side, stop, target }: Position, tick: Tick): { leg: 'SL' | 'TP'; level: number } | null {
  const exit = exitPoints(side, tick);
  const sign = side === 'BUY' ? 1 : -1;
  if (stop !== null && (exit - stop) * sign <= 0) return { leg: 'SL', level: stop };
  if (target !== null && (exit - target) * sign >= 0) return { leg: 'TP', level: target };
  return null;
}

function isTouched({ side, type, price }: Order, tick: Tick): boolean {
  const below = (type === 'LIMIT') === (side === 'BUY');
  const away = tradePoints(side, tick) - (price ?? 0);
  return below ? away <= 0 : away >= 0;
}

/** The range in which a quote of the symbol touches nothing; kept until an order or position of the symbol changes. */
function quietBand(exchange: Exchange, symbol: string): QuietBand {
  const known = exchange.bands.get(symbol);
  if (known !== undefined) return known;
  const band = { bidLow: -Infinity, bidHigh: Infinity, askLow: -Infinity, askHigh: Infinity };
  const rests = (price: 'bid' | 'ask', falling: boolean, level: number | null) => {
    if (level === null) return;
    if (falling) band[`${price}Low`] = Math.max(band[`${price}Low`], level);
    else band[`${price}High`] = Math.min(band[`${price}High`], level);
  };
  for (const account of exchange.accounts.values()) {
    for (const position of account.positions.values()) {
      if (position.symbol !== symbol) continue;
      const long = position.side === 'BUY';
      rests(long ? 'bid' : 'ask', long, position.stop);
      rests(long ? 'bid' : 'ask', !long, position.target);
    }
    for (const order of account.working.values()) {
      if (order.symbol !== symbol) continue;
      rests(order.side === 'BUY' ? 'ask' : 'bid', (order.type === 'LIMIT') === (order.side === 'BUY'), order.price);
    }
  }
  exchange.bands.set(symbol, band);
  return band;
}

/** Closes the worst positions of accounts under the stop-out level, one by one, until the level is back or nothing can trade. */
export function stopOut(step: Step): void {
  for (const account of step.exchange.accounts.values()) {
    while (account.positions.size > 0 && isStoppedOut(step.exchange, account)) {
      const worst = worstPosition(step.exchange, account);
      if (worst === null) break;
      const { equity, margin } = figures(step.exchange, account);
      const comment = `[so ${((equity * 100) / margin).toFixed(2)}%]`;
      const closing = { units: worst.position.units, reason: 'STOP_OUT', tag: null, comment } as const;
      closeUnits(step, account, worst.position, closing, worst.tick);
    }
  }
}

function worstPosition(exchange: Exchange, account: Account): { position: Position; tick: Tick } | null {
  let worst: { position: Position; tick: Tick; profit: number } | null = null;
  for (const position of account.positions.values()) {
    const tick = exchange.ticks.get(position.symbol);
    const listing = listed(position.symbol);
    if (tick === undefined || !isOpen(listing.session, exchange.sourceTime)) continue;
    const profit = profitOf(exchange, listing, openPointUnits(position, tick), account.currency);
    if (worst === null || profit < worst.profit) worst = { position, tick, profit };
  }
  return worst;
}

/** Ends the working orders whose time is over. */
export function expire(step: Step): void {
  const { exchange } = step;
  if (exchange.time < exchange.nextExpiry) return;
  exchange.nextExpiry = Infinity;
  for (const account of exchange.accounts.values()) {
    for (const order of [...account.working.values()]) {
      if (order.expiresAt === null) continue;
      if (order.expiresAt <= exchange.time) recordOrder(step, account, { ...order, state: 'EXPIRED' });
      else exchange.nextExpiry = Math.min(exchange.nextExpiry, order.expiresAt);
    }
  }
}
