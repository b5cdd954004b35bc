import type { OrderState, Side, UtcMs } from '../domain/facts.ts';
import type { AccountId, CommandId, StepKey, TradeId } from '../domain/ids.ts';
import { lots, price, type Lots, type Price } from '../domain/decimal.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { CommandPlan } from '../domain/trade/intent.ts';
import type { BreakevenRule, LatePolicy, LevelRule, TargetSize } from '../domain/trade/request.ts';
import type { BreakevenState, CommandState, TargetState, TradeState } from '../domain/trade/view.ts';
import type { CommandKind, WireCommand } from '../trading/connector.ts';
import type { Statement, Transaction } from './transaction.ts';

export type TargetRuleRow = LevelRule & TargetSize & { readonly late: LatePolicy };

export interface BookTarget {
  readonly id: string;
  readonly level: number;
  readonly rule: TargetRuleRow;
  readonly price: Price | null;
  readonly closeBps: number;
  readonly state: TargetState;
  readonly generation: number;
  readonly commandId: CommandId | null;
  readonly watchId: string | null;
  readonly watchState: 'ARMED' | 'FIRED' | 'DISARMED' | null;
  readonly version: number;
}

export interface BookCommand {
  readonly id: CommandId;
  readonly stepKey: StepKey;
  readonly kind: CommandKind;
  readonly plan: CommandPlan;
  readonly wire: WireCommand | null;
  readonly state: CommandState;
  readonly attempt: number;
  readonly intentHash: string;
  /** Its quiet window runs by the database's clock: it may not be asked again yet. */
  readonly isQuiet: boolean;
  /** Unsettled, or settled by the very step that reads it. */
  readonly isUnderWay: boolean;
  readonly decided: boolean;
  readonly contradicted: boolean;
  readonly version: number;
}

export interface BookOrder {
  readonly id: string;
  readonly brokerOrderId: string | null;
  readonly commandId: CommandId | null;
  readonly origin: 'ENGINE' | 'EXTERNAL' | 'SERVER_SL' | 'SERVER_TP' | 'STOP_OUT';
  readonly state: OrderState;
  readonly side: Side;
  readonly symbol: string;
  readonly reason: string | null;
  readonly price: Price | null;
  /** Whether the broker reported the order itself, not only deals of it. */
  readonly isReported: boolean;
  readonly filledLots: Lots;
  readonly closeReason: string | null;
  readonly closeSubreason: string | null;
  readonly closureText: string | null;
}

export interface BookDeal {
  readonly orderId: string;
  /** `null` for the provisional row of a proven effect whose real deals lag. */
  readonly brokerDealId: string | null;
  readonly positionId: string | null;
  readonly entry: 'IN' | 'OUT';
  readonly lots: Lots;
  readonly price: Price | null;
  readonly executedAt: UtcMs | null;
}

export interface BookPosition {
  readonly lots: Lots;
  readonly entryPrice: Price;
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  readonly updatedAt: UtcMs;
}

export interface BookTrade {
  readonly id: TradeId;
  readonly accountId: AccountId;
  readonly symbol: string;
  readonly side: Side;
  readonly positionKey: string | null;
  readonly state: TradeState;
  readonly openedLots: Lots;
  readonly closedLots: Lots;
  readonly entryPrice: Price | null;
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  readonly levelsAsOf: UtcMs | null;
  readonly initialStop: Price;
  readonly intendedStop: Price | null;
  readonly breakevenFloor: Price | null;
  readonly breakevenRule: BreakevenRule | null;
  readonly breakevenState: BreakevenState;
  readonly hasProtectDeadline: boolean;
  readonly automation: 'RUNNING' | 'PAUSED';
  readonly instrument: Instrument;
  readonly requestHash: string;
  readonly reviewReason: string | null;
  readonly closeReason: string | null;
  readonly closeSubreason: string | null;
  readonly openedAt: UtcMs | null;
  readonly closedAt: UtcMs | null;
  readonly version: number;
}

