import { lots, money, price, type Money } from '../domain/decimal.ts';
import type { UtcMs } from '../domain/facts.ts';
import {
  accountId,
  commandId,
  tradeId,
  type AccountId,
  type CommandId,
  type StepKey,
  type TradeId,
} from '../domain/ids.ts';
import type { CommandState, TradeState, TradeView } from '../domain/trade/view.ts';
import type { AccountStatus, DealRow, ExecutionMode, TradingState } from '../trading/records.ts';
import { bookStatement, canonicalBook, type Book } from './book.ts';
import type { Pool } from './pool.ts';
import type { Statement } from './transaction.ts';
import { viewOf } from './view.ts';

/** What people look at. Nothing here is used to decide. */

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

export interface TradeFilter {
  readonly account?: AccountId;
  readonly symbol?: string;
  readonly states?: readonly TradeState[];
  /** Answer of the page before; `null` or left out for the first page. */
  readonly cursor?: string | null;
  /** At most this many; 100 when left out. */
  readonly limit?: number;
}

export interface ListedTrade {
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly accountName: string;
  readonly createdAt: UtcMs;
  readonly openedAt: UtcMs | null;
  readonly closedAt: UtcMs | null;
  /** Broker's figures of all its real deals, in the account's currency. */
  readonly profit: Money;
  readonly commission: Money;
  readonly swap: Money;
  readonly currency: string;
  readonly view: TradeView;
}

export interface TradePage {
  readonly trades: readonly ListedTrade[];
  /** `null` after the last page. */
  readonly cursor: string | null;
}

const list: Statement = {
  name: 'list-trades',
  text: `select t.id as "tradeId", t.account_id::text as "accountId", a.name as "accountName", a.currency, ${ms('t.created_at')} as "createdAt",
      ${ms('t.opened_at')} as "openedAt", ${ms('t.closed_at')} as "closedAt", d.profit, d.commission, d.swap,
      (extract(epoch from t.created_at) * 1000000)::bigint || '.' || t.id as cursor
    from trade t join account a on a.id = t.account_id,
      lateral (select coalesce(sum(profit), 0)::text as profit, coalesce(sum(commission), 0)::text as commission,
        coalesce(sum(swap), 0)::text as swap from broker_deal where trade_id = t.id) d
    where ($1::bigint is null or t.account_id = $1::bigint) and ($2::text is null or t.symbol = $2)
      and ($3::text[] is null or t.state = any($3::text[]))
      and ($4::text is null or (t.created_at, t.id) < (timestamptz 'epoch' + split_part($4, '.', 1)::bigint * interval '1 microsecond', split_part($4, '.', 2)::uuid))
    order by t.created_at desc, t.id desc limit $5`,
};

type ListRow = Omit<ListedTrade, 'view' | 'profit' | 'commission' | 'swap'> & {
  readonly profit: string;
  readonly commission: string;
  readonly swap: string;
  readonly cursor: string;
};

/** Newest first. */
export async function listTrades(pool: Pool, filter: TradeFilter = {}): Promise<TradePage> {
  const { account = null, symbol = null, states = null, cursor = null, limit = 100 } = filter;
  const { rows } = await pool.query<ListRow>({ ...list, values: [account, symbol, states, cursor, limit + 1] });
  const page = rows.slice(0, limit);
  const trades = await Promise.all(page.map((row) => listed(pool, row)));
  return { trades, cursor: rows.length > limit ? (page.at(-1)?.cursor ?? null) : null };
}

async function listed(pool: Pool, { cursor: _cursor, ...row }: ListRow): Promise<ListedTrade> {
  const view = viewOf(await bookOf(pool, row.tradeId));
  const [profit, commission, swap] = [money(row.profit), money(row.commission), money(row.swap)];
  return { ...row, tradeId: tradeId(row.tradeId), accountId: accountId(row.accountId), profit, commission, swap, view };
}

async function bookOf(pool: Pool, trade: TradeId): Promise<Book> {
  const { rows } = await pool.query<Book>({ ...bookStatement, values: [trade] });
  return canonicalBook(rows[0] as Book);
}

export interface StoryCommand {
  readonly commandId: CommandId;
  readonly stepKey: StepKey;
  readonly state: CommandState;
  readonly attempt: number;
  readonly actor: string;
  readonly closureText: string | null;
  readonly claimedAt: UtcMs | null;
  readonly settledAt: UtcMs | null;
  readonly outcome: Readonly<Record<string, unknown>> | null;
}

