import type { Clock } from '../clock.ts';
import type { AccountId, WatchId } from '../domain/ids.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { FeedRecords, FiredWatch, WatchRecords } from '../trading/records.ts';
import { createCatchUp, type MissedTicks } from './catch-up.ts';
import { createDemand, type CountedDemand } from './demand.ts';
import { createEvaluation } from './evaluation.ts';
import { createFiring, type Delivery } from './firing.ts';
import { createPriceFeed, type PriceSink } from './price-feed.ts';
import { createQuoteBoard, type LivePrice } from './quotes.ts';
import { createRoster } from './roster.ts';
import { createRowReader } from './row-reader.ts';
import { createSessionDuty, type StopReason } from './session-duty.ts';
import { createTriggerIndex } from './trigger-index.ts';
import type { WatcherLog } from './watcher-log.ts';

/**
 * The price watcher of one session: armed rows in an index, every quote of its feed evaluated in order, crossings made durable
 * and delivered.
 *
 * 1. A quote counts for a watch from `armedAt` on, however late the row is read.
 * 2. Quotes of a symbol are evaluated once and in sequence; after a hole nothing is evaluated until the missed ones are.
 * 3. A crossing leaves the index at once, is asked of the book until it is durable, and only then delivered, until it is heard.
 * 4. A saved cursor never passes a quote whose crossings are not durable.
 * 5. Who lost the session, or stood still long enough to have lost it, stops.
 */
export interface PriceWatcher {
  readonly sink: PriceSink;
  /** Symbols with armed watches, and what others want. */
  readonly demand: CountedDemand;
  readonly epoch: number;
  /** `null` before the first quote. */
  price(symbol: string): LivePrice | null;
  /** @throws Unavailable when there is no price or the feed is stale */
  actionablePrice(symbol: string): LivePrice;
  snapshot(): WatcherSnapshot;
  stop(): Promise<StopReason>;
  readonly stopped: Promise<StopReason>;
}

export interface WatcherSnapshot {
  readonly symbols: readonly string[];
  readonly armed: number;
  /** Milliseconds since the feed last showed life; `null` before the first sign. */
  readonly feedAgeMs: number | null;
  readonly feedStale: boolean;
  readonly catchingUp: readonly string[];
  readonly inFlight: number;
  readonly refusedQuotes: number;
  /** Armed rows that cannot be watched, and why. */
  readonly unfit: readonly { readonly watchId: WatchId; readonly reason: string }[];
}

export interface WatcherOptions {
  readonly sessionKey: string;
  /** Who holds it, for people: host and process. */
  readonly holder: string;
  readonly accounts: readonly AccountId[];
  readonly records: WatchRecords & FeedRecords;
  readonly deliver: (fired: FiredWatch) => Promise<Delivery>;
  readonly missedTicks: MissedTicks;
  readonly clock: Clock;
  readonly log: WatcherLog;
}

/** Takes the session over and watches. Rejects when the book cannot be reached at the start. */
export async function startPriceWatcher(options: WatcherOptions): Promise<PriceWatcher> {
  const { epoch, cursors } = await options.records.takeSession(options.sessionKey, options.holder);
  const parts = assembled(options, epoch, cursors);
  await parts.rows.begin();
  parts.duty.begin();
  return watcherOf(parts, epoch);
}

type Parts = ReturnType<typeof assembled>;

function assembled(options: WatcherOptions, epoch: number, cursors: ReadonlyMap<string, QuoteCursor>) {
  const ending = new AbortController();
  const { signal } = ending;
  const board = createQuoteBoard(options.clock);
  const demand = createDemand();
  const index = createTriggerIndex();
  const roster = createRoster(index, board, demand, cursors);
  const firing = createFiring({ ...options, signal });
  const evaluation = createEvaluation(index, roster, firing, options.log);
  const catchUp = createCatchUp({ ...options, evaluation, signal });
  const rows = createRowReader({ ...options, roster, evaluation, firing, catchUp, signal });
  const sink = createPriceFeed({ board, roster, evaluation, catchUp, rows, log: options.log, signal });
  const duty = createSessionDuty({ ...options, epoch, roster, firing, rows, ending });
  return { board, demand, roster, firing, evaluation, rows, sink, duty };
}

function watcherOf(parts: Parts, epoch: number): PriceWatcher {
  const { board, demand, sink, duty } = parts;
  return {
    sink,
    demand,
    epoch,
    price: (symbol) => board.latest(symbol),
    actionablePrice: (symbol) => board.actionable(symbol),
    snapshot: () => snapshotOf(parts),
    stop: async () => {
      await duty.finish('asked');
      return duty.stopped;
    },
    stopped: duty.stopped,
  };
}

function snapshotOf({ board, demand, roster, firing, evaluation }: Parts): WatcherSnapshot {
  return {
    symbols: demand.symbols(),
    armed: roster.size(),
    feedAgeMs: board.feedAgeMs(),
    feedStale: board.stale(),
    catchingUp: [...roster.lanes()].filter((lane) => lane.catchingUp).map((lane) => lane.symbol),
    inFlight: firing.inFlight(),
    refusedQuotes: evaluation.refused(),
    unfit: [...roster.unfit()].map(([watchId, reason]) => ({ watchId, reason })),
  };
}
