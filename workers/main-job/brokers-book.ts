import { DealEntry, Side, type BookReply } from '../../proto/belay/simulator/v1/simulator_pb.js';
import type { BrokersBook } from '../../src/cli/compare-books.ts';
import { lots, money, price } from '../../src/domain/decimal.ts';
import { dealId, orderId, positionId } from '../../src/domain/ids.ts';

/** The broker's own book in the words of ours; written apart from the connector, so that it proves the connector too. */
export function brokersBook({ deals, positions, effects }: BookReply): BrokersBook {
  return {
    effects,
    deals: deals.map((deal) => ({
      dealId: dealId(deal.dealId),
      orderId: orderId(deal.orderId),
      positionId: positionId(deal.positionId),
      side: sideOf(deal.side),
      entry: deal.entry === DealEntry.IN ? 'IN' : 'OUT',
      lots: lots(deal.lots),
      price: price(deal.price),
      executedAt: deal.executedAt,
      commission: money(deal.commission),
      swap: money(deal.swap),
      profit: money(deal.profit),
    })),
    positions: positions.map((position) => ({
      positionId: positionId(position.positionId),
      side: sideOf(position.side),
      lots: lots(position.lots),
      stopLoss: position.stopLoss === undefined ? null : price(position.stopLoss),
    })),
  };
}

const sideOf = (side: Side) => (side === Side.BUY ? 'BUY' : 'SELL');
