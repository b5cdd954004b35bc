import type { BalanceFact, DealFact, OrderFact, PositionFact, UtcMs } from '../domain/facts.ts';
import type { AccountId, TradeId } from '../domain/ids.ts';
import type { Known, Owner } from './attribution.ts';
import type { Statement, Transaction } from './transaction.ts';

/** The rows of facts, each written so that the newest report wins whatever the order of arrival. */

const orderUuid = (account: string, order: string) => `md5('order/' || ${account} || '/' || ${order})::uuid`;
const time = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

const known: Statement = {
  name: 'facts-known',
  text: `select
  (select coalesce(json_agg(json_build_object('tag', c.wire_tag, 'commandId', c.id, 'tradeId', c.trade_id, 'kind', c.kind, 'side', t.side,
     'orderId', o.broker_order_id,
     'isOrderDead', coalesce(o.state in ('CANCELLED','EXPIRED','REJECTED') and o.filled_lots = 0, false))), '[]')
   from broker_command c join trade t on t.id = c.trade_id left join trade_order o on o.command_id = c.id
   where c.account_id = $1::bigint and c.wire_tag = any($2::bigint[]) and c.attempt > 0) as commands,
  (select coalesce(json_agg(json_build_object('positionId', substr(p.position_key, 3), 'tradeId', p.id)), '[]')
   from (select distinct on (position_key) position_key, id from trade where account_id = $1::bigint and position_key = any($3::text[])
     order by position_key, state in ('OPEN','CLOSING','NEEDS_REVIEW') desc, created_at desc) p) as trades,
  (select coalesce(json_agg(json_build_object('orderId', broker_order_id, 'tradeId', trade_id, 'commandId', command_id, 'origin', origin)), '[]')
   from trade_order where account_id = $1::bigint and broker_order_id = any($4::text[])) as orders`,
};

/** What these sightings could belong to. */
export async function loadKnown(
  tx: Transaction,
  account: AccountId,
  facts: readonly (DealFact | OrderFact | PositionFact)[],
): Promise<Known> {
  if (facts.length === 0) return { commands: [], trades: [], orders: [] };
  const tags = facts.flatMap(({ tag }) => tag ?? []);
  const positions = facts.flatMap(({ positionId }) => (positionId === null ? [] : [`p:${positionId}`]));
  const orders = facts.flatMap((fact) => ('orderId' in fact ? [fact.orderId] : []));
  const [row] = await tx.rows<Known & Record<string, unknown>>(known, [account, tags, positions, orders]);
  return row ?? { commands: [], trades: [], orders: [] };
}

const putOrder: Statement = {
  name: 'order-put',
  text: `insert into trade_order as o (id, account_id, trade_id, command_id, broker_order_id, origin, position_id, symbol, side, type, lots, price,
    reason, tag, comment, expires_at, reported_at, state, filled_lots)
  values (${orderUuid('$1', '$2')}, $1::text::bigint, $3, $4, $2::text, $5, $6, $7, $8, $9, $10::numeric, $11::numeric,
    $12, $13::bigint, $14, ${time('$15')}, ${time('$16')}, $17, $18::numeric)
  on conflict (account_id, broker_order_id) where broker_order_id is not null do update set
    trade_id = coalesce(o.trade_id, excluded.trade_id), command_id = coalesce(o.command_id, excluded.command_id),
    origin = case when o.command_id is null and (excluded.command_id is not null or o.trade_id is null) then excluded.origin else o.origin end,
    position_id = coalesce(o.position_id, excluded.position_id), reason = coalesce(o.reason, excluded.reason), tag = coalesce(o.tag, excluded.tag),
    type = case when ${isNewer()} then excluded.type else o.type end, lots = case when ${isNewer()} then excluded.lots else o.lots end,
    price = case when ${isNewer()} then excluded.price else o.price end,
    comment = case when ${isNewer()} then excluded.comment else o.comment end,
    expires_at = case when ${isNewer()} then excluded.expires_at else o.expires_at end,
    reported_at = case when ${isNewer()} then excluded.reported_at else o.reported_at end,
    state = case when ${isNewer()} then excluded.state else o.state end,
    filled_lots = greatest(o.filled_lots, excluded.filled_lots), version = o.version + 1
  where ${isNewer()} or excluded.filled_lots > o.filled_lots
    or o.trade_id is null and excluded.trade_id is not null or o.command_id is null and excluded.command_id is not null
    or o.position_id is null and excluded.position_id is not null
  returning id, trade_id as "tradeId"`,
};

