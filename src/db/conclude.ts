import type { CommandId } from '../domain/ids.ts';
import type { CommandPlan } from '../domain/trade/intent.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { commandIdOf } from '../identity.ts';
import type { UnsentConclusion } from '../trading/records.ts';
import { unsettledStates, type Book, type BookCommand } from './book.ts';
import { mayBePlanned, takeTarget, writePlan } from './claim.ts';
import { existing, followTrades, putFacts } from './ingest.ts';
import type { Pool } from './pool.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';
import { viewOf } from './view.ts';
import { writeEvent } from './write-follow.ts';

/** It counts as the plan's attempt, so that the next one has the next number; what an earlier attempt sent no longer stands for it. */
const concludeCommand: Statement = {
  name: 'command-conclude',
  text: `update broker_command set state = $2, attempt = $3, outcome = $4, wire = null, retry_not_before = null,
      settled_at = clock_timestamp(), version = version + 1 where id = $1`,
};

/** Ends an attempt without sending anything; see `CommandRecords.concludeUnsent`. */
export async function concludeUnsent(pool: Pool, plan: CommandPlan, conclusion: UnsentConclusion): Promise<TradeView> {
  const id = commandIdOf(plan.tradeId, plan.stepKey);
  return inTransaction(pool, { locked: { account: plan.accountId }, actor: plan.actor }, async (tx) => {
    const book = await existing(tx, plan.tradeId);
    const row = book.commands.find((command) => command.id === id);
    const isOpen = mayBePlanned(plan, book) && (row === undefined || mayBeConcluded(row, plan));
    if (isOpen) await write(tx, { id, plan, book, row }, conclusion);
    const facts = conclusion.state === 'CONFIRMED' ? conclusion.facts : [];
    const touched = await putFacts(tx, plan.accountId, facts, 'command-read');
    touched.trade(plan.tradeId);
    await followTrades(tx, touched, { trade: plan.tradeId, readBack: null });
    return viewOf(await existing(tx, plan.tradeId));
  });
}

function mayBeConcluded(row: BookCommand, plan: CommandPlan): boolean {
  if (unsettledStates.has(row.state) || row.state === 'CONFIRMED' || row.state === 'REJECTED') return false;
  return row.attempt < plan.attempt;
}

interface Concluded {
  readonly id: CommandId;
  readonly plan: CommandPlan;
  readonly book: Book;
  readonly row: BookCommand | undefined;
}

async function write(tx: Transaction, concluded: Concluded, conclusion: UnsentConclusion): Promise<void> {
  const { id, plan, book } = concluded;
  const { state, code } = conclusion;
  const outcome = conclusion.state === 'CONFIRMED' ? { code } : { code, text: conclusion.text };
  await writePlan(tx, concluded);
  await Promise.all([
    tx.run(concludeCommand, [id, state, plan.attempt, JSON.stringify(outcome)]),
    ...(state === 'CONFIRMED' ? takeTarget(tx, { id, plan, book }) : []),
    writeEvent(tx, book.trade, {
      type: 'command.unsent',
      body: { stepKey: plan.stepKey, state, ...outcome },
      wakes: false,
    }),
  ]);
}
