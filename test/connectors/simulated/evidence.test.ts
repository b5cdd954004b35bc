import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';

import * as pb from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { gatherEvidence, type EvidenceReads } from '../../../src/connectors/simulated/evidence.ts';
import { balanceFact, dealFact, orderFact, positionFact } from '../../../src/connectors/simulated/translate.ts';
import type { DealFact, OrderFact, PositionFact } from '../../../src/domain/facts.ts';
import { dealId, orderId, positionId } from '../../../src/domain/ids.ts';
import { Unavailable } from '../../../src/domain/outcome.ts';
import type { HistoryQuery } from '../../../src/trading/connector.ts';
import { wireBalance, wireDeal, wireOrder, wirePosition } from './wire-samples.ts';

const tag = 0x2000_0001;
const order = orderFact(create(pb.OrderSchema, wireOrder));
const deal = dealFact(create(pb.DealSchema, wireDeal));
const position = positionFact(create(pb.PositionSchema, wirePosition));
const sent = { tag, positionId: null, claimedAt: 1 };

interface Book {
  readonly orders?: readonly OrderFact[];
  readonly deals?: readonly DealFact[];
  readonly positions?: readonly PositionFact[];
  readonly workingOrders?: readonly OrderFact[];
}

function readsOf({ orders = [], deals = [], positions = [], workingOrders = [] }: Book): EvidenceReads {
  const concerns = (query: HistoryQuery) => (fact: OrderFact | DealFact) =>
    query.by === 'tag' ? fact.tag === query.tag : query.by === 'position' && fact.positionId === query.positionId;
  return {
    orders: async (query) => orders.filter(concerns(query)),
    deals: async (query) => deals.filter(concerns(query)),
    snapshot: async () => ({
      balance: balanceFact(create(pb.BalanceSchema, wireBalance)),
      positions,
      workingOrders,
      asOf: 1,
    }),
  };
}

describe('evidence', () => {
  test('of nothing is empty and says when it was read', async () => {
    expect(await gatherEvidence(readsOf({}), sent, 42)).toEqual({ orders: [], deals: [], position: null, readAt: 42 });
  });

  test('of an open holds its order, its deal and the position, each once', async () => {
    const book = { orders: [order], deals: [deal], positions: [position] };
    expect(await gatherEvidence(readsOf(book), sent, 42)).toEqual({
      orders: [order],
      deals: [deal],
      position,
      readAt: 42,
    });
  });

  test('of an open that was stopped out holds the deals that closed it, although they have no tag of ours', async () => {
    const stopped: DealFact = {
      ...deal,
      dealId: dealId('d2'),
      orderId: orderId('o2'),
      entry: 'OUT',
      reason: 'SL',
      tag: null,
    };
    const evidence = await gatherEvidence(readsOf({ orders: [order], deals: [deal, stopped] }), sent, 42);
    expect(evidence.deals).toEqual([deal, stopped]);
    expect(evidence.position).toBeNull();
  });

  test('of an open whose history lags holds the position that carries its tag', async () => {
    expect((await gatherEvidence(readsOf({ positions: [position] }), sent, 42)).position).toEqual(position);
  });

  test('of a close holds everything of its position, ours or not', async () => {
    const foreign: DealFact = { ...deal, dealId: dealId('d3'), entry: 'OUT', reason: 'CLIENT', tag: null };
    const close = { tag: 77, positionId: positionId('p1'), claimedAt: 1 };
    const evidence = await gatherEvidence(
      readsOf({ orders: [order], deals: [deal, foreign], positions: [position] }),
      close,
      42,
    );
    expect(evidence.deals).toEqual([deal, foreign]);
    expect(evidence.orders).toEqual([order]);
    expect(evidence.position).toEqual(position);
  });

  test('takes the newer of two views of one order', async () => {
    const resting: OrderFact = { ...order, state: 'WORKING', updatedAt: order.updatedAt - 1 };
    const evidence = await gatherEvidence(readsOf({ orders: [resting], workingOrders: [order] }), sent, 42);
    expect(evidence.orders).toEqual([order]);
    const other = await gatherEvidence(readsOf({ orders: [order], workingOrders: [resting] }), sent, 42);
    expect(other.orders).toEqual([order]);
  });

  test('leaves out what belongs to somebody else', async () => {
    const foreign = { tag: 5, positionId: positionId('p9') };
    const book = {
      orders: [{ ...order, ...foreign }],
      deals: [{ ...deal, ...foreign }],
      positions: [{ ...position, ...foreign }],
      workingOrders: [{ ...order, ...foreign }],
    };
    expect(await gatherEvidence(readsOf(book), sent, 42)).toMatchObject({ orders: [], deals: [], position: null });
  });

  test.each(['orders', 'deals', 'snapshot'] as const)('is thrown when the %s cannot be read', async (broken) => {
    const reads: EvidenceReads = {
      ...readsOf({ orders: [order], deals: [deal], positions: [position] }),
      [broken]: async () => {
        throw new Unavailable('cut');
      },
    };
    await expect(gatherEvidence(reads, sent, 42)).rejects.toThrow(Unavailable);
  });

  test('is thrown when only the second look, by position, fails', async () => {
    const reads = readsOf({ orders: [order], deals: [deal] });
    const failing: EvidenceReads = {
      ...reads,
      deals: async (query) => {
        if (query.by === 'position') throw new Unavailable('cut');
        return reads.deals(query);
      },
    };
    await expect(gatherEvidence(failing, sent, 42)).rejects.toThrow(Unavailable);
  });
});
