import type { Pool } from './pool.ts';
import type { Statement } from './transaction.ts';

/** Days after which what is settled and delivered may go. The audit log has no such number: its chain is only proof when whole. */
export interface Retention {
  readonly eventLogDays: number;
  readonly firedWatchDays: number;
}

export interface Swept {
  readonly events: number;
  readonly watches: number;
}

const batch = 1_000;

/** The story of a trade that is still alive is kept whatever its age. */
const events: Statement = {
  name: 'sweep-events',
  text: `delete from event_log where id in (
    select e.id from event_log e left join trade t on t.id = e.trade_id
    where e.created_at < clock_timestamp() - $1::float8 * interval '1 day' and not (e.wakes and e.delivered_at is null)
      and (t.id is null or t.state in ('CLOSED','REJECTED','CANCELLED','EXPIRED'))
    order by e.id limit ${batch})`,
};

/** A watch that a target still names stays: it is the target's evidence. */
const watches: Statement = {
  name: 'sweep-watches',
  text: `delete from price_watch where id in (
    select w.id from price_watch w join trade t on t.id = w.trade_id
    where (w.state = 'DISARMED' or w.delivered_at is not null)
      and coalesce(w.fired_at, w.armed_at) < clock_timestamp() - $1::float8 * interval '1 day'
      and t.state in ('CLOSED','REJECTED','CANCELLED','EXPIRED')
      and not exists (select from profit_target g where g.watch_id = w.id)
    limit ${batch})`,
};

/** Removes old rows in batches, each its own commit, so that nothing waits for it. */
export async function sweep(pool: Pool, { eventLogDays, firedWatchDays }: Retention): Promise<Swept> {
  return {
    events: await inBatches(pool, events, eventLogDays),
    watches: await inBatches(pool, watches, firedWatchDays),
  };
}

async function inBatches(pool: Pool, statement: Statement, days: number): Promise<number> {
  let removed = 0;
  for (let last = batch; last === batch; removed += last) {
    last = (await pool.query({ ...statement, values: [days] })).rowCount ?? 0;
  }
  return removed;
}
