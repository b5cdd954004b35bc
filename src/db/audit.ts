import { lots, money, price, type Lots, type Money, type Price } from '../domain/decimal.ts';
import type { Side, UtcMs } from '../domain/facts.ts';
import type { AccountId } from '../domain/ids.ts';
import type { CommandState, TargetState, TradeState } from '../domain/trade/view.ts';
import type { Pool } from './pool.ts';

/** The whole book of one account, for proving it against the broker's. Nothing here is used to decide. */

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

export interface AuditedDeal {
  /** `null`: a provisional row, whose real deal has not come yet. */
  readonly dealId: string | null;
  readonly orderId: string | null;
  readonly positionId: string | null;
  readonly entry: 'IN' | 'OUT';
  readonly side: Side;
  readonly lots: Lots;
  readonly price: Price | null;
  readonly executedAt: UtcMs | null;
  readonly commission: Money | null;
  readonly swap: Money | null;
  readonly profit: Money | null;
}

const deals = `select d.broker_deal_id as "dealId", o.broker_order_id as "orderId", d.position_id as "positionId", d.entry, d.side,
    d.lots::text as lots, d.price::text as price, ${ms('d.executed_at')} as "executedAt", d.commission::text as commission,
    d.swap::text as swap, d.profit::text as profit
  from broker_deal d join trade_order o on o.id = d.order_id where d.account_id = $1::bigint`;

export async function auditedDeals(pool: Pool, account: AccountId): Promise<readonly AuditedDeal[]> {
  const { rows } = await pool.query<AuditedDeal>(deals, [account]);
  const amount = (value: Money | null) => (value === null ? null : money(value));
  return rows.map((row) => ({
    ...row,
    lots: lots(row.lots),
    price: row.price === null ? null : price(row.price),
    commission: amount(row.commission),
    swap: amount(row.swap),
    profit: amount(row.profit),
  }));
}

export interface AuditedTrade {
  readonly tradeId: string;
  readonly state: TradeState;
  readonly side: Side;
  readonly positionId: string | null;
  readonly remainingLots: Lots;
  readonly stopLoss: Price | null;
  /** The stop of the opening order, then every stop that was sent and not refused, in the order they were claimed. */
  readonly stops: readonly Price[];
}

const trades = `select t.id as "tradeId", t.state, t.side, substr(t.position_key, 3) as "positionId", t.remaining_lots::text as "remainingLots",
    t.sl::text as "stopLoss", array_prepend(t.initial_stop::text, coalesce((
      select array_agg(c.wire->>'stopLoss' order by c.claimed_at) from broker_command c where c.trade_id = t.id
        and c.kind = 'MODIFY_PROTECTION' and c.wire is not null and c.state not in ('REJECTED','NOT_EXECUTED')), '{}')) as stops
  from trade t where t.account_id = $1::bigint order by t.created_at, t.id`;

export async function auditedTrades(pool: Pool, account: AccountId): Promise<readonly AuditedTrade[]> {
  const { rows } = await pool.query<AuditedTrade>(trades, [account]);
  return rows.map((row) => ({
    ...row,
    remainingLots: lots(row.remainingLots),
    stopLoss: row.stopLoss === null ? null : price(row.stopLoss),
    stops: row.stops.map(price),
  }));
}

export interface AuditedTarget {
  readonly tradeId: string;
  readonly level: number;
  readonly state: TargetState;
  readonly tradeState: TradeState;
  /** One line for people; `null` when nothing needed saying. */
  readonly reason: string | null;
  /** Of the close that was made in the target's name; `null` when there is none. */
  readonly commandState: CommandState | null;
  /** Real deals of that close. */
  readonly deals: number;
}

const targets = `select g.trade_id as "tradeId", g.level, g.state, t.state as "tradeState", g.reason, c.state as "commandState",
    (select count(*)::int from broker_deal d join trade_order o on o.id = d.order_id
      where o.command_id = g.command_id and d.broker_deal_id is not null) as deals
  from profit_target g join trade t on t.id = g.trade_id left join broker_command c on c.id = g.command_id
  where t.account_id = $1::bigint order by t.created_at, g.level`;

export async function auditedTargets(pool: Pool, account: AccountId): Promise<readonly AuditedTarget[]> {
  return (await pool.query<AuditedTarget>(targets, [account])).rows;
}

export interface AuditedWatch {
  readonly watchId: string;
  readonly tradeId: string;
  readonly level: number;
  readonly generation: number;
  readonly symbol: string;
  readonly quoteSide: 'BID' | 'ASK';
  readonly crosses: 'UP' | 'DOWN';
  readonly price: Price;
  readonly armedAt: UtcMs;
  readonly state: 'ARMED' | 'FIRED' | 'DISARMED';
  readonly firedPrice: Price | null;
  readonly firedSequence: number | null;
  /**
   * When the level stopped to matter without having fired: the last deal of its closed position, or what ended its target
   * (a new ladder, a pause). `null` while it matters.
   */
  readonly endedAt: UtcMs | null;
}

const watches = `select w.id as "watchId", w.trade_id as "tradeId", w.target_level as level, w.generation, w.symbol, w.quote_side as "quoteSide",
    w.crosses, w.level::text as price, ${ms('w.armed_at')} as "armedAt", w.state, w.fired_price::text as "firedPrice",
    w.fired_sequence::float8 as "firedSequence",
    case w.state when 'DISARMED' then coalesce(${ms('t.closed_at')}, (
      select ${ms('min(e.created_at)')} from event_log e where e.trade_id = w.trade_id and e.created_at > w.armed_at
        and e.type in ('trade.pause','trade.edit-ladder','trade.skip-target'))) end as "endedAt"
  from price_watch w join trade t on t.id = w.trade_id where w.account_id = $1::bigint order by w.armed_at, w.id`;

export async function auditedWatches(pool: Pool, account: AccountId): Promise<readonly AuditedWatch[]> {
  const { rows } = await pool.query<AuditedWatch>(watches, [account]);
  return rows.map((row) => ({
    ...row,
    price: price(row.price),
    firedPrice: row.firedPrice === null ? null : price(row.firedPrice),
  }));
}

/** How far a session's holder has evaluated a symbol, and what is armed there. */
export interface FeedProgress {
  readonly epoch: number;
  /** `null` before the first saved cursor. */
  readonly sequence: number | null;
  readonly aliveMsAgo: number | null;
  /** When the oldest level of the symbol that is armed was armed; `null` when none is. */
  readonly firstArmedAt: UtcMs | null;
}

const progress = `select coalesce(max(s.epoch), 0)::float8 as epoch, max(c.sequence)::float8 as sequence,
    (extract(epoch from clock_timestamp() - max(s.alive_at)) * 1000)::float8 as "aliveMsAgo",
    (select ${ms('min(armed_at)')} from price_watch where state = 'ARMED' and symbol = $1) as "firstArmedAt"
  from feed_session s left join feed_cursor c on c.key = s.key and c.symbol = $1`;

export async function feedProgress(pool: Pool, symbol: string): Promise<FeedProgress> {
  return (await pool.query<FeedProgress>(progress, [symbol])).rows[0] as FeedProgress;
}
