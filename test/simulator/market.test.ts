import { afterEach, describe, expect, test } from '@jest/globals';

import type { Clock } from '../../src/clock.ts';
import { noJournal } from '../../src/simulator/journal.ts';
import { generatedMarket } from '../../src/simulator/market/generator.ts';
import { startMarket, type Market } from '../../src/simulator/market/market.ts';
import type { QuoteSource, SourceQuote } from '../../src/simulator/market/quote-source.ts';
import { bars } from '../../src/simulator/quote-history.ts';
import { openVenue } from '../../src/simulator/venue.ts';

/** A clock that stands still except while somebody sleeps on it. */
function sleepingClock(): Clock & { readonly slept: number[] } {
  let now = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    monotonic: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
    every: () => () => {},
  };
}

const minute = (count: number): QuoteSource => ({
  id: 'minute',
  ends: true,
  *quotes(from) {
    for (let n = from; n < count; n += 1) {
      const sourceTime = Date.UTC(2014, 4, 8, 12) + n * 20_000;
      yield { symbol: 'EURUSD', bid: 110_000 + n, ask: 110_010 + n, sourceTime, pauseMs: n === 0 ? 0 : 20_000 };
    }
  },
});

let market: Market | null = null;
afterEach(async () => {
  await market?.stop();
});

function run(source: QuoteSource, speed: number, held = false) {
  const clock = sleepingClock();
  const venue = openVenue(clock, () => noJournal);
  market = startMarket(venue, clock, { source, speed, held, drained: async () => {} });
  return { clock, venue, market };
}

describe('the market', () => {
  test('divides the pauses between quotes by its speed', async () => {
    const { clock, market: running } = run(minute(4), 10);
    await running.finished;
    expect(clock.slept).toEqual([2000, 2000, 2000]);
    expect(running.ended).toBe(true);
  });

  test('makes no pauses at speed 0', async () => {
    const { clock, venue, market: running } = run(minute(1000), 0);
    await running.finished;
    expect(clock.slept).toEqual([]);
    expect(venue.exchange.ticks.get('EURUSD')?.sequence).toBe(1000);
  });

  test('held before the first quote runs the counted quotes and holds again', async () => {
    const { venue, market: running } = run(minute(10), 0, true);
    await new Promise(setImmediate);
    expect(venue.exchange.ticks.size).toBe(0);
    running.holdAfter(3);
    await new Promise(setImmediate);
    expect(venue.exchange.ticks.get('EURUSD')?.sequence).toBe(3);
    expect(running.held).toBe(true);
    running.release();
    await running.finished;
    expect(venue.exchange.ticks.get('EURUSD')?.sequence).toBe(10);
  });

  test('stops while it is held', async () => {
    const { market: running } = run(minute(10), 0, true);
    await running.stop();
    expect(running.ended).toBe(false);
  });

  test('shows bars by the time of the file', async () => {
    const { venue, market: running } = run(minute(7), 0);
    await running.finished;
    const opening = Date.UTC(2014, 4, 8, 12);
    expect(bars(venue.history, { symbol: 'EURUSD', seconds: 60, from: opening, to: opening + 60_000 })).toEqual([
      { time: opening, open: 110_000, high: 110_002, low: 110_000, close: 110_002, tickVolume: 3 },
      { time: opening + 60_000, open: 110_003, high: 110_005, low: 110_003, close: 110_005, tickVolume: 3 },
    ]);
  });
});

describe('the generated market', () => {
  const take = (from: number, count: number): SourceQuote[] => {
    const found: SourceQuote[] = [];
    for (const quote of generatedMarket('seed').quotes(from)) {
      found.push(quote);
      if (found.length === count) break;
    }
    return found;
  };

  test('goes on after a restart with the quote it would have given', () => {
    expect(take(500, 20)).toEqual(take(0, 520).slice(500));
  });

  test('never crosses, quotes all its symbols and stays near where it began', () => {
    const quotes = take(0, 50_000);
    expect(quotes.every(({ bid, ask }) => bid > 0 && ask > bid)).toBe(true);
    expect([...new Set(quotes.map(({ symbol }) => symbol))].sort()).toEqual([
      'EURUSD',
      'GBPUSD',
      'US500',
      'USDJPY',
      'XAUUSD',
    ]);
    const euro = quotes.filter(({ symbol }) => symbol === 'EURUSD').map(({ bid }) => bid);
    expect(Math.max(...euro) - Math.min(...euro)).toBeLessThan(8000);
    expect(Math.max(...euro) - Math.min(...euro)).toBeGreaterThan(100);
  });

  test('has hot and calm spells: large moves follow large moves', () => {
    const euro = take(0, 50_000)
      .filter(({ symbol }) => symbol === 'EURUSD')
      .map(({ bid }) => bid);
    const moves = euro.slice(1).map((bid, n) => Math.abs(bid - (euro[n] ?? bid)));
    const mean = moves.reduce((total, move) => total + move, 0) / moves.length;
    const together = moves.slice(1).reduce((total, move, n) => total + (move - mean) * ((moves[n] ?? mean) - mean), 0);
    const alone = moves.reduce((total, move) => total + (move - mean) ** 2, 0);
    expect(together / alone).toBeGreaterThan(0.05);
  });
});