/** A later report, or one of the same moment that is further on. */
function isNewer(): string {
  const rank = (row: string) =>
    `array_position('{WORKING,PARTIALLY_FILLED,EXPIRED,CANCELLED,REJECTED,FILLED}'::text[], ${row}.state)`;
  return `(excluded.reported_at is not null and (o.reported_at is null or (excluded.reported_at, ${rank('excluded')}, excluded.filled_lots)
    > (o.reported_at, ${rank('o')}, o.filled_lots)))`;
}

export interface TouchedOrder {
  readonly id: string;
  readonly tradeId: TradeId | null;
}

export async function writeOrder(
  tx: Transaction,
  account: AccountId,
  fact: OrderFact,
  owner: Owner,
): Promise<readonly TouchedOrder[]> {
  const {
    orderId,
    positionId,
    symbol,
    side,
    type,
    lots,
    price,
    reason,
    tag,
    comment,
    expiresAt,
    updatedAt,
    state,
    filledLots,
  } = fact;
  const seen = [
    positionId,
    symbol,
    side,
    type,
    lots,
    price,
    reason,
    tag,
    comment,
    expiresAt,
    updatedAt,
    state,
    filledLots,
  ];
  return tx.rows(putOrder, [account, orderId, owner.tradeId, owner.commandId, owner.origin, ...seen]);
}

/** An order known by a deal, or by the answer to its command, that the broker has not itemised yet. */
export async function writeBareOrder(
  tx: Transaction,
  account: AccountId,
  order: Pick<OrderFact, 'orderId' | 'positionId' | 'symbol' | 'side'> &
    Partial<Pick<DealFact, 'reason' | 'tag' | 'comment'>> & { readonly state: 'FILLED' | 'WORKING' | 'SUBMITTED' },
  owner: Owner,
): Promise<readonly TouchedOrder[]> {
  const { orderId, positionId, symbol, side, reason, tag, comment, state } = order;
  const seen = [
    positionId,
    symbol,
    side,
    null,
    null,
    null,
    reason ?? null,
    tag ?? null,
    comment ?? '',
    null,
    null,
    state,
    '0',
  ];
  return tx.rows(putOrder, [account, orderId, owner.tradeId, owner.commandId, owner.origin, ...seen]);
}

const releaseDead: Statement = {
  name: 'order-release',
  text: `update trade_order set command_id = null, origin = 'EXTERNAL', version = version + 1
    where command_id = $1 and broker_order_id is distinct from $2 and state in ('CANCELLED','EXPIRED','REJECTED') and filled_lots = 0`,
};

/** An attempt's order that ended without a fill makes room for the order of the next attempt. */
export async function releaseDeadOrder(tx: Transaction, owner: Owner, orderId: string): Promise<readonly never[]> {
  await tx.run(releaseDead, [owner.commandId, orderId]);
  return [];
}

/** Takes the place of the order's provisional row if there is one; fees may be reported anew, nothing else may. */
const putDeal: Statement = {
  name: 'deal-put',
  text: `with known as (
    update broker_deal set commission = $9::numeric, swap = $10::numeric, profit = $11::numeric
    where account_id = $1::text::bigint and broker_deal_id = $3
      and (commission, swap, profit) is distinct from ($9::numeric, $10::numeric, $11::numeric) returning order_id),
  replaced as (
    update broker_deal set broker_deal_id = $3, position_id = $12, symbol = $13, side = $14, reason = $8, entry = $4, lots = $5::numeric,
      price = $6::numeric, executed_at = ${time('$7')}, commission = $9::numeric, swap = $10::numeric, profit = $11::numeric
    where order_id = ${orderUuid('$1', '$2')} and broker_deal_id is null
      and not exists (select from broker_deal where account_id = $1::text::bigint and broker_deal_id = $3) returning order_id),
  added as (
    insert into broker_deal (id, account_id, order_id, broker_deal_id, position_id, symbol, side, reason, entry, lots, price, executed_at,
      commission, swap, profit)
    select md5('deal/' || $1 || '/' || $3)::uuid, $1::text::bigint, ${orderUuid('$1', '$2')}, $3::text, $12, $13, $14, $8, $4, $5::numeric,
      $6::numeric, ${time('$7')}, $9::numeric, $10::numeric, $11::numeric
    where not exists (select from replaced) on conflict (account_id, broker_deal_id) where broker_deal_id is not null do nothing
    returning order_id)
  select o.id, o.trade_id as "tradeId", (select count(*) from replaced) + (select count(*) from added) > 0 as "isNew"
  from trade_order o where o.id in (select order_id from known union all select order_id from replaced union all select order_id from added)`,
};

