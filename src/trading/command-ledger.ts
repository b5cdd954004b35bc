import type { Clock } from '../clock.ts';
import type { Fact } from '../domain/facts.ts';
import type { CommandId } from '../domain/ids.ts';
import {
  Unavailable,
  unreachable,
  type CommandOutcome,
  type RefusalCode,
  type RetryAdvice,
} from '../domain/outcome.ts';
import type { CommandPlan, CommandReport } from '../domain/trade/intent.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { commandIdOf } from '../identity.ts';
import { quietWindowMs, type Accepted, type BrokerAccount, type Connector, type Evidence } from './connector.ts';
import { createGate } from './gate.ts';
import { judge } from './judge.ts';
import { preflight, type Reads } from './preflight.ts';
import type { CommandRow, Records, Settlement } from './records.ts';

/** What one step came to, and the book after it. `attempt` is the row's attempt, 0 when nothing was ever claimed. */
export interface CommandResult {
  readonly report: CommandReport;
  readonly view: TradeView;
  readonly attempt: number;
}

export interface LedgerDeps {
  readonly records: Records;
  readonly clock: Clock;
}

/** Pause before a step is tried again when the broker or the way to it was not there. */
const unavailableRetryMs = 1_000;
/** How long a closed market is left alone before it is asked again. */
const sessionRetryMs = 60_000;

/**
 * Carries out one planned command: read → check → claim (one commit) → send once → classify → settle (one commit).
 *
 * 1. No committed claim, no send.
 * 2. Nothing below this function sends twice; a repeated call meets the row of the first.
 * 3. An answer that did not come is `unknown`, and so is everything the tables do not list.
 *
 * @throws Unavailable when the database is away after the send: the row still says SENDING and is looked up later
 */
export async function executeCommand(
  deps: LedgerDeps,
  plan: CommandPlan,
  view: TradeView,
  reads: Reads,
  cancelled: AbortSignal,
): Promise<CommandResult> {
  const ready = await readAndCheck(plan, view, reads);
  if (ready.kind !== 'ready') return (await claimedBefore(deps, plan)) ?? unsent(deps, plan, view, reads, ready);
  const { account, connector } = reads;
  const bounds = { ...connector.bounds, ...account.bounds };
  const gate = createGate(deps.clock, bounds.sendWithinMs, cancelled);
  const claim = await deps.records.claim(plan, ready.wire, ready.before, bounds.sendWithinMs);
  if (claim.kind === 'denied') return denied(deps, plan, view, { kind: 'denied', ...claim.denial });
  if (claim.kind === 'book-differs')
    return unclaimed(await refreshBook(deps, plan, view, reads), { kind: 'book-changed' });
  if (claim.kind === 'already') return alreadyThere(deps, claim.command);
  const { command } = claim;
  const outgoing = { commandId: command.commandId, tag: tagOf(command), comment: commentOf(command), wire: ready.wire };
  const outcome = await connector.send(account, outgoing, gate);
  return settleOutcome(deps, command, outcome, reads, quietWindowMs(bounds));
}

/** Asked again after its process died, a step meets its row: what the broker shows by now may be its own effect. */
async function claimedBefore(deps: LedgerDeps, plan: CommandPlan): Promise<CommandResult | null> {
  const row = await deps.records.command(commandIdOf(plan.tradeId, plan.stepKey));
  return row !== null && row.wire !== null && row.attempt >= plan.attempt ? alreadyThere(deps, row) : null;
}

/** A plan that nothing is to be sent for, and what is written down of it. */
async function unsent(
  deps: LedgerDeps,
  plan: CommandPlan,
  view: TradeView,
  reads: Reads,
  why: Exclude<Ready, { kind: 'ready' }>,
): Promise<CommandResult> {
  switch (why.kind) {
    case 'unavailable':
      return unclaimed(await withoutBroker(deps, plan, view, why.because), notYet('broker-unavailable', why.because));
    case 'denied':
      return denied(deps, plan, view, { kind: 'denied', ...why.denial });
    case 'book-differs':
      return unclaimed(await refreshBook(deps, plan, view, reads), { kind: 'book-changed' });
    case 'goal-met': {
      const met = await deps.records.concludeUnsent(plan, {
        state: 'CONFIRMED',
        code: 'goal-met',
        facts: [why.position],
      });
      return unclaimed(met, { kind: 'confirmed' });
    }
    default:
      return unreachable(why);
  }
}

/** An open is not asked again by itself: without this its trade would stand PENDING for ever. */
async function withoutBroker(
  deps: LedgerDeps,
  plan: CommandPlan,
  view: TradeView,
  because: string,
): Promise<TradeView> {
  if (plan.intent.kind !== 'OPEN' && plan.intent.kind !== 'PLACE_PENDING') return view;
  return deps.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code: 'broker-unavailable', text: because });
}

type Ready = Awaited<ReturnType<typeof preflight>> | { readonly kind: 'unavailable'; readonly because: string };

async function readAndCheck(plan: CommandPlan, view: TradeView, reads: Reads): Promise<Ready> {
  try {
    return await preflight(plan, view, reads);
  } catch (error) {
    // A failed read before the claim means only that nothing was sent.
    if (error instanceof Unavailable) return { kind: 'unavailable', because: error.message };
    throw error;
  }
}

