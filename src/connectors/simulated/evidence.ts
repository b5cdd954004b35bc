import type { DealFact, OrderFact, PositionFact, UtcMs } from '../../domain/facts.ts';
import type { PositionId } from '../../domain/ids.ts';
import type { Evidence, HistoryQuery, SentCommand, Snapshot } from '../../trading/connector.ts';

/** The complete reads that evidence is made of; each throws when it is not complete. */
export interface EvidenceReads {
  orders(query: HistoryQuery): Promise<readonly OrderFact[]>;
  deals(query: HistoryQuery): Promise<readonly DealFact[]>;
  snapshot(): Promise<Snapshot>;
}

interface History {
  readonly orders: readonly OrderFact[];
  readonly deals: readonly DealFact[];
}

/**
 * Everything that carries the command's tag, and the whole story of the position it acts on or opened.
 *
 * `readAt` is the time before the first read, so that "quiet since the window ended" can be proved by it.
 */
export async function gatherEvidence(reads: EvidenceReads, sent: SentCommand, readAt: UtcMs): Promise<Evidence> {
  const [byTag, snapshot] = await Promise.all([history(reads, { by: 'tag', tag: sent.tag }), reads.snapshot()]);
  const concerned = concernedPosition(sent, byTag, snapshot.positions);
  const byPosition = concerned === null ? nothing : await history(reads, { by: 'position', positionId: concerned });

  const working = snapshot.workingOrders.filter(
    (order) => order.tag === sent.tag || (concerned !== null && order.positionId === concerned),
  );
  return {
    orders: newestOrders([...byPosition.orders, ...byTag.orders, ...working]),
    deals: uniqueDeals([...byPosition.deals, ...byTag.deals]),
    position: snapshot.positions.find((position) => position.positionId === concerned) ?? null,
    readAt,
  };
}

const nothing: History = { orders: [], deals: [] };

async function history(reads: EvidenceReads, query: HistoryQuery): Promise<History> {
  const [orders, deals] = await Promise.all([reads.orders(query), reads.deals(query)]);
  return { orders, deals };
}

/** The position we know, else the one that something with our tag points at. */
function concernedPosition(sent: SentCommand, byTag: History, open: readonly PositionFact[]): PositionId | null {
  return (
    sent.positionId ??
    byTag.deals[0]?.positionId ??
    byTag.orders.find((order) => order.positionId !== null)?.positionId ??
    open.find((position) => position.tag === sent.tag)?.positionId ??
    null
  );
}

/** One fact per order: reads taken a moment apart may show it in two states, and the later one is true. */
function newestOrders(orders: readonly OrderFact[]): readonly OrderFact[] {
  const newest = new Map<string, OrderFact>();
  for (const order of orders) {
    const seen = newest.get(order.orderId);
    if (seen === undefined || seen.updatedAt < order.updatedAt) newest.set(order.orderId, order);
  }
  return [...newest.values()];
}

/** Oldest first; the broker's own order where the time is the same. */
function uniqueDeals(deals: readonly DealFact[]): readonly DealFact[] {
  const unique = new Map(deals.map((deal) => [deal.dealId, deal]));
  return [...unique.values()].sort((left, right) => left.executedAt - right.executedAt);
}
