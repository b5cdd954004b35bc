import { price, lots } from '../../src/domain/decimal.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import type { Stage } from './stage.ts';

/** One deal, in the words both books share. */
export interface DealLine {
  readonly dealId: string | null;
  readonly orderId: string | null;
  readonly positionId: string | null;
  readonly lots: string;
  readonly price: string | null;
  readonly profit: string | null;
}

export interface BothBooks {
  readonly ours: readonly DealLine[];
  readonly brokers: readonly DealLine[];
}

/** All deals of the account as we and as the broker tell them, in one spelling; provisional rows show as deals without an id. */
export async function bothBooks({ stack }: Stage, account: AccountRecord): Promise<BothBooks> {
  const { rows } = await stack.parts.records.pool.query<Record<keyof DealLine, string | null>>(
    `select d.broker_deal_id as "dealId", o.broker_order_id as "orderId", d.position_id as "positionId", d.lots::text, d.price::text, d.profit::text
     from broker_deal d join trade_order o on o.id = d.order_id where d.account_id = $1::bigint`,
    [account.id],
  );
  const { deals } = await stack.simulator.getBook({ login: account.login });
  const ours = rows.map((row) => ({ ...row, lots: row.lots ?? '' }));
  return { ours: inOneSpelling(ours), brokers: inOneSpelling(deals) };
}

function inOneSpelling(deals: readonly DealLine[]): readonly DealLine[] {
  const spelled = deals.map(({ dealId, orderId, positionId, lots: volume, price: at, profit }) => ({
    dealId,
    orderId,
    positionId,
    lots: lots(volume) as string,
    price: at === null ? null : (price(at) as string),
    profit: profit === null ? null : Number(profit).toFixed(2),
  }));
  return spelled.sort((left, right) => Number(left.dealId) - Number(right.dealId));
}

/** Tags that the broker carried out more than once. */
export async function duplicateEffects({ stack }: Stage, account: AccountRecord): Promise<readonly number[]> {
  const { effects } = await stack.simulator.getBook({ login: account.login });
  return effects.filter(({ executions }) => executions > 1).map(({ tag }) => tag);
}

/** Levels of the account's trades with how often each was fired, by level; one is right, none is a lost target. */
export async function firesPerLevel({ stack }: Stage, tradeId: string): Promise<Readonly<Record<number, number>>> {
  const { rows } = await stack.parts.records.pool.query<{ level: number; fires: number }>(
    `select target_level::int as level, count(*) filter (where state = 'FIRED')::int as fires from price_watch where trade_id = $1 group by 1`,
    [tradeId],
  );
  return Object.fromEntries(rows.map(({ level, fires }) => [level, fires]));
}

/** Every stop the broker took from us for this trade, in the order it was sent; the opening one first. */
export async function stopsSent({ stack }: Stage, tradeId: string): Promise<readonly number[]> {
  const { rows } = await stack.parts.records.pool.query<{ stop: string }>(
    `select wire->>'stopLoss' as stop from broker_command
     where trade_id = $1 and kind in ('OPEN', 'MODIFY_PROTECTION') and state = 'CONFIRMED' and wire is not null order by claimed_at`,
    [tradeId],
  );
  return rows.map(({ stop }) => Number(stop));
}

/** The stops of the account's open positions at the broker. */
export async function brokerStops({ stack }: Stage, account: AccountRecord): Promise<readonly number[]> {
  const { positions } = await stack.simulator.getBook({ login: account.login });
  return positions.map(({ stopLoss }) => Number(stopLoss ?? 0));
}

/** Commands of the account that are not settled. */
export async function unsettled({ stack }: Stage, account: AccountRecord): Promise<readonly string[]> {
  return (await stack.parts.records.unsettledCommands(account.id)).map(({ stepKey, state }) => `${stepKey} ${state}`);
}