/** One trade with every row that says something about it: what all decisions of the book are made from. */
export interface Book {
  readonly trade: BookTrade;
  readonly targets: readonly BookTarget[];
  readonly commands: readonly BookCommand[];
  readonly orders: readonly BookOrder[];
  readonly deals: readonly BookDeal[];
  readonly position: BookPosition | null;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

export const bookStatement: Statement = {
  name: 'book',
  text: `
select json_build_object(
  'id', t.id, 'accountId', t.account_id::text, 'symbol', t.symbol, 'side', t.side, 'positionKey', t.position_key, 'state', t.state,
  'openedLots', t.opened_lots::text, 'closedLots', t.closed_lots::text, 'entryPrice', t.entry_price::text,
  'stopLoss', t.sl::text, 'takeProfit', t.tp::text, 'levelsAsOf', ${ms('t.levels_as_of')}, 'initialStop', t.initial_stop::text,
  'intendedStop', t.intended_stop::text, 'breakevenFloor', t.breakeven_floor::text, 'breakevenRule', t.breakeven_rule,
  'breakevenState', t.breakeven_state, 'hasProtectDeadline', t.protect_by is not null, 'automation', t.automation,
  'instrument', t.instrument, 'requestHash', t.request_hash, 'reviewReason', t.review_reason,
  'closeReason', t.close_reason, 'closeSubreason', t.close_subreason,
  'openedAt', ${ms('t.opened_at')}, 'closedAt', ${ms('t.closed_at')}, 'version', t.version) as trade,
 (select coalesce(json_agg(json_build_object(
   'id', g.id, 'level', g.level, 'rule', g.rule, 'price', g.price::text, 'closeBps', g.close_bps, 'state', g.state,
   'generation', g.generation, 'commandId', g.command_id, 'watchId', g.watch_id, 'watchState', w.state, 'version', g.version)
   order by g.level), '[]') from profit_target g left join price_watch w on w.id = g.watch_id where g.trade_id = t.id) as targets,
 (select coalesce(json_agg(json_build_object(
   'id', c.id, 'stepKey', c.step_key, 'kind', c.kind, 'plan', c.plan, 'wire', c.wire, 'state', c.state, 'attempt', c.attempt,
   'intentHash', encode(c.intent_hash, 'hex'), 'isQuiet', coalesce(c.retry_not_before > clock_timestamp(), false),
   'isUnderWay', c.state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW') or coalesce(c.settled_at >= now(), false),
   'decided', coalesce(c.outcome ? 'decided_by', false), 'contradicted', c.contradicted_at is not null, 'version', c.version)
   order by c.claimed_at nulls first, c.created_at), '[]') from broker_command c where c.trade_id = t.id) as commands,
 (select coalesce(json_agg(json_build_object(
   'id', o.id, 'brokerOrderId', o.broker_order_id, 'commandId', o.command_id, 'origin', o.origin, 'state', o.state, 'side', o.side,
   'symbol', o.symbol, 'reason', o.reason, 'price', o.price::text, 'isReported', o.reported_at is not null, 'filledLots', o.filled_lots::text,
   'closeReason', o.close_reason, 'closeSubreason', o.close_subreason, 'closureText', o.closure_text)
   order by o.broker_order_id), '[]') from trade_order o where o.trade_id = t.id) as orders,
 (select coalesce(json_agg(json_build_object(
   'orderId', d.order_id, 'brokerDealId', d.broker_deal_id, 'positionId', d.position_id, 'entry', d.entry, 'lots', d.lots::text,
   'price', d.price::text, 'executedAt', ${ms('d.executed_at')})
   order by d.executed_at nulls last, d.broker_deal_id), '[]') from broker_deal d where d.trade_id = t.id) as deals,
 (select json_build_object('lots', p.lots::text, 'entryPrice', p.entry_price::text, 'stopLoss', p.stop_loss::text,
   'takeProfit', p.take_profit::text, 'updatedAt', ${ms('p.updated_at')})
  from broker_position p where p.account_id = t.account_id and p.position_id = substr(t.position_key, 3)) as position
from trade t where t.id = $1`,
};

type Row = { [Part in keyof Book]: Book[Part] };

/** The trade's rows as this transaction sees them; `null` when there is no such trade. */
export async function loadBook(tx: Pick<Transaction, 'rows'>, trade: TradeId): Promise<Book | null> {
  const [row] = await tx.rows<Row>(bookStatement, [trade]);
  return row === undefined ? null : canonicalBook(row);
}

/** PostgreSQL keeps the digits a number was written with; the domain compares canonical text. */
export function canonicalBook(row: Row): Book {
  return {
    trade: canonical(row.trade),
    targets: row.targets.map(canonical),
    commands: row.commands,
    orders: row.orders.map(canonical),
    deals: row.deals.map(canonical),
    position: row.position === null ? null : canonical(row.position),
  };
}

const lotsFields = ['openedLots', 'closedLots', 'filledLots', 'lots'];
const priceFields = ['entryPrice', 'stopLoss', 'takeProfit', 'initialStop', 'intendedStop', 'breakevenFloor', 'price'];

function canonical<Value extends object>(value: Value): Value {
  const entries = Object.entries(value).map(([field, content]): [string, unknown] => {
    if (typeof content !== 'string') return [field, content];
    if (lotsFields.includes(field)) return [field, lots(content)];
    return [field, priceFields.includes(field) ? price(content) : content];
  });
  return Object.fromEntries(entries) as Value;
}

export const unsettledStates: ReadonlySet<CommandState> = new Set(['SENDING', 'ACCEPTED', 'UNKNOWN', 'REVIEW']);

const closingKinds: ReadonlySet<string> = new Set(['PARTIAL_CLOSE', 'FULL_CLOSE', 'EMERGENCY_CLOSE']);
const openingKinds: ReadonlySet<string> = new Set(['OPEN', 'PLACE_PENDING']);

export const isClosing = (kind: string) => closingKinds.has(kind);
export const isOpening = (kind: string) => openingKinds.has(kind);
