import { describe, expect, test } from '@jest/globals';
import { lots, money, price } from '../../src/domain/decimal.ts';
import type { DealFact, OrderFact, PositionFact } from '../../src/domain/facts.ts';
import { dealId, orderId, positionId } from '../../src/domain/ids.ts';
import type { Evidence, WireCommand } from '../../src/trading/connector.ts';
import { judge } from '../../src/trading/judge.ts';
import type { BeforeSnapshot } from '../../src/trading/records.ts';

const ours = 536_870_912;
const before: BeforeSnapshot = {
  positionId: positionId('9'),
  lots: lots('0.6'),
  stopLoss: price('1.083'),
  takeProfit: null,
  updatedAt: 100,
  readAt: 200,
};
const close: WireCommand = { kind: 'PARTIAL_CLOSE', positionId: positionId('9'), symbol: 'EURUSD', lots: lots('0.3') };
const open: WireCommand = {
  kind: 'OPEN',
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots('0.6'),
  stopLoss: price('1.083'),
  takeProfit: null,
};
const edit: WireCommand = {
  kind: 'MODIFY_PROTECTION',
  positionId: positionId('9'),
  symbol: 'EURUSD',
  stopLoss: price('1.0851'),
  takeProfit: null,
};
const cancel: WireCommand = { kind: 'CANCEL_PENDING', orderId: orderId('70'), symbol: 'EURUSD' };

const order = (over: Partial<OrderFact> = {}): OrderFact => ({
  kind: 'order',
  orderId: orderId('70'),
  positionId: positionId('9'),
  symbol: 'EURUSD',
  side: 'SELL',
  type: 'MARKET',
  state: 'FILLED',
  lots: lots('0.3'),
  filledLots: lots('0.3'),
  price: null,
  stopLoss: null,
  takeProfit: null,
  expiresAt: null,
  reason: 'EXPERT',
  tag: ours,
  comment: '',
  updatedAt: 300,
  ...over,
});
const deal = (over: Partial<DealFact> = {}): DealFact => ({
  kind: 'deal',
  dealId: dealId('80'),
  orderId: orderId('70'),
  positionId: positionId('9'),
  symbol: 'EURUSD',
  side: 'SELL',
  entry: 'OUT',
  lots: lots('0.3'),
  price: price('1.086'),
  executedAt: 300,
  commission: money('0'),
  swap: money('0'),
  profit: money('30'),
  reason: 'EXPERT',
  tag: ours,
  comment: '',
  ...over,
});
const position = (over: Partial<PositionFact> = {}): PositionFact => ({
  kind: 'position',
  positionId: positionId('9'),
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots('0.6'),
  entryPrice: price('1.085'),
  stopLoss: price('1.083'),
  takeProfit: null,
  openedAt: 50,
  updatedAt: 100,
  tag: 1,
  comment: '',
  ...over,
});
const shows = (over: Partial<Evidence> = {}): Evidence => ({
  orders: [],
  deals: [],
  position: position(),
  readAt: 400,
  ...over,
});
const verdict = (wire: WireCommand, evidence: Evidence) => judge({ tag: ours, wire, before }, evidence);

describe('a close', () => {
  test.each([
    ['a filled order with our tag', shows({ orders: [order()] }), 'executed'],
    ['a deal with our tag though its order is not listed', shows({ deals: [deal()] }), 'executed'],
    [
      'an order of ours that is still working',
      shows({ orders: [order({ state: 'WORKING', filledLots: lots('0') })] }),
      'undecided',
    ],
    [
      'an order of ours that ended unfilled',
      shows({ orders: [order({ state: 'CANCELLED', filledLots: lots('0') })] }),
      'refused',
    ],
    [
      'an order of ours that was cancelled after a part',
      shows({ orders: [order({ state: 'CANCELLED', filledLots: lots('0.1') })] }),
      'executed',
    ],
    ['nothing of ours and an unchanged position', shows(), 'absent'],
    [
      'the same volume closed by hand',
      shows({
        position: position({ lots: lots('0.3') }),
        deals: [deal({ tag: null })],
        orders: [order({ tag: null })],
      }),
      'absent',
    ],
    ['a volume change that no deal explains', shows({ position: position({ lots: lots('0.3') }) }), 'undecided'],
    ['a position that is gone without a deal', shows({ position: null }), 'undecided'],
    [
      'a deal that is older than the claim',
      shows({ position: position({ lots: lots('0.3') }), deals: [deal({ tag: null, executedAt: 90 })] }),
      'undecided',
    ],
  ] as const)('is judged by %s', (_, evidence, kind) => {
    expect(verdict(close, evidence).kind).toBe(kind);
  });
});

describe('an opening', () => {
  test('is not confirmed by a position that merely looks like it', () => {
    expect(verdict(open, shows({ position: position({ tag: 7 }) })).kind).toBe('absent');
  });

  test('is confirmed by a position with its tag', () => {
    expect(verdict(open, shows({ position: position({ tag: ours }) }))).toMatchObject({
      kind: 'executed',
      positionId: '9',
    });
  });

  test('of a resting order is confirmed while the order works', () => {
    const wire: WireCommand = { ...open, kind: 'PLACE_PENDING', type: 'LIMIT', price: price('1.084'), expiresAt: null };
    expect(
      verdict(wire, shows({ orders: [order({ state: 'WORKING', filledLots: lots('0') })], position: null })).kind,
    ).toBe('executed');
  });
});

describe('an edit of protection', () => {
  test.each([
    ['both levels as asked', shows({ position: position({ stopLoss: price('1.0851') }) }), 'executed'],
    ['the old stop', shows(), 'absent'],
    [
      'the right stop but another take profit',
      shows({ position: position({ stopLoss: price('1.0851'), takeProfit: price('1.09') }) }),
      'absent',
    ],
    ['no position', shows({ position: null }), 'refused'],
  ] as const)('is judged by value: %s', (_, evidence, kind) => {
    expect(verdict(edit, evidence).kind).toBe(kind);
  });
});

describe('a cancel', () => {
  test.each([
    ['CANCELLED', 'executed'],
    ['EXPIRED', 'executed'],
    ['WORKING', 'absent'],
    ['FILLED', 'refused'],
  ] as const)('of an order that is %s is %s', (state, kind) => {
    expect(verdict(cancel, shows({ orders: [order({ state, tag: 5 })] })).kind).toBe(kind);
  });

  test('of an order that is not listed is not guessed', () => {
    expect(verdict(cancel, shows()).kind).toBe('undecided');
  });
});
