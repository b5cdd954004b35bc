import { describe, expect, test } from '@jest/globals';
import type { AuditedWatch } from '../../../src/db/audit.ts';
import { fromPoints, price } from '../../../src/domain/decimal.ts';
import type { Quote } from '../../../src/domain/facts.ts';
import { checkCrossings } from '../../../workers/main-job/crossings.ts';

/** Quotes ten milliseconds apart, the ask one point above each bid. */
const quotes = (...bids: readonly number[]): readonly Quote[] =>
  bids.map((bid, index) => ({
    symbol: 'EURUSD',
    bid: fromPoints(bid, 5),
    ask: fromPoints(bid + 1, 5),
    sequence: index + 1,
    time: 1_000 + index * 10,
    sourceTime: null,
  }));

const watch = (over: Partial<AuditedWatch> = {}): AuditedWatch => ({
  watchId: 'w',
  tradeId: 't',
  level: 1,
  generation: 1,
  symbol: 'EURUSD',
  quoteSide: 'BID',
  crosses: 'UP',
  price: price('1.085'),
  armedAt: 1_000,
  state: 'ARMED',
  firedPrice: null,
  firedSequence: null,
  endedAt: null,
  ...over,
});

const fired = (sequence: number, at: string, over: Partial<AuditedWatch> = {}) =>
  watch({ state: 'FIRED', firedSequence: sequence, firedPrice: price(at), ...over });

const check = (one: AuditedWatch, walk: readonly Quote[]) => checkCrossings([one], walk, 5);

describe('a level that fired', () => {
  test('is right at the first quote that reached it', () => {
    expect(check(fired(2, '1.085'), quotes(108_490, 108_500, 108_510))).toEqual([]);
  });

  test('is wrong at a later quote', () => {
    expect(check(fired(3, '1.0851'), quotes(108_490, 108_500, 108_510))).toEqual([
      expect.stringContaining('quote 2 crossed it first'),
    ]);
  });

  test('is wrong when no quote reached it', () => {
    expect(check(fired(1, '1.0849'), quotes(108_490))).toEqual([expect.stringContaining('no quote crossed it')]);
  });

  test('is wrong at another price than the quote had', () => {
    expect(check(fired(2, '1.08501'), quotes(108_490, 108_500))).toEqual([expect.stringContaining('stood at 1.085')]);
  });

  test('does not count quotes from before it was armed', () => {
    expect(check(fired(3, '1.085', { armedAt: 1_010.5 }), quotes(108_490, 108_500, 108_500))).toEqual([]);
  });

  test('of a sell is reached by the ask on its way down', () => {
    const sell = { quoteSide: 'ASK', crosses: 'DOWN' } as const;
    expect(check(fired(3, '1.085', sell), quotes(108_510, 108_500, 108_499))).toEqual([]);
  });
});

describe('a level without a trigger row', () => {
  test('is right while nothing reached it', () => {
    expect(check(watch(), quotes(108_490, 108_499))).toEqual([]);
  });

  test('is lost when a quote reached it', () => {
    expect(check(watch(), quotes(108_490, 108_500))).toEqual([expect.stringContaining('still armed')]);
  });

  test('may be crossed once its position was gone, and not before', () => {
    const walk = quotes(108_490, 108_500);
    expect(check(watch({ state: 'DISARMED', endedAt: 1_010 }), walk)).toEqual([]);
    expect(check(watch({ state: 'DISARMED', endedAt: 1_011 }), walk)).toEqual([
      expect.stringContaining('without a trigger row'),
    ]);
  });
});
