import pg from 'pg';
import { systemClock } from '../src/clock.ts';
import { migrate } from '../src/db/migrate.ts';
import { createRecords, type OpenRecords } from '../src/db/records.ts';
import type { AccountId } from '../src/domain/ids.ts';
import { startPostgres } from '../src/embedded/postgres.ts';
import { startPriceWatcher } from '../src/market/price-watcher.ts';
import { figure, median, type Figure } from './figure.ts';
import { benchHome } from './stand.ts';

const SIZE = 100_000;
const ROUNDS = 5;
const GOAL_MS = 500;

/** From an empty process to every armed row of a real database in the index. */
export async function* arming(): AsyncGenerator<Figure> {
  const home = await benchHome();
  try {
    const postgres = await startPostgres({ home: home.path, fsync: true, onEvent: () => undefined });
    try {
      await migrate(postgres.url);
      yield* measured(postgres.url);
    } finally {
      await postgres.stop();
    }
  } finally {
    await home.remove();
  }
}

async function* measured(url: string): AsyncGenerator<Figure> {
  const records = createRecords({ url });
  try {
    const { id } = await records.addAccount({
      name: 'BENCH',
      platform: 'sim',
      endpoint: 'nowhere',
      login: 'BENCH',
      marginMode: 'HEDGING',
      currency: 'EUR',
      executionMode: 'live',
      sealedCredentials: 'none',
      bounds: {},
    });
    await addRows(url, id);
    await armed(records, id);
    const watchers: number[] = [];
    const reads: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      watchers.push(await armed(records, id));
      reads.push(await bareRead(records));
    }
    const [value, read] = [median(watchers), median(reads)];
    yield figure({
      name: `watcher with ${SIZE} rows armed`,
      value,
      unit: 'ms',
      against: `goal: ${GOAL_MS} ms`,
      ratio: value / GOAL_MS,
      rounds: ROUNDS,
    });
    yield figure({
      name: `watcher with ${SIZE} rows armed, beside their bare select`,
      value,
      unit: 'ms',
      against: `select id, level: ${read.toPrecision(4)} ms`,
      ratio: value / read,
      rounds: ROUNDS,
    });
  } finally {
    await records.close();
  }
}

/** Rows alone, without the trades they would belong to: only how many they are matters here. */
async function addRows(url: string, account: AccountId): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('set session_replication_role = replica');
  await client.query(
    `insert into price_watch (id, account_id, trade_id, purpose, symbol, digits, quote_side, crosses, level, target_level)
      select gen_random_uuid(), $1::bigint, gen_random_uuid(), 'tp:1', 'EURUSD', 5, 'BID', case when n % 2 = 0 then 'UP' else 'DOWN' end,
        1.08500 + case when n % 2 = 0 then 1 else -1 end * (20000 + n % 40000) / 100000.0, 1
      from generate_series(1, $2::int) n`,
    [account, SIZE],
  );
  await client.query('analyze price_watch');
  await client.end();
}

/** Milliseconds until the watcher has taken all rows. */
async function armed(records: OpenRecords, account: AccountId): Promise<number> {
  globalThis.gc?.();
  const nothing = () => undefined;
  const startedAt = systemClock.monotonic();
  const watcher = await startPriceWatcher({
    sessionKey: 'bench',
    holder: 'bench',
    accounts: [account],
    records,
    deliver: async () => 'delivered',
    missedTicks: async () => [],
    clock: systemClock,
    log: { info: nothing, warn: nothing, error: nothing },
  });
  while (watcher.snapshot().catchingUp.length > 0) await systemClock.sleep(1);
  const took = systemClock.monotonic() - startedAt;
  if (watcher.snapshot().armed !== SIZE) throw new Error(`${watcher.snapshot().armed} of ${SIZE} rows are armed`);
  await watcher.stop();
  return took;
}

async function bareRead({ pool }: OpenRecords): Promise<number> {
  const startedAt = systemClock.monotonic();
  await pool.query({ text: `select id, level from price_watch where state = 'ARMED'`, rowMode: 'array' });
  return systemClock.monotonic() - startedAt;
}
