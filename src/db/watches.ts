import pg from 'pg';
import { price, type Price } from '../domain/decimal.ts';
import { accountId, tradeId, watchId, type AccountId, type WatchId } from '../domain/ids.ts';
import { systemClock, type Clock } from '../clock.ts';
import type { ArmedWatch, Fire, FiredWatch, WatchRecords } from '../trading/records.ts';
import { takeAppRole, type Pool } from './pool.ts';
import { watchesChanged, type Statement } from './transaction.ts';

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/**
 * One row per heap of the index with all its watches in one text: a hundred thousand rows of their own would cost the reader
 * seconds. A space separates fields and a comma watches; neither occurs in what is packed.
 */
const armed: Statement = {
  name: 'watches-armed',
  text: `select symbol, digits, quote_side as "quoteSide", crosses,
      string_agg(concat_ws(' ', id, account_id, trade_id, trim_scale(level), generation, target_level, date_part('epoch', armed_at) * 1000), ',') as packed
    from price_watch where state = 'ARMED' and account_id = any($1::bigint[]) group by symbol, digits, quote_side, crosses`,
};

const fired = `w.id as "watchId", w.account_id::text as "accountId", w.trade_id as "tradeId", w.target_level as "targetLevel", w.generation,
  w.fired_price::text as price, ${ms('w.fired_at')} as at, w.source, w.fired_sequence::float8 as sequence, w.late`;

/**
 * All fires of a quote in one commit. The account rows are locked in order before the watches are looked at, so that two watchers,
 * or a watcher and a settle, neither deadlock nor fire one level twice.
 */
const fire: Statement = {
  name: 'watches-fire',
  text: `with actor as materialized (select set_config('app.actor', 'price-watcher', true)),
  crossing as materialized (
    select * from unnest($1::uuid[], $2::numeric[], $3::float8[], $4::text[], $5::bigint[], $6::boolean[])
      as c(id, price, at, source, sequence, late)),
  locked as materialized (
    select a.id from account a, actor where a.id in (select w.account_id from price_watch w join crossing c on c.id = w.id)
    order by a.id for update of a),
  w as (
    update price_watch w set state = 'FIRED', fired_price = c.price, fired_at = to_timestamp(c.at / 1000), source = c.source,
      fired_sequence = c.sequence, late = c.late
    from crossing c, locked where w.id = c.id and locked.id = w.account_id and w.state = 'ARMED' returning w.*),
  triggered as (
    update profit_target g set state = 'TRIGGERED', version = g.version + 1 from w where g.watch_id = w.id and g.state = 'ARMED'
    returning g.id),
  story as (
    insert into event_log (account_id, trade_id, type, body)
    select account_id, trade_id, 'target.crossed', jsonb_build_object('level', target_level, 'generation', generation, 'price', fired_price::text,
      'at', ${ms('fired_at')}, 'source', source, 'late', late) from w)
  select ${fired} from w order by w.fired_sequence, w.target_level, w.id`,
};

const undelivered: Statement = {
  name: 'watches-undelivered',
  text: `select ${fired} from price_watch w where w.state = 'FIRED' and w.delivered_at is null and w.account_id = any($1::bigint[])
    order by w.fired_at, w.target_level, w.id`,
};

const delivered: Statement = {
  name: 'watches-delivered',
  text: `update price_watch set delivered_at = clock_timestamp() where id = any($1::uuid[]) and state = 'FIRED' and delivered_at is null`,
};

/** Pause before the listening connection is made again, and the longest time a dead one goes unnoticed. */
const reconnectMs = 500;
const probeMs = 5_000;

export function watchRecords(pool: Pool, url: string, clock: Clock = systemClock): WatchRecords {
  return {
    armedWatches: async (accounts) =>
      (await pool.query<Heap>({ ...armed, values: [accounts] })).rows.flatMap(unpacked).sort(byArming),
    fire: (fires) => fireAll(pool, fires),
    undeliveredFires: async (accounts) =>
      (await pool.query<Row<FiredWatch>>({ ...undelivered, values: [accounts] })).rows.map(branded),
    fireDelivered: async (watches) => {
      await pool.query({ ...delivered, values: [watches] });
    },
    onWatchesChanged: (changed, signal) => listen({ url, clock }, changed, signal),
  };
}

type Row<Content> = Content & Record<string, unknown>;

interface Heap extends Pick<ArmedWatch, 'symbol' | 'digits' | 'quoteSide' | 'crosses'> {
  readonly packed: string;
}

function unpacked({ packed, symbol, digits, quoteSide, crosses }: Heap): readonly ArmedWatch[] {
  return packed.split(',').map((one) => {
    const [watch = '', account = '', trade = '', level = '', generation, targetLevel, armedAt] = one.split(' ');
    return {
      watchId: watchId(watch),
      accountId: accountId(account),
      tradeId: tradeId(trade),
      symbol,
      digits,
      quoteSide,
      crosses,
      // Canonical and not negative by the statement; checked again for each of a million it would take a second.
      price: level as Price,
      generation: Number(generation),
      targetLevel: Number(targetLevel),
      armedAt: Number(armedAt),
    };
  });
}

/** Sorted here and not by the statement: rows lie almost in this order, and the server would compare every column. */
function byArming(left: ArmedWatch, right: ArmedWatch): number {
  return left.armedAt - right.armedAt || (left.watchId < right.watchId ? -1 : 1);
}

async function fireAll(pool: Pool, fires: readonly Fire[]): Promise<readonly FiredWatch[]> {
  if (fires.length === 0) return [];
  const column = <Field extends keyof Fire>(field: Field) => fires.map((one) => one[field]);
  const values = [
    column('watchId'),
    column('price'),
    column('at'),
    column('source'),
    column('sequence'),
    column('late'),
  ];
  return (await pool.query<Row<FiredWatch>>({ ...fire, values })).rows.map(branded);
}

function branded<
  Watch extends { watchId: WatchId; accountId: AccountId; price: FiredWatch['price']; tradeId: FiredWatch['tradeId'] },
>(row: Watch): Watch {
  return {
    ...row,
    watchId: watchId(row.watchId),
    accountId: accountId(row.accountId),
    tradeId: tradeId(row.tradeId),
    price: price(row.price),
  };
}

/** Listens on a connection of its own until `signal` aborts; every (re)connect counts as a change, since some may have been missed. */
async function listen(
  { url, clock }: { readonly url: string; readonly clock: Clock },
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await listenOnce({ url, clock }, changed, signal);
    } catch {
      // It was told to stop, or the database is away: then the loop is the reconnect.
    }
    await clock.sleep(reconnectMs, signal).catch(() => {});
  }
}

async function listenOnce(
  { url, clock }: { readonly url: string; readonly clock: Clock },
  changed: () => void,
  signal: AbortSignal,
): Promise<never> {
  const client = new pg.Client({ connectionString: url, query_timeout: probeMs });
  const lost = new AbortController();
  client.on('error', (error) => lost.abort(error));
  client.on('notification', changed);
  try {
    await client.connect();
    await takeAppRole(client);
    await client.query(`listen ${watchesChanged}`);
    changed();
    for (;;) {
      await clock.sleep(probeMs, AbortSignal.any([signal, lost.signal]));
      await client.query('select 1');
    }
  } finally {
    await client.end().catch(() => {});
  }
}
