import { opposite, type Fact } from '../domain/facts.ts';
import type { CommandId, OrderId, PositionId } from '../domain/ids.ts';
import type { CommandState, TradeView } from '../domain/trade/view.ts';
import type { CommandDecision, CommandRow, Settlement } from '../trading/records.ts';
import { isClosing, isOpening, type Book } from './book.ts';
import { commandIn } from './command-row.ts';
import type { ReadBack } from './follow-levels.ts';
import { adoptPosition, existing, followOne, followTrades, putFacts, type Touched } from './ingest.ts';
import type { Pool } from './pool.ts';
import { releaseDeadOrder, writeBareOrder } from './put-facts.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';
import { viewOf } from './view.ts';
import { writeEvent } from './write-follow.ts';

const setOutcome: Statement = {
  name: 'command-settle',
  text: `update broker_command set state = $2, outcome = $3, version = version + 1,
      retry_not_before = case $2 when 'UNKNOWN' then send_by + $4::float8 * interval '1 ms'
        else clock_timestamp() + $4::float8 * interval '1 ms' end,
      settled_at = case when $2 in ('CONFIRMED','REJECTED','NOT_EXECUTED') then clock_timestamp() end
    where id = $1`,
};

interface Ending {
  readonly command: CommandRow;
  readonly book: Book;
  readonly facts: readonly Fact[];
}

/** One commit after the send; see `CommandRecords.settle`. */
export async function settle(
  pool: Pool,
  { id, attempt }: { readonly id: CommandId; readonly attempt: number },
  settlement: Settlement,
  facts: readonly Fact[],
): Promise<TradeView> {
  return inTransaction(pool, { locked: { command: id }, actor: 'broker' }, async (tx) => {
    const command = await commandIn(tx, id);
    const book = await existing(tx, command.tradeId);
    const path = command.attempt === attempt ? pathTo(command.state, settlement.state) : [];
    if (path.length > 0) await writeSettlement(tx, { command, book, facts }, settlement, path);
    const touched = await putFacts(tx, command.accountId, facts, 'command-read');
    if (path.length > 0) await attach(tx, { command, book, facts }, settlement, touched);
    touched.trade(command.tradeId);
    const readBack = path.length > 0 ? readBackOf({ command, book, facts }, settlement) : null;
    await followTrades(tx, touched, { trade: command.tradeId, readBack });
    return viewOf(await existing(tx, command.tradeId));
  });
}

/** The legal way to a settlement; empty when there is none: settled before, or waiting for a person. */
function pathTo(from: CommandState, to: Settlement['state']): readonly CommandState[] {
  if (from === to) return [];
  if (from === 'UNKNOWN') return [to];
  if (from !== 'SENDING' && from !== 'ACCEPTED') return [];
  const isDirect = from === 'SENDING' ? to !== 'REVIEW' : to === 'CONFIRMED' || to === 'REJECTED' || to === 'UNKNOWN';
  return isDirect ? [to] : ['UNKNOWN', to];
}

async function writeSettlement(
  tx: Transaction,
  { command, book }: Ending,
  settlement: Settlement,
  path: readonly CommandState[],
): Promise<void> {
  const outcome = outcomeOf(settlement);
  const { commandId, stepKey, attempt } = command;
  await Promise.all([
    ...path.map((state) => tx.run(setOutcome, [commandId, state, JSON.stringify(outcome), waitOf(settlement, state)])),
    writeEvent(tx, book.trade, {
      type: 'command.settled',
      body: { stepKey, attempt, state: settlement.state, ...outcome },
      wakes: false,
    }),
  ]);
}

function outcomeOf(settlement: Settlement): Readonly<Record<string, unknown>> {
  const { state: _state, ...outcome } = settlement;
  return 'code' in outcome ? outcome : { code: settlement.state.toLowerCase(), ...outcome };
}