export interface TouchedDeal extends TouchedOrder {
  readonly isNew: boolean;
}

export async function writeDeal(tx: Transaction, account: AccountId, fact: DealFact): Promise<readonly TouchedDeal[]> {
  const {
    orderId,
    dealId,
    entry,
    lots,
    price,
    executedAt,
    reason,
    commission,
    swap,
    profit,
    positionId,
    symbol,
    side,
  } = fact;
  const seen = [
    orderId,
    dealId,
    entry,
    lots,
    price,
    executedAt,
    reason,
    commission,
    swap,
    profit,
    positionId,
    symbol,
    side,
  ];
  return tx.rows(putDeal, [account, ...seen]);
}

const countFilled: Statement = {
  name: 'order-filled',
  text: `update trade_order o set filled_lots = d.lots, version = o.version + 1,
    state = case when o.lots is null or d.lots >= o.lots then 'FILLED' else o.state end
  from (
    select d.order_id, sum(d.lots) as lots from broker_deal d join trade_order o on o.id = d.order_id
    where o.account_id = $1::bigint and o.broker_order_id = any($2::text[]) and d.broker_deal_id is not null group by 1) d
  where o.id = d.order_id and d.lots > o.filled_lots`,
};

/** An order has filled at least what its deals say. */
export async function writeFilled(tx: Transaction, account: AccountId, orders: readonly string[]): Promise<void> {
  if (orders.length > 0) await tx.run(countFilled, [account, orders]);
}

const putPosition: Statement = {
  name: 'position-put',
  text: `insert into broker_position as p (account_id, position_id, symbol, side, lots, entry_price, stop_loss, take_profit, opened_at, updated_at,
    tag, comment)
  values ($1::bigint, $2, $3, $4, $5::numeric, $6::numeric, $7::numeric, $8::numeric, ${time('$9')}, ${time('$10')}, $11::bigint, $12)
  on conflict (account_id, position_id) do update set lots = excluded.lots, entry_price = excluded.entry_price, stop_loss = excluded.stop_loss,
    take_profit = excluded.take_profit, updated_at = excluded.updated_at, side = excluded.side, symbol = excluded.symbol
  where excluded.updated_at > p.updated_at returning position_id`,
};

/** Whether this look at the position was the newest. */
export async function writePosition(tx: Transaction, account: AccountId, fact: PositionFact): Promise<boolean> {
  const { positionId, symbol, side, lots, entryPrice, stopLoss, takeProfit, openedAt, updatedAt, tag, comment } = fact;
  const seen = [positionId, symbol, side, lots, entryPrice, stopLoss, takeProfit, openedAt, updatedAt, tag, comment];
  return (await tx.rows(putPosition, [account, ...seen])).length > 0;
}

const putBalance: Statement = {
  name: 'balance-put',
  text: `insert into account_balance as b (account_id, balance, equity, margin, free_margin, as_of)
  values ($1::bigint, $2::numeric, $3::numeric, $4::numeric, $5::numeric, ${time('$6')})
  on conflict (account_id) do update set balance = excluded.balance, equity = excluded.equity, margin = excluded.margin,
    free_margin = excluded.free_margin, as_of = excluded.as_of where excluded.as_of > b.as_of`,
};

export async function writeBalance(tx: Transaction, account: AccountId, fact: BalanceFact): Promise<void> {
  const { balance, equity, margin, freeMargin, asOf } = fact;
  await tx.run(putBalance, [account, balance, equity, margin, freeMargin, asOf satisfies UtcMs]);
}
