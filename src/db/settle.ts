import { isZero } from '../domain/decimal.ts';
import { opposite, type Fact } from '../domain/facts.ts';
import { positionId, type CommandId, type OrderId } from '../domain/ids.ts';
import type { CommandState, TradeView } from '../domain/trade/view.ts';
import type { CommandDecision, CommandRow, Settlement } from '../trading/records.ts';
import { isClosing, isOpening, type Book } from './book.ts';
import { commandIn } from './command-row.ts';
import type { ReadBack } from './follow-levels.ts';
import { adoptPosition, existing, followOne, followTrades, putFacts } from './ingest.ts';
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
    const ending: Ending = { command, book, facts };
    const path = command.attempt === attempt ? pathTo(command.state, settlement.state) : [];
    const written = path.length > 0 ? writeSettlement(tx, ending, settlement, path) : Promise.resolve();
    const attached = path.length > 0 ? attach(tx, ending, settlement) : Promise.resolve([]);
    const [touched, orders] = await Promise.all([
      putFacts(tx, command.accountId, facts, 'command-read'),
      attached,
      written,
    ]);
    for (const order of orders) touched.trade(command.tradeId).add(order);
    touched.trade(command.tradeId);
    const readBack = path.length > 0 ? readBackOf(ending, settlement) : null;
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

/** The answer names the order and the position although the broker's records may not carry our tag; answers the orders touched. */
async function attach(tx: Transaction, ending: Ending, settlement: Settlement): Promise<readonly string[]> {
  if (settlement.state !== 'CONFIRMED' && settlement.state !== 'ACCEPTED') return [];
  const { command, book } = ending;
  const { kind } = command.plan.intent;
  const isPositionNew = isOpening(kind) && book.trade.positionKey === null && settlement.positionId !== null;
  const isOrderNamed = (isOpening(kind) || isClosing(kind)) && settlement.orderId !== null && !isTagged(ending);
  const touched = await Promise.all([
    isPositionNew ? adoptPosition(tx, book, settlement.positionId) : [],
    isOrderNamed ? attachOrder(tx, ending, settlement.orderId) : [],
  ]);
  return touched.flat();
}

/** Its order is known, or the facts say by tag which it is. */
function isTagged({ command, book, facts }: Ending): boolean {
  const known = book.orders.find(({ commandId }) => commandId === command.commandId);
  const isDead = known !== undefined && isZero(known.filledLots) && deadStates.has(known.state);
  return (known !== undefined && !isDead) || facts.some((fact) => 'orderId' in fact && fact.tag === command.tag);
}

const deadStates: ReadonlySet<string> = new Set(['CANCELLED', 'EXPIRED', 'REJECTED']);

async function attachOrder(tx: Transaction, { command, book }: Ending, orderId: OrderId): Promise<readonly string[]> {
  const { kind } = command.plan.intent;
  const { trade } = book;
  const side = isOpening(kind) ? trade.side : opposite(trade.side);
  const position = trade.positionKey === null ? null : positionId(trade.positionKey.slice(2));
  const owner = { tradeId: trade.id, commandId: command.commandId, origin: 'ENGINE' } as const;
  const order = { orderId, positionId: position, symbol: trade.symbol, side };
  const state = kind === 'PLACE_PENDING' ? 'WORKING' : 'SUBMITTED';
  const [, rows] = await Promise.all([
    releaseDeadOrder(tx, owner, orderId),
    writeBareOrder(tx, command.accountId, { ...order, state }, owner),
  ]);
  return rows.map(({ id }) => id);
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