const unclaimed = (view: TradeView, report: CommandReport): CommandResult => ({ report, view, attempt: 0 });

const notYet = (code: string, text: string): CommandReport => ({
  kind: 'not-executed',
  code,
  text,
  retryAfterMs: unavailableRetryMs,
});

/** What is written down of a refusal: the end of an open, a person's request, an intended command in shadow mode. */
async function denied(
  deps: LedgerDeps,
  plan: CommandPlan,
  view: TradeView,
  report: Extract<CommandReport, { kind: 'denied' }>,
): Promise<CommandResult> {
  const text = `${report.field} ${report.value}: ${report.rule}`;
  const passing = report.code === 'position-busy';
  const final =
    report.code === 'shadow' ||
    plan.intent.kind === 'OPEN' ||
    plan.intent.kind === 'PLACE_PENDING' ||
    plan.by === 'person';
  if (passing || !final) return unclaimed(view, report);
  const concluded = await deps.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code: report.code, text });
  if (report.code === 'shadow')
    return unclaimed(concluded, { kind: 'not-executed', code: 'shadow', text, retryAfterMs: null });
  return unclaimed(concluded, report);
}

/** The broker has moved on: what it shows of this trade goes through the door before anything is decided again. */
async function refreshBook(deps: LedgerDeps, plan: CommandPlan, view: TradeView, reads: Reads): Promise<TradeView> {
  await deps.records.ingest(
    plan.accountId,
    await tradeFacts(reads.connector, reads.account, view),
    'command-read',
    plan.tradeId,
  );
  return (await deps.records.trade(plan.tradeId)) ?? view;
}

/**
 * All the broker shows of one trade: orders and deals of its position, the position itself, its resting order.
 *
 * @throws Unavailable when any of the reads was not complete
 */
export async function tradeFacts(
  connector: Connector,
  account: BrokerAccount,
  view: TradeView,
): Promise<readonly Fact[]> {
  const { positionId, entryOrderId } = view;
  const snapshot = await connector.snapshot(account);
  const resting = snapshot.workingOrders.filter(({ orderId }) => orderId === entryOrderId);
  if (positionId === null) return resting;
  const query = { by: 'position', positionId } as const;
  const [orders, deals] = await Promise.all([connector.orders(account, query), connector.deals(account, query)]);
  const position = snapshot.positions.filter((candidate) => candidate.positionId === positionId);
  return [...resting, ...orders, ...deals, ...position];
}

/** A command that was claimed before: its row, not this call, says what became of it. */
async function alreadyThere(deps: LedgerDeps, command: CommandRow): Promise<CommandResult> {
  const view = await viewOf(deps, command);
  return { report: reportOf(command), view, attempt: command.attempt };
}

async function viewOf(deps: LedgerDeps, command: CommandRow): Promise<TradeView> {
  const view = await deps.records.trade(command.tradeId);
  if (view === null) throw new Unavailable(`trade ${command.tradeId} could not be read back`);
  return view;
}

