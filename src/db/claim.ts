import { createHash } from 'node:crypto';
import { compare, isZero, ZERO_LOTS } from '../domain/decimal.ts';
import type { CommandId } from '../domain/ids.ts';
import type { Denial } from '../domain/outcome.ts';
import type { CommandPlan, Intent } from '../domain/trade/intent.ts';
import { commandIdOf } from '../identity.ts';
import type { WireCommand } from '../trading/connector.ts';
import type { AccountRecord, BeforeSnapshot, ClaimAnswer } from '../trading/records.ts';
import { accountIn } from './accounts.ts';
import { isClosing, isOpening, unsettledStates, type Book, type BookCommand } from './book.ts';
import { claimDenial } from './claim-denial.ts';
import { commandIn } from './command-row.ts';
import { existing } from './ingest.ts';
import type { Pool } from './pool.ts';
import { symbolDenial } from './symbol-owner.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';
import { viewOf } from './view.ts';
import { writeTargets } from './write-follow.ts';

/** The tag is the account's next number; it stays the command's through all attempts. */
const planCommand: Statement = {
  name: 'command-plan',
  text: `with tag as (update account set next_wire_tag = next_wire_tag + 1 where id = $2::bigint
      and not exists (select from broker_command where id = $1) returning next_wire_tag - 1 as tag)
    insert into broker_command (id, account_id, trade_id, step_key, kind, position_key, intent, intent_hash, plan, close_reason, close_subreason,
      closure_text, actor, wire_tag)
    select $1, $2::bigint, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, tag from tag on conflict (id) do nothing`,
};

/** Before the first send everything but the step may still change; later only what is worked out anew for each attempt. */
const replanCommand: Statement = {
  name: 'command-replan',
  text: `update broker_command set plan = $2, actor = $3, close_reason = $4, close_subreason = $5, closure_text = $6,
      kind = case attempt when 0 then $7 else kind end, position_key = case attempt when 0 then $8 else position_key end,
      intent = case attempt when 0 then $9::jsonb else intent end, intent_hash = case attempt when 0 then $10::bytea else intent_hash end,
      version = version + 1
    where id = $1`,
};

const sendCommand: Statement = {
  name: 'command-sending',
  text: `update broker_command set state = 'SENDING', attempt = attempt + 1, wire = $2, before_snapshot = $3, claimed_at = clock_timestamp(),
      send_by = clock_timestamp() + $4::float8 * interval '1 ms', retry_not_before = null, outcome = null, settled_at = null, version = version + 1
    where id = $1`,
};

const setState: Statement = {
  name: 'trade-claimed',
  text: 'update trade set state = $2, version = version + 1 where id = $1',
};

/** One commit before the send; see `CommandRecords.claim`. */
export async function claim(
  pool: Pool,
  plan: CommandPlan,
  {
    wire,
    before,
    sendWithinMs,
  }: { readonly wire: WireCommand; readonly before: BeforeSnapshot; readonly sendWithinMs: number },
): Promise<ClaimAnswer> {
  const id = commandIdOf(plan.tradeId, plan.stepKey);
  return inTransaction(pool, { locked: { account: plan.accountId }, actor: plan.actor }, async (tx) => {
    const [account, book] = await Promise.all([accountIn(tx, plan.accountId), existing(tx, plan.tradeId)]);
    const row = book.commands.find((command) => command.id === id);
    if (row !== undefined && !isNext(row, plan)) return { kind: 'already', command: await commandIn(tx, id) };
    const planned = mayBePlanned(plan, book) ? writePlan(tx, { id, plan, book, row }) : Promise.resolve();
    const owned = await symbolDenial(tx, plan, { account, book });
    const refused =
      owned === null ? refusal(plan, { account, book, row, before }) : ({ kind: 'denied', denial: owned } as const);
    if (refused !== null) {
      await planned;
      return refused;
    }
    const sent = writeClaim(tx, { id, plan, book }, [JSON.stringify(wire), JSON.stringify(before), sendWithinMs]);
    const [command] = await tx.lastly(Promise.all([commandIn(tx, id), planned, sent]));
    return { kind: 'claimed', command, claimedAt: command.claimedAt ?? 0 };
  });
}

interface Situation {
  readonly account: AccountRecord;
  readonly book: Book;
  readonly row: BookCommand | undefined;
  readonly before: BeforeSnapshot;
}

