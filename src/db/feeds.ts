import type { QuoteCursor } from '../trading/connector.ts';
import type { FeedRecords } from '../trading/records.ts';
import type { Pool } from './pool.ts';
import type { Statement } from './transaction.ts';

const take: Statement = {
  name: 'session-take',
  text: `insert into feed_session as s (key, holder) values ($1, $2)
    on conflict (key) do update set epoch = s.epoch + 1, holder = excluded.holder, taken_at = clock_timestamp(), alive_at = clock_timestamp()
    returning epoch::float8 as epoch`,
};

const cursors: Statement = {
  name: 'session-cursors',
  text: `select symbol, sequence::float8 as sequence, (extract(epoch from quoted_at) * 1000)::float8 as time from feed_cursor where key = $1`,
};

/** Fenced by the epoch under the session's row lock: the holder that was replaced writes nothing. A cursor never goes back in time. */
const save: Statement = {
  name: 'session-save',
  text: `with mine as (update feed_session set alive_at = clock_timestamp() where key = $1 and epoch = $2::bigint returning key),
  kept as (
    insert into feed_cursor as f (key, symbol, sequence, quoted_at)
    select mine.key, c.symbol, c.sequence, to_timestamp(c.at / 1000)
    from mine, unnest($3::text[], $4::bigint[], $5::float8[]) as c(symbol, sequence, at)
    on conflict (key, symbol) do update set sequence = excluded.sequence, quoted_at = excluded.quoted_at where excluded.sequence > f.sequence or excluded.quoted_at > f.quoted_at)
  select 1 as one from mine`,
};

export function feedRecords(pool: Pool): FeedRecords {
  return {
    takeSession: async (key, holder) => {
      const { rows } = await pool.query<{ epoch: number }>({ ...take, values: [key, holder] });
      return { epoch: rows[0]?.epoch ?? 0, cursors: await readCursors(pool, key) };
    },
    saveCursors: async (key, epoch, current) => {
      const entries = [...current];
      const values = [
        entries.map(([symbol]) => symbol),
        entries.map(([, { sequence }]) => sequence),
        entries.map(([, { time }]) => time),
      ];
      return (await pool.query({ ...save, values: [key, epoch, ...values] })).rows.length > 0;
    },
  };
}

async function readCursors(pool: Pool, key: string): Promise<ReadonlyMap<string, QuoteCursor>> {
  const { rows } = await pool.query<QuoteCursor & { readonly symbol: string }>({ ...cursors, values: [key] });
  return new Map(rows.map(({ symbol, sequence, time }) => [symbol, { sequence, time }]));
}