/** What a row's state means to its trade. */
export function reportOf(command: CommandRow): CommandReport {
  const code = textOf(command.outcome?.['code']) ?? command.state.toLowerCase();
  const text = textOf(command.outcome?.['text']) ?? textOf(command.outcome?.['because']) ?? code;
  switch (command.state) {
    case 'CONFIRMED':
      return { kind: 'confirmed' };
    case 'ACCEPTED':
      return { kind: 'accepted' };
    case 'REJECTED':
      return { kind: 'rejected', code, text };
    case 'NOT_EXECUTED':
      return {
        kind: 'not-executed',
        code,
        text,
        retryAfterMs: code === 'shadow' ? null : Math.max(0, (command.retryNotBefore ?? 0) - command.asOf),
      };
    case 'PLANNED':
      return { kind: 'not-executed', code: 'never-claimed', text: 'nothing was sent', retryAfterMs: 0 };
    case 'SENDING':
    case 'UNKNOWN':
      return { kind: 'unknown', because: text };
    case 'REVIEW':
      return { kind: 'review', because: text };
    default:
      return unreachable(command.state);
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

async function settleOutcome(
  deps: LedgerDeps,
  command: CommandRow,
  outcome: CommandOutcome<Accepted>,
  reads: Reads,
  quietMs: number,
): Promise<CommandResult> {
  switch (outcome.kind) {
    case 'accepted':
      return settleAccepted(deps, command, outcome.value, reads);
    case 'rejected':
      return settleRejected(deps, command, outcome, reads);
    case 'unavailable':
      return settle(
        deps,
        command,
        { state: 'NOT_EXECUTED', code: 'never-written', text: outcome.because, retryAfterMs: unavailableRetryMs },
        [],
      );
    case 'unknown':
      return settle(deps, command, { state: 'UNKNOWN', because: outcome.because, quietMs }, []);
    default:
      return unreachable(outcome);
  }
}

/** The broker no longer has what the command acts on. */
const movedOn: ReadonlySet<RefusalCode> = new Set(['position-not-found', 'order-not-found', 'volume-exceeds-position']);

async function settleRejected(
  deps: LedgerDeps,
  command: CommandRow,
  outcome: Extract<CommandOutcome<Accepted>, { kind: 'rejected' }>,
  reads: Reads,
): Promise<CommandResult> {
  const { reason, text, retry } = outcome;
  // The levels stand as asked already; reading them back proves it.
  if (reason === 'no-changes')
    return settleAccepted(deps, command, { orderId: null, positionId: null, facts: [] }, reads);
  if (!movedOn.has(reason)) return settle(deps, command, rejection(reason, text, retry), []);
  const stale: Settlement = { state: 'NOT_EXECUTED', code: reason, text, retryAfterMs: unavailableRetryMs };
  return settle(deps, command, stale, await whatIsThere(deps, command, reads));
}

/** What the broker shows of the trade now; nothing when it cannot be read, since the next try reads again. */
async function whatIsThere(
  deps: LedgerDeps,
  command: CommandRow,
  { connector, account }: Reads,
): Promise<readonly Fact[]> {
  try {
    return await tradeFacts(connector, account, await viewOf(deps, command));
  } catch (error) {
    // The refusal is settled in any case: a failed read only leaves the book as it was.
    if (error instanceof Unavailable) return [];
    throw error;
  }
}

function rejection(code: string, text: string, retry: RetryAdvice): Settlement {
  if (retry === 'never') return { state: 'REJECTED', code, text };
  const retryAfterMs = retry === 'now' ? null : retry === 'session-open' ? sessionRetryMs : retry.afterMs;
  return { state: 'NOT_EXECUTED', code, text, retryAfterMs };
}

/** The first sync read rides on the command: a target that goes well is one activity. */
async function settleAccepted(
  deps: LedgerDeps,
  command: CommandRow,
  accepted: Accepted,
  reads: Reads,
): Promise<CommandResult> {
  const evidence = await readEvidence(command, reads, accepted.positionId);
  const facts = evidence === null ? accepted.facts : [...accepted.facts, ...factsOf(evidence)];
  const settlement = confirmation(command, evidence, accepted);
  return settle(deps, command, settlement, facts);
}

async function readEvidence(
  command: CommandRow,
  reads: Reads,
  openedPosition: Accepted['positionId'],
): Promise<Evidence | null> {
  try {
    return await reads.connector.evidence(reads.account, sentOf(command, openedPosition));
  } catch (error) {
    // The command was accepted; a read that fails now only leaves the proof to the next step.
    if (error instanceof Unavailable) return null;
    throw error;
  }
}

function confirmation(command: CommandRow, evidence: Evidence | null, accepted: Accepted): Settlement {
  const { orderId, positionId } = accepted;
  const verdict = evidence === null ? null : judgeRow(command, evidence);
  if (verdict?.kind === 'executed') {
    return {
      state: 'CONFIRMED',
      orderId: orderId ?? verdict.orderId,
      positionId: positionId ?? verdict.positionId,
      evidence: { by: 'reply and read' },
    };
  }
  return { state: 'ACCEPTED', orderId, positionId, evidence: { by: 'reply' } };
}

/** Facts of a complete read, as they go through the door. */
export function factsOf(evidence: Evidence): readonly Fact[] {
  return [...evidence.orders, ...evidence.deals, ...(evidence.position === null ? [] : [evidence.position])];
}

export function judgeRow(command: CommandRow, evidence: Evidence): ReturnType<typeof judge> {
  const { wire, before } = command;
  if (wire === null || before === null) return { kind: 'undecided', because: 'the command was never claimed' };
  return judge({ tag: tagOf(command), wire, before }, evidence);
}

/** What evidence is asked for. `openedPosition` is what a reply named; a close names its own. */
export function sentOf(command: CommandRow, openedPosition: Accepted['positionId']) {
  return {
    tag: tagOf(command),
    positionId: command.before?.positionId ?? openedPosition,
    claimedAt: command.claimedAt ?? 0,
  };
}

export async function settle(
  deps: LedgerDeps,
  command: CommandRow,
  settlement: Settlement,
  facts: readonly Fact[],
): Promise<CommandResult> {
  const view = await deps.records.settle(command.commandId, command.attempt, settlement, facts);
  const row = await commandRow(deps, command.commandId);
  return { report: reportOf(row), view, attempt: row.attempt };
}

async function commandRow(deps: LedgerDeps, id: CommandId): Promise<CommandRow> {
  const row = await deps.records.command(id);
  if (row === null) throw new Unavailable(`command ${id} could not be read back`);
  return row;
}

function tagOf(command: CommandRow): number {
  if (command.tag === null) throw new Unavailable(`command ${command.commandId} has no wire tag yet`);
  return command.tag;
}

/** A hint for people at the terminal: at most 24 characters, see reliability §2.6. */
function commentOf(command: CommandRow): string {
  const step = command.stepKey.replace(/[^A-Za-z0-9]/gu, '-').slice(0, 12);
  return `b${commandIdOf(command.tradeId, command.stepKey).slice(0, 8)}-${step}`;
}