export interface StoryEvent {
  readonly at: UtcMs;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface StoryTrigger {
  readonly level: number;
  readonly generation: number;
  readonly price: string;
  readonly at: UtcMs;
  readonly source: string;
  readonly late: boolean;
  readonly deliveredAt: UtcMs | null;
}

export interface TradeStory {
  readonly view: TradeView;
  readonly commands: readonly StoryCommand[];
  readonly deals: readonly DealRow[];
  readonly events: readonly StoryEvent[];
  readonly triggers: readonly StoryTrigger[];
}

const storyCommands: Statement = {
  name: 'story-commands',
  text: `select id as "commandId", step_key as "stepKey", state, attempt, actor, closure_text as "closureText", ${ms('claimed_at')} as "claimedAt",
      ${ms('settled_at')} as "settledAt", outcome from broker_command where trade_id = $1 order by created_at, id`,
};
/** One line per deal; an order that has none yet is one line without a deal. */
const storyDeals: Statement = {
  name: 'story-deals',
  text: `select d.broker_deal_id as "dealId", o.broker_order_id as "orderId", d.entry, coalesce(d.side, o.side) as side, d.lots::text as lots,
      d.price::text as price, ${ms('d.executed_at')} as "executedAt", d.profit::text as profit, d.commission::text as commission,
      d.swap::text as swap, o.close_reason as "closeReason", o.close_subreason as "closeSubreason", o.reason_inferred as inferred,
      o.closure_text as "closureText"
    from broker_deal d join trade_order o on o.id = d.order_id where d.trade_id = $1 order by d.executed_at nulls last, d.broker_deal_id`,
};
const storyEvents: Statement = {
  name: 'story-events',
  text: `select ${ms('created_at')} as at, type, body from event_log where trade_id = $1 order by id`,
};
const storyTriggers: Statement = {
  name: 'story-triggers',
  text: `select target_level as level, generation, fired_price::text as price, ${ms('fired_at')} as at, source, late,
      ${ms('delivered_at')} as "deliveredAt" from price_watch where trade_id = $1 and state = 'FIRED' order by fired_at, target_level`,
};

type DealText = { readonly [Field in keyof DealRow]: DealRow[Field] };

/** Everything the book knows of one trade, oldest first; `null` when there is no such trade. */
export async function tradeStory(pool: Pool, id: TradeId): Promise<TradeStory | null> {
  const { rows } = await pool.query<Book>({ ...bookStatement, values: [id] });
  if (rows[0] === undefined) return null;
  const [commands, deals, events, triggers] = await Promise.all([
    pool.query<StoryCommand>({ ...storyCommands, values: [id] }),
    pool.query<DealText>({ ...storyDeals, values: [id] }),
    pool.query<StoryEvent>({ ...storyEvents, values: [id] }),
    pool.query<StoryTrigger>({ ...storyTriggers, values: [id] }),
  ]);
  return {
    view: viewOf(canonicalBook(rows[0])),
    commands: commands.rows.map((row) => ({ ...row, commandId: commandId(row.commandId) })),
    deals: deals.rows.map(canonicalDeal),
    events: events.rows,
    triggers: triggers.rows.map((row) => ({ ...row, price: price(row.price) })),
  };
}

function canonicalDeal(row: DealText): DealRow {
  const amount = (value: Money | null) => (value === null ? null : money(value));
  const { profit, commission, swap } = row;
  return {
    ...row,
    lots: lots(row.lots),
    price: row.price === null ? null : price(row.price),
    profit: amount(profit),
    commission: amount(commission),
    swap: amount(swap),
  };
}

export interface AccountOverview {
  readonly accountId: AccountId;
  readonly name: string;
  readonly platform: string;
  readonly endpoint: string;
  readonly login: string;
  readonly status: AccountStatus;
  readonly executionMode: ExecutionMode;
  readonly tradingState: TradingState;
  readonly currency: string;
  /** As the broker showed them last; `null` before the first look. */
  readonly balance: Money | null;
  readonly equity: Money | null;
  readonly margin: Money | null;
  readonly freeMargin: Money | null;
  readonly asOf: UtcMs | null;
  readonly openTrades: number;
  readonly unsettledCommands: number;
}

const overview: Statement = {
  name: 'accounts-overview',
  text: `select a.id::text as "accountId", a.name, a.platform, a.endpoint, a.login, a.status, a.execution_mode as "executionMode",
      a.trading_state as "tradingState", a.currency, b.balance::text as balance, b.equity::text as equity, b.margin::text as margin,
      b.free_margin::text as "freeMargin", ${ms('b.as_of')} as "asOf",
      (select count(*)::int from trade t where t.account_id = a.id and t.state in ('WORKING','OPEN','CLOSING','NEEDS_REVIEW')) as "openTrades",
      (select count(*)::int from broker_command c where c.account_id = a.id and c.state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW')) as "unsettledCommands"
    from account a left join account_balance b on b.account_id = a.id order by a.id`,
};

/** All accounts with their last figures, by number; without credentials. */
export async function accountsOverview(pool: Pool): Promise<readonly AccountOverview[]> {
  const { rows } = await pool.query<AccountOverview>({ ...overview, values: [] });
  const amount = (value: Money | null) => (value === null ? null : money(value));
  return rows.map((row) => ({
    ...row,
    accountId: accountId(row.accountId),
    balance: amount(row.balance),
    equity: amount(row.equity),
    margin: amount(row.margin),
    freeMargin: amount(row.freeMargin),
  }));
}

/** What is not at rest: 0 everywhere once all is settled, delivered and final. */
export interface Unrest {
  readonly unsettledCommands: number;
  readonly provisionalDeals: number;
  readonly undeliveredWakes: number;
  readonly undeliveredFires: number;
  readonly tradesInReview: number;
}

const unrest: Statement = {
  name: 'unrest',
  text: `select (select count(*)::int from broker_command where state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW')) as "unsettledCommands",
    (select count(*)::int from broker_deal where broker_deal_id is null) as "provisionalDeals",
    (select count(*)::int from event_log where wakes and delivered_at is null) as "undeliveredWakes",
    (select count(*)::int from price_watch where state = 'FIRED' and delivered_at is null) as "undeliveredFires",
    (select count(*)::int from trade where state = 'NEEDS_REVIEW') as "tradesInReview"`,
};

export async function unsettled(pool: Pool): Promise<Unrest> {
  const { rows } = await pool.query<Unrest>({ ...unrest, values: [] });
  return rows[0] as Unrest;
}