function refusal(plan: CommandPlan, { account, book, row, before }: Situation): ClaimAnswer | null {
  const denial = claimDenial(plan, account, book) ?? changedIntent(plan, row) ?? quietDenial(plan, row);
  if (denial !== null) return { kind: 'denied', denial };
  const { remainingLots } = viewOf(book);
  if (compare(before.lots ?? ZERO_LOTS, remainingLots) === 0 || plan.intent.kind === 'EMERGENCY_CLOSE') return null;
  return { kind: 'book-differs', bookLots: remainingLots };
}

function quietDenial({ stepKey }: CommandPlan, row: BookCommand | undefined): Denial | null {
  if (row === undefined || !row.isQuiet) return null;
  return { code: 'quiet-window', field: 'stepKey', value: stepKey, rule: 'it may not be asked again yet', fix: 'wait' };
}

function isNext(row: BookCommand, plan: CommandPlan): boolean {
  if (unsettledStates.has(row.state) || row.state === 'CONFIRMED' || row.state === 'REJECTED') return false;
  return row.attempt + 1 === plan.attempt;
}

/** A close needs a position to be written down for; without one it is denied and leaves no row. */
export function mayBePlanned(plan: CommandPlan, book: Book): boolean {
  return isOpening(plan.intent.kind) || positionKeyOf(plan, book) !== null;
}

/** What is frozen at the first send. How much a close takes is worked out anew for each attempt. */
export function frozenIntent({
  intent,
  targetLevel,
}: CommandPlan): Intent | { readonly kind: 'CLOSE'; readonly targetLevel: number | null } {
  return isClosing(intent.kind) ? { kind: 'CLOSE', targetLevel } : intent;
}

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest();

function changedIntent(plan: CommandPlan, row: BookCommand | undefined): Denial | null {
  if (row === undefined || row.attempt === 0 || row.intentHash === hashOf(frozenIntent(plan)).toString('hex'))
    return null;
  const rule = 'what was sent once under this step cannot change';
  return { code: 'intent-changed', field: 'stepKey', value: plan.stepKey, rule, fix: 'use a new step' };
}

function positionKeyOf({ intent }: CommandPlan, book: Book): string | null {
  if (isOpening(intent.kind)) return null;
  if (intent.kind !== 'CANCEL_PENDING') return book.trade.positionKey;
  const { entryOrderId } = viewOf(book);
  return entryOrderId === null ? null : `o:${entryOrderId}`;
}

interface Planned {
  readonly id: CommandId;
  readonly plan: CommandPlan;
  readonly book: Book;
}

/** The row PLANNED, or brought up to this attempt's plan. */
export async function writePlan(
  tx: Transaction,
  { id, plan, book, row }: Planned & { readonly row: BookCommand | undefined },
): Promise<void> {
  const { closeReason, intent, actor } = plan;
  const frozen = frozenIntent(plan);
  const reason = [closeReason?.reason ?? null, closeReason?.subreason ?? null, closeReason?.text ?? null];
  const [position, hash, wholePlan] = [positionKeyOf(plan, book), hashOf(frozen), JSON.stringify(plan)];
  if (row === undefined) {
    const keys = [id, plan.accountId, plan.tradeId, plan.stepKey, intent.kind, position];
    await tx.run(planCommand, [...keys, JSON.stringify(frozen), hash, wholePlan, ...reason, actor]);
  } else if (JSON.stringify(row.plan) !== wholePlan) {
    await tx.run(replanCommand, [id, wholePlan, actor, ...reason, intent.kind, position, JSON.stringify(frozen), hash]);
  }
}

async function writeClaim(tx: Transaction, { id, plan, book }: Planned, sending: readonly unknown[]): Promise<void> {
  const { trade } = book;
  const next = isOpening(plan.intent.kind)
    ? 'OPENING'
    : leavesNothing(plan) && trade.state === 'OPEN'
      ? 'CLOSING'
      : null;
  await Promise.all([
    tx.run(sendCommand, [id, ...sending]),
    ...(next === null ? [] : [tx.run(setState, [trade.id, next])]),
    ...takeTarget(tx, { id, plan, book }),
  ]);
}

function leavesNothing({ intent }: CommandPlan): boolean {
  if (intent.kind === 'PARTIAL_CLOSE') return isZero(intent.leaveLots);
  return isClosing(intent.kind);
}

/** The rung this command closes: TRIGGERED → EXECUTING, in the command's name. */
export function takeTarget(tx: Transaction, { id, plan, book }: Planned): readonly Promise<unknown>[] {
  const target = book.targets.find(({ level, state }) => level === plan.targetLevel && state === 'TRIGGERED');
  if (target === undefined) return [];
  return writeTargets(tx, [{ ...target, state: 'EXECUTING', commandId: id, reason: null }]);
}
