import type { Clock } from '../clock.ts';
import type { AccountId } from '../domain/ids.ts';
import type { ArmedWatch, WatchRecords } from '../trading/records.ts';
import type { CatchUp } from './catch-up.ts';
import type { Evaluation } from './evaluation.ts';
import type { Firing } from './firing.ts';
import type { Lane } from './lane.ts';
import type { Roster } from './roster.ts';
import type { WatcherLog } from './watcher-log.ts';

export interface RowReaderDeps {
  readonly records: Pick<WatchRecords, 'armedWatches' | 'onWatchesChanged'>;
  readonly accounts: readonly AccountId[];
  readonly roster: Roster;
  readonly evaluation: Evaluation;
  readonly firing: Firing;
  readonly catchUp: CatchUp;
  readonly clock: Clock;
  readonly log: WatcherLog;
  readonly signal: AbortSignal;
}

/** Keeps the roster equal to the armed rows of the book. */
export interface RowReader {
  /** The first read. Rejects when the book cannot be reached. */
  begin(): Promise<void>;
  /** Reads again when the last read is ten seconds old. */
  turn(): void;
  /** Milliseconds since the last complete read began. */
  ageMs(): number;
  /** The symbol is subscribed anew: what came between the fetch and the first live quote is asked for at the next regular read. */
  subscribedAnew(lane: Lane): void;
}

const REREAD_MS = 10_000;
const LISTEN_AGAIN_MS = 1_000;
/** A watch armed this long before a saved cursor had surely been read when the cursor was saved. */
const READ_LAG_MS = 30_000;

export function createRowReader(deps: RowReaderDeps): RowReader {
  const { records, accounts, roster, evaluation, firing, catchUp, clock, log, signal } = deps;
  const unproven = new Set<Lane>();
  let lastRead = clock.monotonic();
  let firstRead = true;

  function arrive(watch: ArmedWatch, behind: Set<Lane>): void {
    const held = roster.add(watch);
    if (held === null) {
      log.error({ watch, reason: roster.unfit().get(watch.watchId) }, 'an armed watch cannot be watched');
      return;
    }
    const { lane } = held;
    const readByPredecessor = firstRead && watch.armedAt < lane.time - READ_LAG_MS;
    if (readByPredecessor) roster.enlist(held);
    else if (!evaluation.placed(held)) {
      lane.arriving.add(held);
      behind.add(lane);
    }
    if (lane.watches === 1) {
      behind.add(lane);
      unproven.add(lane);
    }
  }

  async function read(): Promise<void> {
    const readAt = clock.monotonic();
    firing.readBegins();
    const rows = await records.armedWatches(accounts);
    if (signal.aborted) return;
    const behind = new Set<Lane>();
    roster.keepOnly(new Set(rows.map((row) => row.watchId)));
    for (const row of rows) if (!roster.knows(row.watchId) && !firing.firedSince(row.watchId)) arrive(row, behind);
    for (const lane of behind) catchUp.begin(lane);
    lastRead = readAt;
    firstRead = false;
  }

  const reread = oneAtATime(async () => {
    // A failed read leaves the index as it is; the next turn or notice reads again.
    await read().catch((cause: unknown) => log.warn({ err: cause }, 'armed watches could not be read'));
  });

  async function listen(): Promise<void> {
    while (!signal.aborted) {
      try {
        await records.onWatchesChanged(() => void reread(), signal);
      } catch (cause) {
        // The rows are read each ten seconds as well, so a lost notice costs time only.
        log.warn({ err: cause }, 'notices of armed watches stopped');
      }
      // An aborted pause ends the loop by itself.
      await clock.sleep(LISTEN_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  return {
    begin: async () => {
      await read();
      for (const lane of roster.lanes()) if (lane.watches > 0) catchUp.begin(lane);
      void listen();
    },
    turn: () => {
      if (clock.monotonic() - lastRead < REREAD_MS) return;
      void reread();
      for (const lane of unproven) if (lane.watches > 0) catchUp.begin(lane);
      unproven.clear();
    },
    ageMs: () => clock.monotonic() - lastRead,
    subscribedAnew: (lane) => void unproven.add(lane),
  };
}

/** Runs `work` alone; calls that come meanwhile share one more run. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await work();
    }
    running = false;
  };
}
