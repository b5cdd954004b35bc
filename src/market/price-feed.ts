import type { Quote } from '../domain/facts.ts';
import type { SessionSink } from '../trading/connector.ts';
import { orderOf, type CatchUp } from './catch-up.ts';
import type { Evaluation } from './evaluation.ts';
import type { Lane } from './lane.ts';
import type { QuoteBoard } from './quotes.ts';
import type { Roster } from './roster.ts';
import type { RowReader } from './row-reader.ts';
import type { WatcherLog } from './watcher-log.ts';

/** The market half of a session's sink. */
export type PriceSink = Pick<SessionSink, 'quote' | 'heartbeat' | 'connected' | 'disconnected'>;

export interface PriceFeedDeps {
  readonly board: QuoteBoard;
  readonly roster: Roster;
  readonly evaluation: Evaluation;
  readonly catchUp: CatchUp;
  readonly rows: RowReader;
  readonly log: WatcherLog;
  readonly signal: AbortSignal;
}

/** Takes what the link brings: quotes that follow on are evaluated at once, the others wait until the hole before them is filled. */
export function createPriceFeed({ board, roster, evaluation, catchUp, rows, log, signal }: PriceFeedDeps): PriceSink {
  function quote(arrived: Quote): void {
    if (signal.aborted) return;
    const now = board.alive();
    const lane = roster.laneOf(arrived.symbol);
    if (lane.catchingUp) catchUp.hold(lane, arrived);
    else if (arrived.sequence === lane.sequence + 1) evaluation.live(lane, arrived, now);
    else outOfLine(lane, arrived, now);
  }

  function outOfLine(lane: Lane, arrived: Quote, now: number): void {
    const order = orderOf(lane, arrived);
    if (order === 'seen') return;
    if (order === 'renumbered') log.warn({ quote: arrived, after: lane.sequence }, 'the feed numbers its quotes anew');
    if (order === 'hole' && lane.watches > 0) {
      catchUp.hold(lane, arrived);
      catchUp.begin(lane);
    } else evaluation.next(lane, arrived, { quotedAt: now, late: false, whole: false });
  }

  function connected(): void {
    board.alive();
    for (const lane of roster.lanes()) {
      if (lane.watches === 0) continue;
      rows.subscribedAnew(lane);
      catchUp.begin(lane);
    }
  }

  return {
    quote,
    heartbeat: () => void board.alive(),
    connected,
    disconnected: (reason) => log.warn({ reason }, 'the quote feed is down'),
  };
}
