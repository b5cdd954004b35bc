import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare, fromPoints, lots, price } from '../../src/domain/decimal.ts';
import type { Side } from '../../src/domain/facts.ts';
import { breakevenStop, isTighter, protectionDenial, tightenedStop } from '../../src/domain/protection.ts';

const eurusd = {
  symbol: 'EURUSD',
  digits: 5,
  tickSize: price('0.00001'),
  pipSize: price('0.0001'),
  stopsLevelPoints: 10,
  volumeMin: lots('0.01'),
  volumeStep: lots('0.01'),
};

const sides = fc.constantFrom<Side>('BUY', 'SELL');
const prices = fc.integer({ min: 1, max: 300_000 }).map((points) => fromPoints(points, 5));

describe('breakeven', () => {
  test('a buy moves its stop above the entry by the offset, a sell below', () => {
    expect(breakevenStop('BUY', price('1.085'), { points: '10' }, eurusd)).toBe('1.0851');
    expect(breakevenStop('SELL', price('1.085'), { pips: '1' }, eurusd)).toBe('1.0849');
  });

  test('rounds toward less risk where the tick is coarse', () => {
    const coarse = { ...eurusd, tickSize: price('0.00025') };
    expect(breakevenStop('BUY', price('1.085'), { points: '10' }, coarse)).toBe('1.08525');
    expect(breakevenStop('SELL', price('1.085'), { points: '10' }, coarse)).toBe('1.08475');
  });
});

describe('a stop', () => {
  test('never loosens, whatever is wanted', () => {
    fc.assert(
      fc.property(sides, prices, prices, (side, current, wanted) => {
        const moved = tightenedStop(side, current, wanted);
        if (moved !== null) expect(isTighter(side, moved, current)).toBe(true);
        else expect(isTighter(side, wanted, current)).toBe(false);
      }),
    );
  });

  test('moved twice to the same place is moved once', () => {
    fc.assert(
      fc.property(sides, prices, prices, (side, current, wanted) => {
        const once = tightenedStop(side, current, wanted) ?? current;
        expect(tightenedStop(side, once, wanted)).toBeNull();
      }),
    );
  });

  test('that is missing is set', () => {
    expect(tightenedStop('BUY', null, price('1.08'))).toBe('1.08');
  });
});

describe("protection inside the broker's distance", () => {
  const quote = { bid: price('1.085'), ask: price('1.0851') };

  test.each([
    [
      "a buy's stop 9 points below the bid",
      'BUY',
      { stopLoss: price('1.08491'), takeProfit: null },
      'min-stop-distance',
      'stopLoss',
    ],
    [
      "a buy's stop above the bid",
      'BUY',
      { stopLoss: price('1.0852'), takeProfit: null },
      'level-wrong-side',
      'stopLoss',
    ],
    [
      "a sell's stop 9 points above the ask",
      'SELL',
      { stopLoss: price('1.08519'), takeProfit: null },
      'min-stop-distance',
      'stopLoss',
    ],
    [
      "a buy's take profit below the bid",
      'BUY',
      { stopLoss: null, takeProfit: price('1.08') },
      'level-wrong-side',
      'takeProfit',
    ],
    [
      "a sell's take profit 5 points below the ask",
      'SELL',
      { stopLoss: null, takeProfit: price('1.08505') },
      'min-stop-distance',
      'takeProfit',
    ],
  ] as const)('is denied: %s', (_, side, levels, code, field) => {
    expect(protectionDenial(side, levels, quote, eurusd)).toMatchObject({ code, field });
  });

  test('names the nearest legal price', () => {
    const denial = protectionDenial('BUY', { stopLoss: price('1.08495'), takeProfit: null }, quote, eurusd);
    expect(denial?.fix).toBe('at most 1.0849');
  });

  test('is allowed from the exact distance on', () => {
    fc.assert(
      fc.property(sides, fc.integer({ min: 10, max: 5_000 }), (side, points) => {
        const exit = side === 'BUY' ? quote.bid : quote.ask;
        const stop = fromPoints(Math.round(Number(exit) * 1e5) + (side === 'BUY' ? -points : points), 5);
        expect(compare(stop, exit)).toBe(side === 'BUY' ? -1 : 1);
        expect(protectionDenial(side, { stopLoss: stop, takeProfit: null }, quote, eurusd)).toBeNull();
      }),
    );
  });
});
