import type { Clock } from '../clock.ts';
import type { Price } from '../domain/decimal.ts';
import type { Quote, UtcMs } from '../domain/facts.ts';
import { Unavailable } from '../domain/outcome.ts';

/** A feed that showed neither quote nor heartbeat for this long is stale. */
export const FEED_STALE_MS = 15_000;

/** A mid price further than this share from the last believed one needs a second quote beside it. */
export const COLLAR = 0.1;

/** The latest believed quote of one symbol. */
export interface LivePrice {
  readonly symbol: string;
  readonly bid: Price;
  readonly ask: Price;
  /** Broker's time of the quote. */
  readonly timestamp: UtcMs;
  /** Milliseconds since it was quoted, as far as we can tell. */
  readonly ageMs: number;
  /** The feed is stale: this price must not be acted on. A quiet symbol on a live feed is not stale. */
  readonly stale: boolean;
}

export type QuoteRefusal = 'not-a-number' | 'not-positive' | 'crossed' | 'spike';

/** When a feed last showed life, by the monotonic clock; `null` before the first sign. */
export interface FeedLife {
  readonly aliveAt: number | null;
}

export function isStale(feed: FeedLife, monotonicNow: number): boolean {
  return feed.aliveAt === null || monotonicNow - feed.aliveAt > FEED_STALE_MS;
}

/** What one symbol's quotes are judged by, and the last one believed. Changed in place: the tick path allocates nothing. */
export interface Believed {
  quote: Quote | null;
  bid: number;
  ask: number;
  /** 0 before the first believed quote. */
  mid: number;
  /** Mid price of the quote that is held out for a second one to confirm; 0 when there is none. */
  suspect: number;
  /** Monotonic time of the last believed quote. */
  quotedAt: number;
}

export function nothingBelieved(): Believed {
  return { quote: null, bid: 0, ask: 0, mid: 0, suspect: 0, quotedAt: 0 };
}

/**
 * Why a quote is not believed, or `null` after taking it over as the latest.
 *
 * A jump beyond the collar is held out; when the next quote stands beside it the market really went there and that next quote
 * is believed. The held-out quote itself never counts, so one bad tick fires nothing. The first quote of all has no collar.
 */
export function judge(believed: Believed, quote: Quote, quotedAt: number): QuoteRefusal | null {
  const bid = Number(quote.bid);
  const ask = Number(quote.ask);
  if (!Number.isFinite(bid) || !Number.isFinite(ask)) return 'not-a-number';
  if (bid <= 0 || ask <= 0) return 'not-positive';
  if (bid > ask) return 'crossed';
  const mid = (bid + ask) / 2;
  if (believed.mid > 0 && !beside(mid, believed.mid) && !beside(mid, believed.suspect)) {
    believed.suspect = mid;
    return 'spike';
  }
  believed.quote = quote;
  believed.bid = bid;
  believed.ask = ask;
  believed.mid = mid;
  believed.suspect = 0;
  believed.quotedAt = quotedAt;
  return null;
}

function beside(mid: number, reference: number): boolean {
  return Math.abs(mid - reference) <= reference * COLLAR;
}

/** The quotes of a list that are believed when judged in order from nothing. */
export function believable(quotes: readonly Quote[]): readonly Quote[] {
  const believed = nothingBelieved();
  return quotes.filter((quote) => judge(believed, quote, 0) === null);
}

/** Latest believed quotes of one feed, and whether the feed lives. */
export interface QuoteBoard {
  /** A quote or heartbeat arrived. Answers the monotonic time. */
  alive(): number;
  /** The record of one symbol, for {@link judge}; the same object each time. */
  believed(symbol: string): Believed;
  latest(symbol: string): LivePrice | null;
  /** @throws Unavailable when there is no price or the feed is stale */
  actionable(symbol: string): LivePrice;
  stale(): boolean;
  /** Milliseconds since the last sign of life; `null` before the first. */
  feedAgeMs(): number | null;
}

export function createQuoteBoard(clock: Pick<Clock, 'monotonic'>): QuoteBoard {
  const records = new Map<string, Believed>();
  const feed = { aliveAt: null as number | null };

  function latest(symbol: string): LivePrice | null {
    const known = records.get(symbol);
    if (known === undefined || known.quote === null) return null;
    const { bid, ask, time } = known.quote;
    const now = clock.monotonic();
    return { symbol, bid, ask, timestamp: time, ageMs: now - known.quotedAt, stale: isStale(feed, now) };
  }

  return {
    alive: () => {
      const now = clock.monotonic();
      feed.aliveAt = now;
      return now;
    },
    believed: (symbol) => {
      const record = records.get(symbol) ?? nothingBelieved();
      records.set(symbol, record);
      return record;
    },
    latest,
    actionable: (symbol) => {
      const price = latest(symbol);
      if (price === null) throw new Unavailable(`no quote of ${symbol} yet`);
      if (price.stale)
        throw new Unavailable(`the feed is stale: the last ${symbol} is ${Math.round(price.ageMs)} ms old`);
      return price;
    },
    stale: () => isStale(feed, clock.monotonic()),
    feedAgeMs: () => (feed.aliveAt === null ? null : clock.monotonic() - feed.aliveAt),
  };
}
