import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { add, compare, lots, price, subtract, ZERO_LOTS, type Lots } from '../../src/domain/decimal.ts';
import {
  closeBps,
  closesRest,
  ladderDenial,
  ladderSideDenial,
  stopPrice,
  targetLots,
  targetPrice,
} from '../../src/domain/ladder.ts';
import type { TargetRule } from '../../src/domain/trade/request.ts';

const eurusd = {
  digits: 5,
  tickSize: price('0.00001'),
  pipSize: price('0.0001'),
  volumeMin: lots('0.01'),
  volumeStep: lots('0.01'),
};

const share = (percent: string): TargetRule => ({
  at: { pips: '10' },
  size: { share: percent },
  late: 'act-if-beyond',
});
const rest: TargetRule = { at: { pips: '30' }, size: { rest: true }, late: 'act-if-beyond' };

describe('a target price', () => {
  test.each([
    ['BUY', { pips: '10' }, '1.086'],
    ['SELL', { pips: '10' }, '1.084'],
    ['BUY', { points: '7' }, '1.08507'],
    ['BUY', { r: '1.5' }, '1.088'],
    ['SELL', { price: price('1.08') }, '1.08'],
  ] as const)('of a %s at %j is %s', (side, rule, expected) => {
    expect(targetPrice(rule, price('1.085'), price('1.083'), side, eurusd)).toBe(expected);
  });

  test('is rounded to the tick away from the entry', () => {
    const coarse = { ...eurusd, tickSize: price('0.00005') };
    expect(targetPrice({ points: '7' }, price('1.085'), price('1.083'), 'BUY', coarse)).toBe('1.0851');
    expect(targetPrice({ points: '7' }, price('1.085'), price('1.083'), 'SELL', coarse)).toBe('1.0849');
  });
});

describe('a stop given as a distance', () => {
  test('lies on the losing side, rounded toward the entry', () => {
    const coarse = { ...eurusd, tickSize: price('0.00005') };
    expect(stopPrice({ points: '203' }, price('1.085'), 'BUY', coarse)).toBe('1.083');
    expect(stopPrice({ points: '203' }, price('1.085'), 'SELL', coarse)).toBe('1.087');
  });

  test('cannot be a multiple of the risk it defines', () => {
    expect(() => stopPrice({ r: '1' }, price('1.085'), 'BUY', eurusd)).toThrow(RangeError);
  });
});

describe('shares', () => {
  test('are of the original volume, the rest takes what is left', () => {
    expect(closeBps([share('50'), share('30'), rest])).toEqual([5000, 3000, 2000]);
  });

  test.each([
    ['above 100 %', [share('60'), share('50')], 'shares-above-100'],
    ['that leave nothing for the rest', [share('60'), share('40'), rest], 'shares-above-100'],
    ['of nothing', [share('0'), rest], 'share-not-positive'],
    ['after a rest', [rest, share('10')], 'rest-not-last'],
    ['too small for the minimum volume', [share('1'), rest], 'target-too-small'],
  ] as const)('%s are denied', (_, targets, code) => {
    expect(ladderDenial(targets, lots('0.6'), eurusd)?.code).toBe(code);
  });

  test('that fit are not denied', () => {
    expect(ladderDenial([share('50'), share('30'), rest], lots('0.6'), eurusd)).toBeNull();
  });
});

describe('levels on the wrong side', () => {
  test('are denied with field and fix', () => {
    const denial = ladderSideDenial([price('1.086'), price('1.0855')], price('1.085'), 'BUY');
    expect(denial).toMatchObject({
      code: 'target-wrong-side',
      field: 'targets[1].price',
      value: '1.0855',
      fix: 'use a price above 1.086',
    });
  });
});

describe('the volume of a target', () => {
  const volumes = fc.integer({ min: 1, max: 5_000 }).map((steps) => lots((steps / 100).toFixed(2)));
  const ladders = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 });

  test('never exceeds what remains and leaves nothing or at least the minimum', () => {
    fc.assert(
      fc.property(
        volumes,
        volumes,
        fc.integer({ min: 1, max: 10_000 }),
        fc.boolean(),
        (original, remaining, bps, closesAll) => {
          const size = targetLots({ original, remaining, bps, closesRest: closesAll }, eurusd);
          if (size.kind === 'skip') return;
          const left = subtract(remaining, size.lots);
          expect(compare(size.lots, remaining)).not.toBe(1);
          expect(left === '0' || compare(left, eurusd.volumeMin) >= 0).toBe(true);
        },
      ),
    );
  });

  test('of a full ladder adds up to exactly the original', () => {
    fc.assert(
      fc.property(volumes, ladders, (volume, percents) => {
        const targets = [...percents.map((percent) => share(String(percent))), rest];
        fc.pre(ladderDenial(targets, volume, eurusd) === null);
        const bps = closeBps(targets);
        let closed: Lots = ZERO_LOTS;
        for (const [index, target] of bps.entries()) {
          const size = targetLots(
            { original: volume, remaining: subtract(volume, closed), bps: target, closesRest: closesRest(bps, index) },
            eurusd,
          );
          if (size.kind === 'close') closed = add(closed, size.lots);
        }
        expect(closed).toBe(volume);
      }),
    );
  });

  test('is smaller where it would leave dust', () => {
    const big = { ...eurusd, volumeMin: lots('0.1') };
    const size = targetLots({ original: lots('0.5'), remaining: lots('0.25'), bps: 4_000, closesRest: false }, big);
    expect(size).toEqual({ kind: 'close', lots: '0.15' });
  });
});
