import pg from 'pg';
import type { TradeId } from '../src/domain/ids.ts';
import { figure, type Figure } from './figure.ts';
import { bidAt, ENTRY_BID, onStand, type Stand } from './stand.ts';

const TRADES = 8;
const LEVELS = 3;
const SPACING_MS = 250;
/** Backends publish their counts up to ten seconds late. */
const PUBLISHED_MS = 11_000;

/** What one lone close costs our database: transactions that wrote, and times the log was forced to disk. */
export function commits(): AsyncGenerator<Figure> {
  return onStand(measured);
}

interface Reading {
  readonly at: number;
  readonly writes: number;
  readonly syncs: number;
}

async function* measured(stand: Stand): AsyncGenerator<Figure> {
  const { parts, quote, open } = stand;
  await quote(ENTRY_BID);
  const trades: TradeId[] = [];
  for (let nth = 0; nth < TRADES; nth += 1) trades.push(await open(`trade ${nth}`, levelsOf(nth)));
  const client = new pg.Client({ connectionString: parts.config.databaseUrl ?? '' });
  await client.connect();
  try {
    const before = await published(stand, client);
    const idle = await published(stand, client);
    await closeAll(stand, trades);
    const after = await published(stand, client);
    yield* figures(before, idle, after);
  } finally {
    await client.end();
  }
}

function levelsOf(trade: number): readonly number[] {
  return Array.from({ length: LEVELS }, (_, level) => 10 + level * TRADES + trade);
}

async function closeAll({ quote, until, parts }: Stand, trades: readonly TradeId[]): Promise<void> {
  for (let nth = 0; nth < TRADES * LEVELS; nth += 1) {
    const trade = trades[nth % TRADES];
    if (trade === undefined) continue;
    const rung = Math.floor(nth / TRADES) + 1;
    await quote(bidAt(10 + nth));
    await until(
      trade,
      ({ targets, settling }) => !settling && targets.some(({ level, state }) => level === rung && state === 'DONE'),
    );
    await parts.clock.sleep(SPACING_MS);
  }
}

async function published({ parts: { clock } }: Stand, client: pg.Client): Promise<Reading> {
  await clock.sleep(PUBLISHED_MS);
  const { rows } = await client.query<{ writes: number; version: number }>(
    `select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as writes, current_setting('server_version_num')::int as version`,
  );
  const syncs =
    (rows[0]?.version ?? 0) >= 180_000
      ? `select sum(fsyncs)::float8 as syncs from pg_stat_io where object = 'wal'`
      : 'select wal_sync::float8 as syncs from pg_stat_wal';
  const counted = await client.query<{ syncs: number }>(syncs);
  return { at: clock.monotonic(), writes: rows[0]?.writes ?? Number.NaN, syncs: counted.rows[0]?.syncs ?? Number.NaN };
}

function* figures(before: Reading, idle: Reading, after: Reading): Generator<Figure> {
  const rounds = TRADES * LEVELS;
  for (const [name, what] of [
    ['log syncs per lone close', 'syncs'],
    ['writing transactions per lone close', 'writes'],
  ] as const) {
    const perMs = (idle[what] - before[what]) / (idle.at - before.at);
    const value = (after[what] - idle[what] - perMs * (after.at - idle.at)) / rounds;
    yield figure({
      name,
      value,
      unit: '',
      against: `goal: 4; idle taken off: ${(perMs * 1_000).toPrecision(3)}/s`,
      ratio: value / 4,
      rounds,
    });
  }
}
