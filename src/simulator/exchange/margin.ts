import type { Side } from '../../domain/facts.ts';
import { recordPosition, type Account, type Exchange, type Position, type Step, type Tick } from './book.ts';
import { convert } from './conversion.ts';
import { listingOf, type Listing } from './listings.ts';
import { nightsBetween } from './sessions.ts';

/** Account figures in hundredths of its currency. */
export interface Figures {
  readonly balance: number;
  readonly equity: number;
  readonly margin: number;
}

/** Percent of margin below which the broker closes positions by itself. */
export const STOP_OUT_PERCENT = 50;

/** Profit of `pointUnits` (points × hundredths of a lot) in hundredths of the account's currency. */
export function profitOf(exchange: Exchange, listing: Listing, pointUnits: number, currency: string): number {
  const numerator = BigInt(pointUnits) * BigInt(listing.contractSize);
  return convert(exchange, { numerator, denominator: 10n ** BigInt(listing.digits) }, listing.profitCurrency, currency);
}

/** Points × units this position would win at the tick: longs close at the bid, shorts at the ask. */
export function openPointUnits(position: Position, tick: Tick): number {
  return position.side === 'BUY'
    ? tick.bid * position.units - position.cost
    : position.cost - tick.ask * position.units;
}

/**
 * Margin of one symbol: the contract divided by the leverage, for the larger of the two sides (opposite positions cover each
 * other). Valued in the base currency, or for metals and indices at the middle of the newest quote.
 */
export function marginOf(exchange: Exchange, listing: Listing, units: number, account: Account): number {
  const contract = BigInt(units) * BigInt(listing.contractSize);
  const leverage = BigInt(account.leverage);
  if (listing.marginBy === 'base') {
    return convert(exchange, { numerator: contract, denominator: leverage }, listing.baseCurrency, account.currency);
  }
  const tick = exchange.ticks.get(listing.symbol);
  const middleTwice = BigInt(tick === undefined ? 0 : tick.bid + tick.ask);
  const scale = 2n * 10n ** BigInt(listing.digits);
  const value = { numerator: contract * middleTwice, denominator: leverage * scale };
  return convert(exchange, value, listing.profitCurrency, account.currency);
}

/** Currency the margin is asked in before conversion. */
export function marginCurrency(listing: Listing): string {
  return listing.marginBy === 'base' ? listing.baseCurrency : listing.profitCurrency;
}

/** Balance, equity (with accrued swap) and margin; `extra` is added volume to try out. */
export function figures(
  exchange: Exchange,
  account: Account,
  extra: { readonly symbol: string; readonly side: Side; readonly units: number } | null = null,
): Figures {
  let equity = account.balance;
  let margin = 0;
  for (const [symbol, exposure] of exposures(exchange, account, extra)) {
    const listing = listingOf(symbol);
    if (listing === null) continue;
    equity += exposure.swap + profitOf(exchange, listing, exposure.pointUnits, account.currency);
    margin += marginOf(exchange, listing, covered(exposure), account);
  }
  return { balance: account.balance, equity, margin };
}

interface Exposure {
  long: number;
  short: number;
  pointUnits: number;
  swap: number;
}

const covered = ({ long, short }: Exposure) => Math.max(long, short);

function exposures(
  exchange: Exchange,
  account: Account,
  extra: { readonly symbol: string; readonly side: Side; readonly units: number } | null,
): Map<string, Exposure> {
  const bySymbol = new Map<string, Exposure>();
  for (const position of account.positions.values()) {
    const exposure = exposureOf(bySymbol, position.symbol);
    const tick = exchange.ticks.get(position.symbol);
    if (position.side === 'BUY') exposure.long += position.units;
    else exposure.short += position.units;
    if (tick !== undefined) exposure.pointUnits += openPointUnits(position, tick);
    exposure.swap += position.swap;
  }
  if (extra !== null) {
    const exposure = exposureOf(bySymbol, extra.symbol);
    if (extra.side === 'BUY') exposure.long += extra.units;
    else exposure.short += extra.units;
    if (!account.hedging) net(exposure);
  }
  return bySymbol;
}

function exposureOf(bySymbol: Map<string, Exposure>, symbol: string): Exposure {
  const known = bySymbol.get(symbol);
  if (known !== undefined) return known;
  const fresh = { long: 0, short: 0, pointUnits: 0, swap: 0 };
  bySymbol.set(symbol, fresh);
  return fresh;
}

function net(exposure: Exposure): void {
  const both = Math.min(exposure.long, exposure.short);
  exposure.long -= both;
  exposure.short -= both;
}

/** Whether the account's level is under the stop-out level; an account without margin never is. */
export function isStoppedOut(exchange: Exchange, account: Account): boolean {
  const { equity, margin } = figures(exchange, account);
  return margin > 0 && equity * 100 < margin * STOP_OUT_PERCENT;
}

/** Charges the nights that passed between the symbol's last two quotes to every open position of it. */
export function rollOver(step: Step, listing: Listing, before: Tick, now: Tick): void {
  if ((before.sourceTime === null) !== (now.sourceTime === null)) return;
  const earlier = before.sourceTime ?? before.time;
  const later = now.sourceTime ?? now.time;
  const nights = nightsBetween(earlier, later, listing.swapTripleWeekday);
  if (nights === 0) return;
  for (const account of step.exchange.accounts.values()) {
    for (const position of [...account.positions.values()]) {
      if (position.symbol === listing.symbol) chargeNights(step, account, position, listing, nights);
    }
  }
}

function chargeNights(step: Step, account: Account, position: Position, listing: Listing, nights: number): void {
  const hundredths = position.side === 'BUY' ? listing.swapLong : listing.swapShort;
  const numerator = BigInt(hundredths * nights) * BigInt(position.units) * BigInt(listing.contractSize);
  const denominator = 100n * 10n ** BigInt(listing.digits);
  const charge = convert(step.exchange, { numerator, denominator }, listing.profitCurrency, account.currency);
  recordPosition(step, account, { ...position, swap: position.swap + charge });
}
