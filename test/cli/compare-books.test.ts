import { describe, expect, test } from '@jest/globals';
import { compareBooks, type BrokersBook, type OwnBook } from '../../src/cli/compare-books.ts';
import { lots, money, price } from '../../src/domain/decimal.ts';
import type { DealFact, PositionFact } from '../../src/domain/facts.ts';
import { dealId, orderId, positionId } from '../../src/domain/ids.ts';

const deal: DealFact = {
  kind: 'deal',
  dealId: dealId('11'),
  orderId: orderId('10'),
  positionId: positionId('9'),
  symbol: 'EURUSD',
  side: 'BUY',
  entry: 'IN',
  lots: lots('0.6'),
  price: price('1.085'),
  executedAt: 1_000,
  commission: money('-2.1'),
  swap: money('0'),
  profit: money('0'),
  reason: 'EXPERT',
  tag: 7,
  comment: '',
};
const position = {
  positionId: positionId('9'),
  side: 'BUY',
  lots: lots('0.6'),
  stopLoss: price('1.083'),
} as PositionFact;
const brokers: BrokersBook = { deals: [deal], positions: [position], effects: [{ tag: 7, executions: 1 }] };
const ours: OwnBook = { deals: [deal], positions: [position] };

describe('two books', () => {
  test('are equal when every field of every deal and position is', () => {
    expect(compareBooks(ours, brokers)).toEqual({ dealsEngine: 1, dealsBroker: 1, duplicates: 0, differences: [] });
  });

  test.each([
    ['orderId', '12'],
    ['positionId', '12'],
    ['entry', 'OUT'],
    ['side', 'SELL'],
    ['lots', '0.5'],
    ['price', '1.0851'],
    ['executedAt', 1_001],
    ['commission', '-2'],
    ['swap', '-0.1'],
    ['profit', '3'],
  ])('differ by the %s of one deal', (field, value) => {
    const { differences } = compareBooks({ ...ours, deals: [{ ...deal, [field]: value }] }, brokers);
    expect(differences).toEqual([expect.stringContaining(`deal 11: ${field} is ${value}`)]);
  });

  test('differ by a deal that one of them does not have', () => {
    expect(compareBooks({ ...ours, deals: [] }, brokers).differences).toEqual(['deal 11: missing in our book']);
    expect(compareBooks(ours, { ...brokers, deals: [] }).differences).toEqual(["deal 11: not in the broker's book"]);
  });

  test('differ by a deal that ours has twice, or only provisionally', () => {
    expect(compareBooks({ ...ours, deals: [deal, deal] }, brokers).differences).toContain('our book has a deal twice');
    const provisional = { ...deal, dealId: null, executedAt: null };
    expect(compareBooks({ ...ours, deals: [deal, provisional] }, brokers).differences).toContain(
      'order 10: our deal is provisional',
    );
  });

  test('differ by a position, its volume or its stop', () => {
    expect(compareBooks({ ...ours, positions: [] }, brokers).differences).toEqual([
      'position 9: open at the broker, unknown to our book',
    ]);
    expect(compareBooks(ours, { ...brokers, positions: [] }).differences).toEqual([
      'position 9: open in our book, gone at the broker',
    ]);
    const looser = { ...position, stopLoss: price('1.08') };
    expect(compareBooks({ ...ours, positions: [looser] }, brokers).differences).toEqual([
      expect.stringContaining('stopLoss is 1.08'),
    ]);
  });

  test('count what was carried out more than once', () => {
    const twice = { ...brokers, effects: [{ tag: 7, executions: 3 }] };
    expect(compareBooks(ours, twice)).toMatchObject({
      duplicates: 2,
      differences: ['command with tag 7 was carried out 3 times'],
    });
  });
});
