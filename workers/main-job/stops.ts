import { compare, type Price } from '../../src/domain/decimal.ts';
import type { Side } from '../../src/domain/facts.ts';
import type { AuditedTrade } from '../../src/db/audit.ts';
import type { Clock } from '../../src/clock.ts';
import { emptyExchange } from '../../src/simulator/exchange/book.ts';
import { apply } from '../../src/simulator/exchange/exchange.ts';
import { openJournal } from '../../src/simulator/journal.ts';

/** Stops that were loosened by the book's own history: each stop sent must be at least as tight as the one before. */
export function loosenedInBook(trades: readonly AuditedTrade[]): readonly string[] {
  return trades.flatMap(({ tradeId, side, stops }) => {
    const at = stops.findIndex((stop, index) => index > 0 && looser(side, stops[index - 1] as Price, stop));
    return at < 0
      ? []
      : [`trade ${tradeId}: stop loosened from ${stops[at - 1] ?? ''} to ${stops[at] ?? ''} by our own command`];
  });
}

function looser(side: Side, before: Price, after: Price): boolean {
  return side === 'BUY' ? compare(after, before) < 0 : compare(after, before) > 0;
}

/**
 * Stops that were loosened or missing by the broker's own memory: its journal is replayed, and every state of every position
 * looked at. The simulator must have ended; its folder is left as it is.
 */
export function loosenedAtBroker(stateFolder: string, clock: Clock): readonly string[] {
  const exchange = emptyExchange();
  const last = new Map<string, number>();
  const problems: string[] = [];
  const journal = openJournal(stateFolder, clock, (time, input) => {
    for (const event of apply(exchange, time, input).events) {
      if (event.kind !== 'position' || event.position.units === 0) continue;
      const { id, side, stop } = event.position;
      const key = `${event.login}/${id}`;
      const before = last.get(key);
      if (stop === null) problems.push(`position ${key}: stands without a stop`);
      else if (before !== undefined && (side === 'BUY' ? stop < before : stop > before))
        problems.push(`position ${key}: stop loosened from ${before} to ${stop} points`);
      if (stop !== null) last.set(key, stop);
    }
  });
  journal.close();
  return problems;
}
