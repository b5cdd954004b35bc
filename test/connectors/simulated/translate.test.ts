import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';

import * as pb from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { Undecodable } from '../../../src/connectors/simulated/decode.ts';
import { simulatedBounds } from '../../../src/connectors/simulated/connector.ts';
import {
  balanceFact,
  candleOf,
  dealFact,
  instrumentOf,
  marginOf,
  orderFact,
  positionFact,
  quoteOf,
  snapshotOf,
  verifiedAccount,
} from '../../../src/connectors/simulated/translate.ts';
import { wireBalance, wireDeal, wireInstrument, wireOrder, wirePosition, wireQuote } from './wire-samples.ts';

describe('what the broker reports', () => {
  test('a deal becomes a deal fact with canonical decimals', () => {
    expect(dealFact(create(pb.DealSchema, { ...wireDeal, lots: '0.30' }))).toEqual({
      kind: 'deal',
      dealId: 'd1',
      orderId: 'o1',
      positionId: 'p1',
      symbol: 'EURUSD',
      side: 'BUY',
      entry: 'IN',
      lots: '0.3',
      price: '1.0712',
      executedAt: 1_790_000_000_000,
      commission: '-1.05',
      swap: '0',
      profit: '0',
      reason: 'EXPERT',
      tag: 0x2000_0001,
      comment: 'blt',
    });
  });

  test('a resting order keeps its price, a market order has none', () => {
    const resting = { ...wireOrder, type: pb.OrderType.LIMIT, state: pb.OrderState.WORKING, price: '1.06' };
    expect(orderFact(create(pb.OrderSchema, resting))).toMatchObject({ type: 'LIMIT', price: '1.06' });
    expect(orderFact(create(pb.OrderSchema, { ...wireOrder, price: '1.06' }))).toMatchObject({ price: null });
  });

  test('an absent level, tag or position is null, and a tag of 0 is no tag', () => {
    const position = create(pb.PositionSchema, wirePosition);
    expect(positionFact(position)).toMatchObject({ stopLoss: '1.05', takeProfit: null });
    expect(dealFact(create(pb.DealSchema, { ...wireDeal, tag: 0 })).tag).toBeNull();
    const { positionId: _, ...unattached } = wireOrder;
    expect(orderFact(create(pb.OrderSchema, unattached)).positionId).toBeNull();
  });

  test('a position of 0 lots is passed on as closed', () => {
    expect(positionFact(create(pb.PositionSchema, { ...wirePosition, lots: '0' })).lots).toBe('0');
  });

  test('a reason nobody knows is OTHER, because it only describes', () => {
    expect(dealFact(create(pb.DealSchema, { ...wireDeal, reason: 99 as pb.Reason })).reason).toBe('OTHER');
  });

  test('an instrument is carried over whole', () => {
    expect(instrumentOf(create(pb.InstrumentSchema, wireInstrument))).toMatchObject({
      digits: 5,
      swapLong: '-7.2',
      swapShort: '3.1',
      tradeMode: 'FULL',
    });
  });
});

type Row = [name: string, run: () => unknown];

const garbled = <Desc extends DescMessage>(
  schema: Desc,
  translate: (message: MessageShape<Desc>) => unknown,
  good: MessageInitShape<Desc>,
  bad: Record<string, unknown>,
): Row => [
  `${schema.name} ${JSON.stringify(bad, (_, value) => (Number.isNaN(value) ? 'NaN' : value))}`,
  () => translate(create(schema, { ...(good as object), ...bad } as MessageInitShape<Desc>)),
];

