import type { Clock } from '../clock.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { FeedRecords } from '../trading/records.ts';
import type { Firing } from './firing.ts';
import type { Roster } from './roster.ts';
import type { RowReader } from './row-reader.ts';
import type { WatcherLog } from './watcher-log.ts';

/** `fenced`: another holder took the session. `stalled`: this process stood still for too long. */
export type StopReason = 'asked' | 'fenced' | 'stalled';

export interface SessionDutyDeps {
  readonly sessionKey: string;
  readonly epoch: number;
  readonly records: Pick<FeedRecords, 'saveCursors'>;
  readonly roster: Roster;
  readonly firing: Firing;
  readonly rows: RowReader;
  readonly clock: Clock;
  readonly log: WatcherLog;
  readonly ending: AbortController;
}

/** What the holder of a session does each second, and how it ends. */
export interface SessionDuty {
  begin(): void;
  /** Asked twice, the first reason stands. */
  finish(reason: StopReason): Promise<void>;
  readonly stopped: Promise<StopReason>;
}

const TURN_MS = 1_000;
const STALLED_MS = 5_000;
/** Cursors are not saved while the last complete read of the rows is older than this. */
const READ_TOO_OLD_MS = 20_000;
const LAST_WRITE_MS = 2_000;

export function createSessionDuty(deps: SessionDutyDeps): SessionDuty {
  const { sessionKey, epoch, records, roster, firing, rows, clock, log, ending } = deps;
  const stopped = Promise.withResolvers<StopReason>();
  let stopTimer = (): void => undefined;
  let lastTurn = clock.monotonic();
  let onDuty = false;

  function turn(): void {
    const now = clock.monotonic();
    const pause = now - lastTurn;
    lastTurn = now;
    if (pause > STALLED_MS) return void finish('stalled');
    rows.turn();
    if (!onDuty) void duty();
  }

  async function duty(): Promise<void> {
    onDuty = true;
    try {
      if (!(await saved())) await finish('fenced');
      else await firing.resend();
    } catch (cause) {
      // The book is away: nothing is lost, the next turn tries again.
      log.warn({ err: cause }, 'the session could not be noted');
    } finally {
      onDuty = false;
    }
  }

  function saved(): Promise<boolean> {
    const cursors = rows.ageMs() <= READ_TOO_OLD_MS ? durableCursors(roster, firing) : new Map<string, QuoteCursor>();
    return records.saveCursors(sessionKey, epoch, cursors);
  }

  async function finish(reason: StopReason): Promise<void> {
    if (ending.signal.aborted) return;
    stopTimer();
    ending.abort();
    await Promise.race([firing.settled(), clock.sleep(LAST_WRITE_MS)]);
    // Unsaved cursors only mean that the next holder looks at the same quotes again.
    if (reason !== 'fenced')
      await saved().catch((cause: unknown) => log.warn({ err: cause }, 'last cursors were not saved'));
    stopped.resolve(reason);
  }

  return {
    begin: () => {
      lastTurn = clock.monotonic();
      stopTimer = clock.every(TURN_MS, turn);
      void duty();
    },
    finish,
    stopped: stopped.promise,
  };
}

/** How far each symbol is evaluated with nothing left to lose: no watch waits for earlier quotes, every crossing is durable. */
function durableCursors(roster: Roster, firing: Firing): ReadonlyMap<string, QuoteCursor> {
  const durable = new Map<string, QuoteCursor>();
  for (const { symbol, sequence, time, arriving } of roster.lanes()) {
    if (sequence > 0 && arriving.size === 0) durable.set(symbol, { sequence, time });
  }
  for (const { symbol, before } of firing.pending()) {
    const reached = durable.get(symbol);
    if (reached !== undefined && before.sequence < reached.sequence) durable.set(symbol, before);
  }
  return durable;
}
