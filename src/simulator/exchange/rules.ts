import { Big } from 'big.js';

import { isOnStep, isZero, lots, price, toPoints, type Lots } from '../../domain/decimal.ts';
import type { Side } from '../../domain/facts.ts';
import { volumeDenial } from '../../domain/instrument.ts';
import type { RefusalCode } from '../../domain/outcome.ts';
import { tradePoints, type Account, type Exchange, type Tick } from './book.ts';
import { refuse, type Refusal } from './inputs.ts';
import { commissionOf, listingOf, type Listing } from './listings.ts';
import { figures } from './margin.ts';
import { isOpen } from './sessions.ts';

/** The checks of the broker. Each answers a refusal, or what was asked for. */

export interface Market {
  readonly listing: Listing;
  readonly tick: Tick;
}

const SOON = 1000;

/** The symbol's listing and quote, when it trades now. Something that only closes passes a close-only listing. */
export function tradable(exchange: Exchange, symbol: string, purpose: 'open' | 'close'): Market | Refusal {
  const listing = listingOf(symbol);
  if (listing === null) return refuse('unknown-symbol', `symbol "${symbol}" is not listed`);
  if (listing.tradeMode === 'DISABLED') return refuse('trade-disabled', `${symbol} is disabled`);
  if (listing.tradeMode === 'CLOSE_ONLY' && purpose === 'open') return refuse('close-only', `${symbol} is close only`);
  const tick = exchange.ticks.get(symbol);
  if (tick === undefined) return refuse('no-quotes', `no quote of ${symbol} yet`, SOON);
  if (!isOpen(listing.session, exchange.sourceTime))
    return refuse('market-closed', `the session of ${symbol} is closed`);
  return { listing, tick };
}

/** Volume in hundredths of a lot. */
export function openingUnits(text: string, listing: Listing): number | Refusal {
  const volume = parsedLots(text);
  if (typeof volume === 'object') return volume;
  const denial = volumeDenial(volume, listing);
  if (denial !== null) return refuse(volumeCode(denial.code), `volume ${denial.value}: ${denial.rule}`);
  return unitsOf(volume);
}

/** Volume of a close: on the step, and no more than `open` units; the whole position may always be closed. */
export function closingUnits(text: string, listing: Listing, open: number): number | Refusal {
  const volume = parsedLots(text);
  if (typeof volume === 'object') return volume;
  const units = new Big(volume).times(100);
  if (units.gt(open)) return refuse('volume-exceeds-position', `volume ${volume} exceeds the position's ${open / 100}`);
  if (units.eq(open)) return open;
  if (!isOnStep(volume, listing.volumeStep)) {
    return refuse('volume-off-step', `volume ${volume} is not a multiple of ${listing.volumeStep}`);
  }
  return units.toNumber();
}

function parsedLots(text: string): Lots | Refusal {
  const volume = attempt(() => lots(text));
  if (volume === null || isZero(volume)) return refuse('invalid-volume', `volume "${text}" is not a positive decimal`);
  return volume;
}

function volumeCode(code: string): RefusalCode {
  if (code === 'volume-below-minimum' || code === 'volume-above-maximum' || code === 'volume-off-step') return code;
  return 'invalid-volume';
}

export interface LevelsInPoints {
  readonly stop: number | null;
  readonly target: number | null;
}

/**
 * Stop and target in points, each on the tick, on its side of `exit` and at least the stops level away from it.
 * `exit` is the price a position of this side would close at; a leg that stands already is not measured again.
 */
export function levels(
  asked: { readonly stopLoss: string | null; readonly takeProfit: string | null },
  side: Side,
  exit: number,
  listing: Listing,
  standing: LevelsInPoints = { stop: null, target: null },
): LevelsInPoints | Refusal {
  const stop = asked.stopLoss === null ? null : points(asked.stopLoss, listing, 'invalid-stops');
  const target = asked.takeProfit === null ? null : points(asked.takeProfit, listing, 'invalid-stops');
  if (isRefusal(stop)) return stop;
  if (isRefusal(target)) return target;
  const down = side === 'BUY' ? 1 : -1;
  const near = Math.max(listing.stopsLevelPoints, 1);
  const inside = (level: number | null, distance: number, held: number | null) =>
    level !== null && level !== held && distance < near;
  if (inside(stop, (exit - (stop ?? 0)) * down, standing.stop)) return tooClose('stop loss', asked.stopLoss, near);
  if (inside(target, ((target ?? 0) - exit) * down, standing.target))
    return tooClose('take profit', asked.takeProfit, near);
  return { stop, target };
}

function tooClose(leg: string, level: string | null, near: number): Refusal {
  return refuse('invalid-stops', `${leg} ${level} must stay ${near} points beyond the price on its side`);
}

/** A price on the tick in points. */
function points(text: string, listing: Listing, code: 'invalid-price' | 'invalid-stops'): number | Refusal {
  const value = attempt(() => price(text));
  if (value === null || isZero(value)) return refuse(code, `price "${text}" is not a positive decimal`);
  if (!isOnStep(value, listing.tickSize))
    return refuse(code, `price ${value} is not a multiple of ${listing.tickSize}`);
  return attempt(() => toPoints(value, listing.digits)) ?? refuse(code, `price ${value} is out of range`);
}

/** A resting price must be on its side of the market: a limit better, a stop worse than the price it would trade at. */
export function restingPrice(
  asked: { readonly price: string; readonly side: Side; readonly type: 'LIMIT' | 'STOP' },
  { listing, tick }: Market,
): number | Refusal {
  const level = points(asked.price, listing, 'invalid-price');
  if (isRefusal(level)) return level;
  const below = (asked.type === 'LIMIT') === (asked.side === 'BUY');
  const distance = (tradePoints(asked.side, tick) - level) * (below ? 1 : -1);
  if (distance >= Math.max(listing.stopsLevelPoints, 1)) return level;
  const rule = `${listing.stopsLevelPoints} points ${below ? 'below' : 'above'} the market`;
  return refuse('invalid-price', `${asked.type.toLowerCase()} price ${asked.price} must be at least ${rule}`);
}

/** Refuses a change while the market stands inside the freeze level of one of these prices. */
export function frozen(market: Market, exit: number, resting: readonly (number | null)[]): Refusal | null {
  const near = market.listing.freezeLevelPoints;
  const caught = resting.some((level) => level !== null && near > 0 && Math.abs(level - exit) <= near);
  return caught ? refuse('frozen', `a level stands within ${near} points of the price`, SOON) : null;
}

/** Refuses when the account could not carry the margin of this volume after commission; less exposure always passes. */
export function affordable(
  exchange: Exchange,
  account: Account,
  extra: { readonly symbol: string; readonly side: Side; readonly units: number },
  { listing }: Pick<Market, 'listing'>,
): Refusal | null {
  const now = figures(exchange, account);
  const then = figures(exchange, account, extra);
  const left = now.equity + commissionOf(listing, extra.units) - then.margin;
  if (then.margin <= now.margin || left >= 0) return null;
  return refuse('not-enough-money', `${-left / 100} ${account.currency} of free margin missing`);
}

export function isRefusal<T>(value: T | Refusal): value is Refusal {
  return typeof value === 'object' && value !== null && 'code' in value;
}

function unitsOf(volume: Lots): number {
  return new Big(volume).times(100).toNumber();
}

/** What the decimal constructors refuse is the client's mistake here, so it becomes an answer. */
function attempt<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch {
    return null;
  }
}
