import { lots, price, type Lots, type Price } from '../domain/decimal.ts';
import type { OrderState, OrderType, Side, UtcMs } from '../domain/facts.ts';
import { accountId, commandId, tradeId, type AccountId, type CommandId, type TradeId } from '../domain/ids.ts';
import type { CommandState } from '../domain/trade/view.ts';
import type { Pool } from './pool.ts';
import type { Statement } from './transaction.ts';

/** What people ask for by the beginning of an id, and what belongs to one trade beside its story. */

export interface FoundTrade {
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly accountName: string;
  readonly currency: string;
  readonly requestedBy: string;
  readonly createdAt: UtcMs;
  readonly openedAt: UtcMs | null;
  readonly closedAt: UtcMs | null;
  /** Why a person must look at it; `null` when nobody must. */
  readonly reviewReason: string | null;
}

export interface FoundCommand {
  readonly commandId: CommandId;
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly stepKey: string;
  readonly state: CommandState;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** Enough to know whether a beginning is unique, and to name what it could mean. */
const candidatesMax = 5;

const trades: Statement = {
  name: 'find-trades',
  text: `select t.id as "tradeId", t.account_id::text as "accountId", a.name as "accountName", a.currency, t.requested_by as "requestedBy",
      ${ms('t.created_at')} as "createdAt", ${ms('t.opened_at')} as "openedAt", ${ms('t.closed_at')} as "closedAt", t.review_reason as "reviewReason"
    from trade t join account a on a.id = t.account_id where t.id::text like $1 || '%' order by t.created_at desc limit ${candidatesMax}`,
};
const commands: Statement = {
  name: 'find-commands',
  text: `select id as "commandId", trade_id as "tradeId", account_id::text as "accountId", step_key as "stepKey", state
    from broker_command where id::text like $1 || '%' order by created_at desc limit ${candidatesMax}`,
};

/** What an id may look like, whole or shortened; anything else names nothing. */
const beginning = /^[0-9a-f-]{1,36}$/;

/** Trades whose id begins so, newest first, at most five. */
export async function tradesBeginning(pool: Pool, text: string): Promise<readonly FoundTrade[]> {
  if (!beginning.test(text)) return [];
  const { rows } = await pool.query<FoundTrade>({ ...trades, values: [text] });
  return rows.map((row) => ({ ...row, tradeId: tradeId(row.tradeId), accountId: accountId(row.accountId) }));
}

/** Commands whose id begins so, newest first, at most five. */
export async function commandsBeginning(pool: Pool, text: string): Promise<readonly FoundCommand[]> {
  if (!beginning.test(text)) return [];
  const { rows } = await pool.query<FoundCommand>({ ...commands, values: [text] });
  return rows.map((row) => ({
    ...row,
    commandId: commandId(row.commandId),
    tradeId: tradeId(row.tradeId),
    accountId: accountId(row.accountId),
  }));
}

export interface StoryOrder {
  /** `null` until the broker named it. */
  readonly brokerOrderId: string | null;
  /** The command that caused it; `null` for what somebody else ordered. */
  readonly commandId: CommandId | null;
  readonly origin: 'ENGINE' | 'EXTERNAL' | 'SERVER_SL' | 'SERVER_TP' | 'STOP_OUT';
  readonly side: Side;
  readonly type: OrderType | null;
  readonly state: OrderState | 'NEW' | 'SUBMITTED';
  readonly lots: Lots | null;
  readonly filledLots: Lots;
  readonly price: Price | null;
  readonly closeReason: string | null;
  readonly closeSubreason: string | null;
  readonly inferred: boolean;
  readonly closureText: string | null;
  readonly createdAt: UtcMs;
}

const orders: Statement = {
  name: 'story-orders',
  text: `select broker_order_id as "brokerOrderId", command_id as "commandId", origin, side, type, state, lots::text as lots,
      filled_lots::text as "filledLots", price::text as price, close_reason as "closeReason", close_subreason as "closeSubreason",
      reason_inferred as inferred, closure_text as "closureText", ${ms('created_at')} as "createdAt"
    from trade_order where trade_id = $1 order by created_at, id`,
};

/** The broker orders of one trade, oldest first. */
export async function ordersOf(pool: Pool, trade: TradeId): Promise<readonly StoryOrder[]> {
  const { rows } = await pool.query<StoryOrder>({ ...orders, values: [trade] });
  return rows.map((row) => ({
    ...row,
    lots: row.lots === null ? null : lots(row.lots),
    filledLots: lots(row.filledLots),
    price: row.price === null ? null : price(row.price),
  }));
}