/** Milliseconds until it may be asked again; `null` when at once or never. */
function waitOf(settlement: Settlement, state: CommandState): number | null {
  if (state === 'UNKNOWN') return settlement.state === 'UNKNOWN' ? settlement.quietMs : 0;
  return settlement.state === 'NOT_EXECUTED' ? settlement.retryAfterMs : null;
}

/** The answer names the order and the position although the broker's records may not carry our tag. */
async function attach(
  tx: Transaction,
  { command, book }: Ending,
  settlement: Settlement,
  touched: Touched,
): Promise<void> {
  if (settlement.state !== 'CONFIRMED' && settlement.state !== 'ACCEPTED') return;
  const { kind } = command.plan.intent;
  if (isOpening(kind) && settlement.positionId !== null && book.trade.positionKey === null) {
    await takePosition(tx, book, settlement.positionId, touched);
  }
  if ((isOpening(kind) || isClosing(kind)) && settlement.orderId !== null) {
    await attachOrder(tx, { command, book }, settlement.orderId, touched);
  }
}

async function takePosition(tx: Transaction, book: Book, position: PositionId, touched: Touched): Promise<void> {
  for (const order of await adoptPosition(tx, book, position)) touched.trade(book.trade.id).add(order);
}

async function attachOrder(
  tx: Transaction,
  { command, book }: Pick<Ending, 'command' | 'book'>,
  orderId: OrderId,
  touched: Touched,
): Promise<void> {
  const { kind } = command.plan.intent;
  const { trade } = book;
  const side = isOpening(kind) ? trade.side : opposite(trade.side);
  const position = trade.positionKey?.slice(2) ?? null;
  const owner = { tradeId: trade.id, commandId: command.commandId, origin: 'ENGINE' } as const;
  await releaseDeadOrder(tx, owner, orderId);
  if (await hasOrder(tx, command.commandId)) return;
  const order = { orderId, positionId: position as PositionId | null, symbol: trade.symbol, side };
  const state = kind === 'PLACE_PENDING' ? 'WORKING' : 'SUBMITTED';
  touched.add(await writeBareOrder(tx, command.accountId, { ...order, state }, owner));
}

const orderOf: Statement = { name: 'order-of-command', text: 'select 1 as one from trade_order where command_id = $1' };

async function hasOrder(tx: Transaction, command: CommandId): Promise<boolean> {
  return (await tx.rows(orderOf, [command])).length > 0;
}

/** A confirmed edit whose reading back brought no position: what was sent is what stands. */
function readBackOf({ command, facts }: Ending, settlement: Settlement): ReadBack | null {
  const { wire } = command;
  if (settlement.state !== 'CONFIRMED' || wire?.kind !== 'MODIFY_PROTECTION') return null;
  const isShown = facts.some((fact) => fact.kind === 'position' && fact.positionId === wire.positionId);
  return isShown ? null : { stopLoss: wire.stopLoss, takeProfit: wire.takeProfit };
}

/** A person's word on a command that evidence could not decide; any other state stays as it is. */
export async function decideCommand(pool: Pool, id: CommandId, decision: CommandDecision): Promise<TradeView> {
  return inTransaction(pool, { locked: { command: id }, actor: decision.by }, async (tx) => {
    const command = await commandIn(tx, id);
    const book = await existing(tx, command.tradeId);
    if (command.state !== 'REVIEW' && command.state !== 'UNKNOWN') return viewOf(book);
    const { by, verdict, evidence } = decision;
    const outcome = { code: verdict, decided_by: by, evidence };
    const state = verdict === 'executed' ? 'CONFIRMED' : 'NOT_EXECUTED';
    await Promise.all([
      tx.run(setOutcome, [id, state, JSON.stringify(outcome), null]),
      writeEvent(tx, book.trade, {
        type: 'command.decided',
        body: { stepKey: command.stepKey, state, ...outcome },
        wakes: false,
      }),
    ]);
    return followOne(tx, command.tradeId);
  });
}
