import { describe, expect, test } from '@jest/globals';
import type { Price } from '../../src/domain/decimal.ts';
import { Unavailable } from '../../src/domain/outcome.ts';
import { createDemand } from '../../src/market/demand.ts';
import { createQuoteBoard, FEED_STALE_MS, judge, nothingBelieved } from '../../src/market/quotes.ts';
import { EPOCH, manualClock } from './manual-clock.ts';

const raw = (text: string) => text as Price;

function quote(bid: string, ask: string, symbol = 'EURUSD') {
  return { symbol, bid: raw(bid), ask: raw(ask), sequence: 1, time: EPOCH, sourceTime: null };
}

describe('a quote', () => {
  test.each([
    ['NaN', '1.1', 'not-a-number'],
    ['1.1', 'Infinity', 'not-a-number'],
    ['0', '1.1', 'not-positive'],
    ['-1.1', '1.1', 'not-positive'],
    ['1.2', '1.1', 'crossed'],
  ])('%s / %s is refused as %s', (bid, ask, refusal) => {
    expect(judge(nothingBelieved(), quote(bid, ask), 0)).toBe(refusal);
  });

  test('without spread is believed', () => {
    expect(judge(nothingBelieved(), quote('1.1', '1.1'), 0)).toBeNull();
  });

  test('that jumps alone is refused, and the old level goes on', () => {
    const believed = nothingBelieved();
    const answers = ['1', '1.2', '1.001'].map((bid) => judge(believed, quote(bid, bid), 0));
    expect(answers).toEqual([null, 'spike', null]);
    expect(believed.bid).toBe(1.001);
  });

  test('that jumps is believed once a second one stands beside it', () => {
    const believed = nothingBelieved();
    const answers = ['1', '1.2', '1.21', '1.2'].map((bid) => judge(believed, quote(bid, bid), 0));
    expect(answers).toEqual([null, 'spike', null, null]);
  });

  test('two different jumps do not confirm each other', () => {
    const believed = nothingBelieved();
    const answers = ['1', '1.5', '0.5', '1'].map((bid) => judge(believed, quote(bid, bid), 0));
    expect(answers).toEqual([null, 'spike', 'spike', null]);
  });

  test.each([
    ['110', null],
    ['90', null],
    ['110.1', 'spike'],
    ['89.9', 'spike'],
  ])('at %s after 100 comes to %s', (mid, answer) => {
    const believed = nothingBelieved();
    judge(believed, quote('100', '100'), 0);
    expect(judge(believed, quote(mid, mid), 0)).toBe(answer);
  });
});

describe('a feed', () => {
  test('is stale before its first sign of life and 15 s after the last', async () => {
    const clock = manualClock();
    const board = createQuoteBoard(clock);
    expect(board.stale()).toBe(true);
    board.alive();
    await clock.advance(FEED_STALE_MS);
    expect(board.stale()).toBe(false);
    await clock.advance(1);
    expect(board.stale()).toBe(true);
  });

  test('that beats keeps the price of a quiet symbol fresh', async () => {
    const clock = manualClock();
    const board = createQuoteBoard(clock);
    judge(board.believed('EURUSD'), quote('1.1', '1.2'), board.alive());
    await clock.advance(60_000);
    board.alive();
    expect(board.actionable('EURUSD')).toEqual({
      symbol: 'EURUSD',
      bid: '1.1',
      ask: '1.2',
      timestamp: EPOCH,
      ageMs: 60_000,
      stale: false,
    });
  });

  test('that is stale shows its price but gives none to act on', async () => {
    const clock = manualClock();
    const board = createQuoteBoard(clock);
    judge(board.believed('EURUSD'), quote('1.1', '1.2'), board.alive());
    await clock.advance(FEED_STALE_MS + 1);
    expect(board.latest('EURUSD')).toMatchObject({ bid: '1.1', stale: true });
    expect(() => board.actionable('EURUSD')).toThrow(Unavailable);
    expect(() => board.actionable('GBPUSD')).toThrow(Unavailable);
  });
});

describe('the demand', () => {
  test('holds a symbol until the last who wants it lets go, and tells of first and last only', () => {
    const demand = createDemand();
    let changes = 0;
    const forget = demand.onChange(() => {
      changes += 1;
    });
    const releases = [demand.want('EURUSD'), demand.want('EURUSD')];
    releases[0]?.();
    releases[0]?.();
    expect(demand.symbols()).toEqual(['EURUSD']);
    releases[1]?.();
    expect(demand.symbols()).toEqual([]);
    expect(changes).toBe(2);
    forget();
    demand.want('EURUSD');
    expect(changes).toBe(2);
  });
});
