import type { TradeId } from '../domain/ids.ts';
import type { Book, BookDeal, BookTrade } from './book.ts';
import type { FollowUp } from './follow.ts';
import type { News } from './news.ts';
import type { TargetStep, WatchChange } from './follow-targets.ts';
import type { Statement, Transaction } from './transaction.ts';

const passState: Statement = {
  name: 'trade-state',
  text: 'update trade set state = $2, review_reason = $3, version = version + 1 where id = $1',
};

const setOverride: Statement = { name: 'sl-override', text: `select set_config('app.sl_override', $1, true)` };

/** How long an open position may stand without a stop at the broker. */
const setLevels: Statement = {
  name: 'trade-levels',
  text: `update trade set sl = $2::numeric, tp = $3::numeric, levels_as_of = to_timestamp($4::float8 / 1000), intended_stop = $5::numeric,
    breakeven_floor = $6::numeric, breakeven_state = $7,
    protect_by = case when $8 then coalesce(protect_by, clock_timestamp() + interval '10 s') end, version = version + 1 where id = $1`,
};

const setTrade: Statement = {
  name: 'trade-follow',
  text: `update trade set state = $2, review_reason = $3, opened_lots = $4::numeric, closed_lots = $5::numeric, entry_price = $6::numeric,
    opened_at = to_timestamp($7::float8 / 1000), closed_at = to_timestamp($8::float8 / 1000), close_reason = $9, close_subreason = $10,
    version = version + 1 where id = $1`,
};

const setTarget: Statement = {
  name: 'target-step',
  text: `update profit_target set state = $2, price = $3::numeric, generation = $4, command_id = $5, watch_id = $6,
    reason = coalesce($7, reason), version = version + 1 where id = $1`,
};

const putProvisional: Statement = {
  name: 'deal-provisional',
  text: `insert into broker_deal (id, account_id, order_id, position_id, symbol, side, entry, lots, price)
    select gen_random_uuid(), o.account_id, o.id, $2, o.symbol, o.side, $3, $4::numeric, $5::numeric from trade_order o where o.id = $1
    on conflict (order_id) where broker_deal_id is null do update set lots = excluded.lots, price = excluded.price`,
};

const setReason: Statement = {
  name: 'order-reason',
  text: `update trade_order set close_reason = $2, close_subreason = $3, closure_text = $4, reason_inferred = $5,
    version = version + 1 where id = $1`,
};

const armWatch: Statement = {
  name: 'watch-arm',
  text: `insert into price_watch (id, account_id, trade_id, purpose, generation, symbol, digits, quote_side, crosses, level, target_level)
    select $1, t.account_id, t.id, 'tp:' || $3::int, $4, t.symbol, (t.instrument->>'digits')::int,
      case t.side when 'BUY' then 'BID' else 'ASK' end, case t.side when 'BUY' then 'UP' else 'DOWN' end, $5::numeric, $3::int
    from trade t where t.id = $2 on conflict (id) do nothing`,
};
const moveWatch: Statement = {
  name: 'watch-move',
  text: `update price_watch set level = $2::numeric where id = $1 and state = 'ARMED'`,
};
const disarmWatch: Statement = {
  name: 'watch-disarm',
  text: `update price_watch set state = 'DISARMED' where id = $1 and state = 'ARMED'`,
};

const contradict: Statement = {
  name: 'command-contradict',
  text: 'update broker_command set contradicted_at = clock_timestamp(), version = version + 1 where id = $1',
};
const reduce: Statement = {
  name: 'account-reduce',
  text: `update account set trading_state = 'REDUCING', version = version + 1 where id = $1::bigint and trading_state = 'ACTIVE'`,
};

const logEvent: Statement = {
  name: 'event',
  text: 'insert into event_log (account_id, trade_id, type, body, wakes) values ($1::bigint, $2, $3, $4, $5)',
};

