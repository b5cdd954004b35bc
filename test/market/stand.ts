import { price } from '../../src/domain/decimal.ts';
import type { Quote } from '../../src/domain/facts.ts';
import { Unavailable } from '../../src/domain/outcome.ts';
import type { Delivery } from '../../src/market/firing.ts';
import { startPriceWatcher, type PriceWatcher } from '../../src/market/price-watcher.ts';
import type { WatcherLog } from '../../src/market/watcher-log.ts';
import type { QuoteCursor } from '../../src/trading/connector.ts';
import type { FeedRecords, FiredWatch, WatchRecords } from '../../src/trading/records.ts';
import { ACCOUNT, memoryBook } from './book.ts';
import { manualClock, settle } from './manual-clock.ts';

export const KEY = 'simulated/127.0.0.1:1';

const quiet: WatcherLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A feed that keeps its history, a book in memory and a clock by hand: what a watcher needs around it. */
export function stand() {
  const clock = manualClock();
  const book = memoryBook();
  const history: Quote[] = [];
  const deliveries: FiredWatch[] = [];
  const state = { historyAway: false, answer: 'delivered' as Delivery, historyTakesMs: 0 };

  async function missedTicks(symbol: string, after: QuoteCursor): Promise<readonly Quote[]> {
    const missed = history.filter(
      (quote) =>
        quote.symbol === symbol && quote.sequence > after.sequence && (after.sequence > 0 || quote.time > after.time),
    );
    if (state.historyTakesMs > 0) await clock.sleep(state.historyTakesMs);
    const newest = history.findLast((quote) => quote.symbol === symbol);
    // As a broker does that lost its count: what it never numbered cannot be asked for.
    if (newest !== undefined && after.sequence > newest.sequence)
      throw new Unavailable('the cursor is ahead of the broker');
    if (state.historyAway) throw new Unavailable('history');
    return missed;
  }

  /** `records` is what this watcher takes for the book. */
  async function start(records: WatchRecords & FeedRecords = book): Promise<PriceWatcher> {
    const watcher = await startPriceWatcher({
      sessionKey: KEY,
      holder: 'test',
      accounts: [ACCOUNT],
      records,
      deliver: async (fired) => {
        deliveries.push(fired);
        await Promise.resolve();
        return state.answer;
      },
      missedTicks,
      clock,
      log: quiet,
    });
    watcher.sink.connected();
    await settle();
    return watcher;
  }

  /** The market quotes; nobody hears it unless told. Spread is one point. */
  function quoted(bidPoints: number, symbol = 'EURUSD'): Quote {
    const sequence = history.filter((quote) => quote.symbol === symbol).length + 1;
    const text = (points: number) => price((points / 100_000).toFixed(5));
    const quote = {
      symbol,
      bid: text(bidPoints),
      ask: text(bidPoints + 1),
      sequence,
      time: clock.now(),
      sourceTime: null,
    };
    history.push(quote);
    return quote;
  }

  return { clock, book, state, history, deliveries, start, quoted };
}

/** `watch-1@110000`: which watch fired, at which bid in points. */
export function told(fires: readonly FiredWatch[]): readonly string[] {
  return fires.map((fire) => `${fire.watchId}@${Math.round(Number(fire.price) * 100_000)}`);
}