describe('what cannot be true is refused with a typed error', () => {
  const deal = (bad: Record<string, unknown>) => garbled(pb.DealSchema, dealFact, wireDeal, bad);
  const order = (bad: Record<string, unknown>) => garbled(pb.OrderSchema, orderFact, wireOrder, bad);
  const position = (bad: Record<string, unknown>) => garbled(pb.PositionSchema, positionFact, wirePosition, bad);
  const quote = (bad: Record<string, unknown>) => garbled(pb.QuoteReplySchema, quoteOf, wireQuote(1), bad);
  const instrument = (bad: Record<string, unknown>) => garbled(pb.InstrumentSchema, instrumentOf, wireInstrument, bad);

  test.each<Row>([
    deal({ dealId: '' }),
    deal({ orderId: '' }),
    deal({ positionId: '' }),
    deal({ dealId: 'x'.repeat(65) }),
    deal({ lots: '-0.1' }),
    deal({ lots: '0' }),
    deal({ lots: '0.00' }),
    deal({ lots: '' }),
    deal({ lots: 'NaN' }),
    deal({ lots: 'Infinity' }),
    deal({ lots: '1e1000000' }),
    deal({ lots: '9'.repeat(21) }),
    deal({ price: '0' }),
    deal({ price: '-1.07' }),
    deal({ commission: 'ten' }),
    deal({ executedAt: Number.NaN }),
    deal({ executedAt: -1 }),
    deal({ executedAt: 1.5 }),
    deal({ executedAt: 2 ** 60 }),
    deal({ side: pb.Side.UNSPECIFIED }),
    deal({ side: 7 }),
    deal({ entry: pb.DealEntry.UNSPECIFIED }),
    deal({ entry: 3 }),
    order({ orderId: '' }),
    order({ positionId: '' }),
    order({ state: 9 }),
    order({ state: pb.OrderState.UNSPECIFIED }),
    order({ type: 9 }),
    order({ type: pb.OrderType.STOP }),
    order({ lots: '0' }),
    order({ filledLots: '0.31' }),
    order({ stopLoss: '0' }),
    order({ expiresAt: Number.POSITIVE_INFINITY }),
    position({ positionId: '' }),
    position({ lots: '-0.3' }),
    position({ entryPrice: '0' }),
    position({ takeProfit: '-1' }),
    position({ updatedAt: Number.NaN }),
    quote({ symbol: '' }),
    quote({ bid: '-1' }),
    quote({ ask: '1,07' }),
    quote({ sequence: 1.5 }),
    quote({ sequence: Number.NaN }),
    quote({ sourceTime: Number.NaN }),
    instrument({ digits: 9 }),
    instrument({ volumeStep: '0' }),
    instrument({ tradeMode: 'MAYBE' }),
    instrument({ tradeMode: 'toString' }),
    garbled(pb.BalanceSchema, balanceFact, wireBalance, { equity: 'NaN' }),
    garbled(pb.CandleSchema, candleOf, { time: 1, open: '1', high: '1', low: '1', close: '1' }, { low: '0' }),
    garbled(pb.MarginReplySchema, marginOf, { margin: '1' }, { margin: '-1' }),
    garbled(pb.SnapshotReplySchema, snapshotOf, { balance: wireBalance, asOf: 1 }, { balance: undefined }),
    garbled(
      pb.SnapshotReplySchema,
      snapshotOf,
      { balance: wireBalance, asOf: 1 },
      {
        positions: [create(pb.PositionSchema, { ...wirePosition, lots: '0' })],
      },
    ),
  ])('%s', (_, run) => {
    expect(run).toThrow(Undecodable);
  });

  test('the error names the field, the rule and the value found', () => {
    expect(() => dealFact(create(pb.DealSchema, { ...wireDeal, lots: '-0.1' }))).toThrow(
      'deal.lots must be zero or more, was "-0.1"',
    );
  });
});

describe('verifying an account', () => {
  const reply = {
    login: 'SIM-HEDGE',
    currency: 'EUR',
    hedging: true,
    tradeAllowed: true,
    leverage: 500,
    symbols: ['EURUSD'],
  };
  const verify = (more: MessageInitShape<typeof pb.VerifyReplySchema>) =>
    verifiedAccount(create(pb.VerifyReplySchema, { ...reply, ...more }), simulatedBounds);

  test('reports who it is and that it may trade', () => {
    expect(verify({ maxExecutionDelayMs: 1000, stateLagMs: 500, historyLagMs: 500 })).toEqual({
      login: 'SIM-HEDGE',
      currency: 'EUR',
      marginMode: 'HEDGING',
      tradeRefusal: null,
      symbols: ['EURUSD'],
      leverage: 500,
    });
  });

  test("gives the broker's reason when it may not", () => {
    expect(verify({ tradeAllowed: false, tradeRefusal: 'investor password' }).tradeRefusal).toBe('investor password');
    expect(verify({ tradeAllowed: false }).tradeRefusal).toBe('trading is not allowed');
  });

  test('refuses trading with bounds that the broker does not promise, because absence could not be proved', () => {
    expect(verify({ maxExecutionDelayMs: 3000 }).tradeRefusal).toContain('executionDelayMs of this account is 1000');
    expect(verify({ historyLagMs: 501 }).tradeRefusal).toContain('set it to 501 or more');
  });
});
