import type { Clock } from '../clock.ts';
import type { AccountId, WatchId } from '../domain/ids.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { Fire, FiredWatch, WatchRecords } from '../trading/records.ts';
import type { WatcherLog } from './watcher-log.ts';

/** `gone`: the trade has ended, nobody is left to tell. `retry`: it was not heard, tell it again. */
export type Delivery = 'delivered' | 'gone' | 'retry';

/** A crossing that is not known to be durable yet, and where its symbol stood before the quote that crossed. */
export interface Crossing {
  readonly fire: Fire;
  readonly symbol: string;
  readonly before: QuoteCursor;
}

export interface FiringDeps {
  readonly records: Pick<WatchRecords, 'fire' | 'undeliveredFires' | 'fireDelivered'>;
  readonly accounts: readonly AccountId[];
  readonly deliver: (fired: FiredWatch) => Promise<Delivery>;
  readonly clock: Clock;
  readonly log: WatcherLog;
  readonly signal: AbortSignal;
}

/** From a crossing to a trade that has heard of it: first durable, then delivered, both until they succeed. */
export interface Firing {
  /** All crossings of one quote; they become durable in one call. */
  add(crossings: readonly Crossing[]): void;
  /** Crossings that are not durable yet. */
  pending(): Iterable<Crossing>;
  /** From here on {@link firedSince} tells of crossings that were pending now or came later. */
  readBegins(): void;
  firedSince(id: WatchId): boolean;
  /** Sends again what is durable and not delivered, and notes what was delivered since. */
  resend(): Promise<void>;
  /** Crossings not durable plus deliveries under way. */
  inFlight(): number;
  /** Resolves when no call to the book is under way. */
  settled(): Promise<void>;
}

const RETRY_MS = 200;
const DELIVERIES_AT_ONCE = 32;

export function createFiring({ records, accounts, deliver, clock, log, signal }: FiringDeps): Firing {
  const pending = new Map<WatchId, Crossing>();
  const recent = new Set<WatchId>();
  const queue: (readonly Crossing[])[] = [];
  const delivering = new Set<WatchId>();
  /** Delivered, but the book does not say so yet. */
  const heard = new Set<WatchId>();
  let writing: Promise<void> | null = null;

  /** One write at a time, whatever gathered meanwhile in one commit; after a failure one quote at a time, so that one bad row holds up no other. */
  async function writeAll(): Promise<void> {
    let failed = false;
    while (queue.length > 0 && !signal.aborted) {
      const taken: readonly (readonly Crossing[])[] = queue.splice(0, failed ? 1 : queue.length);
      failed = !(await written(taken));
      if (failed) {
        queue.push(...taken);
        await pause();
      }
    }
    writing = null;
  }

  async function written(taken: readonly (readonly Crossing[])[]): Promise<boolean> {
    const crossings = taken.flat();
    try {
      const fired = await records.fire(crossings.map((crossing) => crossing.fire));
      for (const { fire } of crossings) pending.delete(fire.watchId);
      void deliverAll(fired);
      return true;
    } catch (cause) {
      // Whatever the reason, an unrecorded crossing must not be lost: the book is asked again until it answers.
      log.warn({ err: cause, fires: crossings.length }, 'crossings could not be recorded, trying again');
      return false;
    }
  }

  async function pause(): Promise<void> {
    // An aborted pause ends the loop by itself.
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }

  async function deliverAll(fired: readonly FiredWatch[]): Promise<void> {
    const fresh = fired.filter(({ watchId }) => !delivering.has(watchId) && !heard.has(watchId));
    for (const { watchId } of fresh) delivering.add(watchId);
    const trades = Map.groupBy(fresh, ({ tradeId }) => tradeId);
    const rest = trades.values();
    await Promise.all(Array.from({ length: Math.min(DELIVERIES_AT_ONCE, trades.size) }, () => deliverEach(rest)));
  }

  /** A trade hears of its crossings in their order: the first target is closed before the second. */
  async function deliverEach(trades: Iterator<readonly FiredWatch[]>): Promise<void> {
    for (let next = trades.next(); next.done !== true; next = trades.next()) {
      let isHeard = true;
      for (const fired of next.value) {
        isHeard = isHeard && !signal.aborted && (await delivered(fired));
        if (isHeard) heard.add(fired.watchId);
        delivering.delete(fired.watchId);
      }
    }
  }

  async function delivered(fired: FiredWatch): Promise<boolean> {
    try {
      const answer = await deliver(fired);
      if (answer === 'gone')
        log.info({ watchId: fired.watchId, tradeId: fired.tradeId }, 'a fired watch found its trade ended');
      return answer !== 'retry';
    } catch (cause) {
      // The fire is durable and undelivered, so the next round sends it again.
      log.warn({ err: cause, watchId: fired.watchId }, 'a fire could not be delivered, trying again');
      return false;
    }
  }

  async function noteHeard(): Promise<void> {
    const ids = [...heard];
    if (ids.length === 0) return;
    await records.fireDelivered(ids);
    for (const id of ids) heard.delete(id);
  }

  return {
    add: (crossings) => {
      for (const crossing of crossings) {
        pending.set(crossing.fire.watchId, crossing);
        recent.add(crossing.fire.watchId);
      }
      queue.push(crossings);
      writing ??= Promise.resolve().then(writeAll);
    },
    pending: () => pending.values(),
    readBegins: () => {
      for (const id of recent) if (!pending.has(id)) recent.delete(id);
    },
    firedSince: (id) => recent.has(id),
    resend: async () => {
      await noteHeard();
      void deliverAll(await records.undeliveredFires(accounts));
    },
    inFlight: () => pending.size + delivering.size,
    settled: async () => {
      await writing;
    },
  };
}
