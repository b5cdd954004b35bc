import { price } from '../../src/domain/decimal.ts';
import { accountId, tradeId, watchId, type AccountId, type WatchId } from '../../src/domain/ids.ts';
import { Unavailable } from '../../src/domain/outcome.ts';
import type { QuoteCursor } from '../../src/trading/connector.ts';
import type { ArmedWatch, FeedRecords, Fire, FiredWatch, WatchRecords } from '../../src/trading/records.ts';

export const ACCOUNT = accountId('7');

/** The watch and feed rows of a book, in memory: the same conditional steps as the database, and it can be away. */
export interface MemoryBook extends WatchRecords, FeedRecords {
  arm(watch: Partial<ArmedWatch> & { readonly watchId: WatchId; readonly armedAt: number }): ArmedWatch;
  disarm(id: WatchId): void;
  /** Tells listeners, as the notice after a commit does. */
  notify(): void;
  /** Every step fails until it is back. */
  away(isAway: boolean): void;
  /** Only crossings cannot be recorded. */
  refuseFires(refuses: boolean): void;
  /** The next `fire` commits and loses its answer. */
  loseNextAnswer(): void;
  fired(): readonly FiredWatch[];
  delivered(): ReadonlySet<WatchId>;
  fireCalls(): readonly (readonly Fire[])[];
  cursors(key: string): ReadonlyMap<string, QuoteCursor>;
}

export function watchNamed(name: string | number): WatchId {
  return watchId(`watch-${name}`);
}

export function memoryBook(): MemoryBook {
  const armed = new Map<WatchId, ArmedWatch>();
  const fired = new Map<WatchId, FiredWatch>();
  const delivered = new Set<WatchId>();
  const calls: (readonly Fire[])[] = [];
  const sessions = new Map<string, { epoch: number; cursors: Map<string, QuoteCursor> }>();
  const listeners = new Set<() => void>();
  const state = { away: false, refusesFires: false, loseAnswer: false };

  async function reached(): Promise<void> {
    await Promise.resolve();
    if (state.away) throw new Unavailable('the book is away');
  }

  function fireOne(fire: Fire): FiredWatch[] {
    const watch = armed.get(fire.watchId);
    if (watch === undefined) return [];
    armed.delete(fire.watchId);
    const { accountId: account, tradeId: trade, targetLevel, generation } = watch;
    const row = { ...fire, accountId: account, tradeId: trade, targetLevel, generation };
    fired.set(fire.watchId, row);
    return [row];
  }

  const mine = (accounts: readonly AccountId[]) => (row: { readonly accountId: AccountId }) =>
    accounts.includes(row.accountId);

  return {
    arm: (watch) => {
      const row: ArmedWatch = {
        accountId: ACCOUNT,
        tradeId: tradeId(`trade-${watch.watchId}`),
        symbol: 'EURUSD',
        digits: 5,
        quoteSide: 'BID',
        crosses: 'UP',
        price: price('1.1'),
        generation: 1,
        targetLevel: 1,
        ...watch,
      };
      armed.set(row.watchId, row);
      return row;
    },
    disarm: (id) => void armed.delete(id),
    notify: () => listeners.forEach((listener) => listener()),
    away: (isAway) => {
      state.away = isAway;
    },
    refuseFires: (refuses) => {
      state.refusesFires = refuses;
    },
    loseNextAnswer: () => {
      state.loseAnswer = true;
    },
    fired: () => [...fired.values()],
    delivered: () => delivered,
    fireCalls: () => calls,
    cursors: (key) => sessions.get(key)?.cursors ?? new Map(),

    armedWatches: async (accounts) => {
      await reached();
      return [...armed.values()].filter(mine(accounts));
    },
    fire: async (fires) => {
      await reached();
      if (state.refusesFires) throw new Error('crossings cannot be recorded');
      calls.push(fires);
      const done = fires.flatMap(fireOne);
      if (state.loseAnswer) {
        state.loseAnswer = false;
        throw new Unavailable('the answer was lost');
      }
      return done;
    },
    undeliveredFires: async (accounts) => {
      await reached();
      return [...fired.values()].filter((row) => mine(accounts)(row) && !delivered.has(row.watchId));
    },
    fireDelivered: async (ids) => {
      await reached();
      for (const id of ids) delivered.add(id);
    },
    onWatchesChanged: (changed, signal) =>
      new Promise((resolve) => {
        listeners.add(changed);
        signal.addEventListener('abort', () => {
          listeners.delete(changed);
          resolve();
        });
      }),
    takeSession: async (key) => {
      await reached();
      const known = sessions.get(key) ?? { epoch: 0, cursors: new Map<string, QuoteCursor>() };
      known.epoch += 1;
      sessions.set(key, known);
      return { epoch: known.epoch, cursors: new Map(known.cursors) };
    },
    saveCursors: async (key, epoch, cursors) => {
      await reached();
      const known = sessions.get(key);
      if (known === undefined || known.epoch !== epoch) return false;
      for (const [symbol, cursor] of cursors) known.cursors.set(symbol, cursor);
      return true;
    },
  };
}
