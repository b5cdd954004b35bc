import { describe, expect, test } from '@jest/globals';
import { lots, price } from '../../src/domain/decimal.ts';
import type { Quote } from '../../src/domain/facts.ts';
import type { TradeRequest } from '../../src/domain/trade/request.ts';
import { checkOpen } from '../../src/trading/open.ts';
import { eurusd } from '../db/book-world.ts';
import { request } from '../domain/trade/book-model.ts';

const quote: Quote = {
  symbol: 'EURUSD',
  bid: price('1.0849'),
  ask: price('1.085'),
  sequence: 1,
  time: 0,
  sourceTime: null,
};
const check = (over: Partial<TradeRequest>) => checkOpen(request(over), eurusd, quote);
const target = (at: TradeRequest['targets'][number]['at'], share: string): TradeRequest['targets'][number] => ({
  at,
  size: { share },
  late: 'act',
});

describe('an open that fits', () => {
  test('has its stop measured from the side it opens at', () => {
    expect(check({})).toEqual({ stopLoss: '1.083', takeProfit: null, closeBps: [5000, 3000, 2000] });
    expect(check({ side: 'SELL' })).toMatchObject({ stopLoss: '1.0869' });
  });

  test('may rest as a limit order away from the price', () => {
    expect(check({ entry: { type: 'LIMIT', price: price('1.08'), expiresAt: null } })).toMatchObject({
      stopLoss: '1.078',
    });
  });
});

describe('an open that does not fit names field, value, rule and fix', () => {
  test.each([
    [
      'shares above 100 %',
      { targets: [target({ pips: '10' }, '60'), target({ pips: '20' }, '60')] },
      { code: 'shares-above-100', field: 'targets' },
    ],
    [
      'a target on the wrong side',
      { targets: [target({ price: price('1.08') }, '50')] },
      { code: 'target-wrong-side', field: 'targets[0].price' },
    ],
    [
      'targets out of order',
      { targets: [target({ pips: '20' }, '50'), target({ pips: '10' }, '50')] },
      { code: 'target-wrong-side', field: 'targets[1].price' },
    ],
    ['a volume off the step', { volume: lots('0.605') }, { code: 'volume-off-step', field: 'volume', value: '0.605' }],
    ['a volume under the minimum', { volume: lots('0.001') }, { code: 'volume-below-minimum', field: 'volume' }],
    ['a volume above the maximum', { volume: lots('1000') }, { code: 'volume-above-maximum', field: 'volume' }],
    [
      'a stop inside the minimum distance',
      { stopLoss: { price: price('1.08485') } },
      { code: 'min-stop-distance', field: 'stopLoss', fix: 'at most 1.0848' },
    ],
    [
      'a stop on the wrong side',
      { stopLoss: { price: price('1.09') } },
      { code: 'level-wrong-side', field: 'stopLoss' },
    ],
    ['a stop in multiples of risk', { stopLoss: { r: '1' } }, { code: 'stop-in-r', field: 'stopLoss' }],
    [
      'a breakeven after a target that is not there',
      { breakeven: { afterLevel: 4, offset: { pips: '1' } } },
      { code: 'no-such-target', field: 'breakeven.afterLevel' },
    ],
  ] as const)('%s', (_, over, expected) => {
    const denial = check(over as Partial<TradeRequest>);
    expect(denial).toMatchObject(expected);
    expect(Object.values(denial)).not.toContain('');
  });
});