/** Writes what {@link FollowUp} says; `hearing` is told by its caller and needs no waking. Answers whether anything changed. */
export async function writeFollowUp(
  tx: Transaction,
  before: Book,
  next: FollowUp,
  { hearing, isTouched }: { readonly hearing: TradeId | null; readonly isTouched: boolean },
): Promise<boolean> {
  const provisional = next.provisional.filter((deal) => !before.deals.some((old) => isSameProvisional(old, deal)));
  const isChanged =
    isTouched ||
    provisional.length > 0 ||
    next.targets.length > 0 ||
    next.reasons.length > 0 ||
    differs(before.trade, next.trade);
  if (!isChanged) return false;
  await Promise.all([
    ...provisional.map((deal) => putDeal(tx, deal)),
    ...writeLevels(tx, before.trade, next),
    ...writeTrade(tx, next),
    ...next.reasons.map(({ id, reason, inferred }) =>
      tx.run(setReason, [id, reason.reason, reason.subreason, reason.text, inferred]),
    ),
    ...writeWatches(tx, next.trade.id, next.watches),
    ...writeTargets(tx, next.targets),
    ...next.contradicted.flatMap(({ id }) => [tx.run(contradict, [id]), tx.run(reduce, [next.trade.accountId])]),
    ...next.news.map((news) => writeEvent(tx, next.trade, { ...news, wakes: news.wakes && next.trade.id !== hearing })),
  ]);
  return true;
}

function isSameProvisional(old: BookDeal, deal: BookDeal): boolean {
  return (
    old.brokerDealId === null && old.orderId === deal.orderId && old.lots === deal.lots && old.price === deal.price
  );
}

function differs(left: BookTrade, right: BookTrade): boolean {
  return JSON.stringify(left) !== JSON.stringify({ ...left, ...right });
}

function putDeal(tx: Transaction, { orderId, positionId, entry, lots, price }: BookDeal): Promise<unknown> {
  return tx.run(putProvisional, [orderId, positionId, entry, lots, price]);
}

/** Before the state: an open position shows its stop, or a deadline for it. */
function writeLevels(tx: Transaction, old: BookTrade, { trade, slOverride }: FollowUp): readonly Promise<unknown>[] {
  const { id, stopLoss, takeProfit, levelsAsOf, intendedStop, breakevenFloor, breakevenState, hasProtectDeadline } =
    trade;
  const values = [stopLoss, takeProfit, levelsAsOf, intendedStop, breakevenFloor, breakevenState, hasProtectDeadline];
  const oldValues = [
    old.stopLoss,
    old.takeProfit,
    old.levelsAsOf,
    old.intendedStop,
    old.breakevenFloor,
    old.breakevenState,
    old.hasProtectDeadline,
  ];
  if (values.every((value, index) => value === oldValues[index])) return [];
  return [tx.rows(setOverride, [slOverride]), tx.run(setLevels, [id, ...values]), tx.rows(setOverride, [''])];
}

function writeTrade(tx: Transaction, { trade, path }: FollowUp): readonly Promise<unknown>[] {
  const {
    id,
    state,
    reviewReason,
    openedLots,
    closedLots,
    entryPrice,
    openedAt,
    closedAt,
    closeReason,
    closeSubreason,
  } = trade;
  const between = path
    .slice(0, -1)
    .map((passed) => tx.run(passState, [id, passed, passed === 'NEEDS_REVIEW' ? 'passed through' : null]));
  const values = [
    state,
    reviewReason,
    openedLots,
    closedLots,
    entryPrice,
    openedAt,
    closedAt,
    closeReason,
    closeSubreason,
  ];
  return [...between, tx.run(setTrade, [id, ...values])];
}

export function writeTargets(tx: Transaction, targets: readonly TargetStep[]): readonly Promise<unknown>[] {
  return targets.map(({ id, state, price, generation, commandId, watchId, reason }) =>
    tx.run(setTarget, [id, state, price, generation, commandId, watchId, reason]),
  );
}

export function writeWatches(
  tx: Transaction,
  trade: TradeId,
  changes: readonly WatchChange[],
): readonly Promise<unknown>[] {
  if (changes.length > 0) tx.watchesChanged();
  return changes.map((change) => {
    if (change.kind === 'disarm') return tx.run(disarmWatch, [change.id]);
    if (change.kind === 'move') return tx.run(moveWatch, [change.id, change.price]);
    return tx.run(armWatch, [change.id, trade, change.level, change.generation, change.price]);
  });
}

/** One line of the event log, in the trade's story. */
export function writeEvent(tx: Transaction, of: Pick<BookTrade, 'id' | 'accountId'>, news: News): Promise<unknown> {
  return tx.run(logEvent, [of.accountId, of.id, news.type, JSON.stringify(news.body), news.wakes]);
}
