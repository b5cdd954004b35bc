import { Unavailable } from '../domain/outcome.ts';
import type { AccountId, StepKey, TradeId } from '../domain/ids.ts';
import { commandIdOf } from '../identity.ts';
import { quietWindowMs, type Bounds, type Evidence } from './connector.ts';
import { factsOf, judgeRow, reportOf, sentOf, settle, type CommandResult, type LedgerDeps } from './command-ledger.ts';
import type { Reads } from './preflight.ts';
import type { CommandRow } from './records.ts';
import type { Verdict } from './judge.ts';

/** What one look came to: decided, or to be looked at again after a pause. */
export type Resolution =
  | { readonly kind: 'decided'; readonly result: CommandResult }
  | { readonly kind: 'open'; readonly lookAgainAfterMs: number; readonly because: string };

/** Evidence that cannot decide for this long is put before a person. */
const reviewAfterMs = 10 * 60_000;

/** Pauses between looks; the last one repeats. */
const pausesMs = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

/**
 * One read-only look at what became of a command.
 *
 * 1. A trace decides at once; absence only from a complete read that began after the quiet window.
 * 2. A sender that may still be alive is left its time to write before its row is called UNKNOWN.
 * 3. What evidence cannot decide in ten minutes goes to a person.
 *
 * `look` counts from 1. Returns `null` when the trade itself was never recorded.
 */
export async function resolveCommand(
  deps: LedgerDeps,
  step: { readonly tradeId: TradeId; readonly accountId: AccountId; readonly stepKey: StepKey },
  reads: Reads,
  look: number,
): Promise<Resolution | null> {
  const view = await deps.records.trade(step.tradeId);
  if (view === null) return null;
  const row = await deps.records.command(commandIdOf(step.tradeId, step.stepKey));
  if (row === null || row.state === 'PLANNED') {
    const report = { kind: 'not-executed', code: 'never-claimed', text: 'nothing was sent', retryAfterMs: 0 } as const;
    return { kind: 'decided', result: { report, view, attempt: row?.attempt ?? 0 } };
  }
  if (!isOpen(row)) return { kind: 'decided', result: { report: reportOf(row), view, attempt: row.attempt } };
  return lookUp(deps, row, reads, look);
}

function isOpen(row: CommandRow): boolean {
  return row.state === 'SENDING' || row.state === 'ACCEPTED' || row.state === 'UNKNOWN';
}

async function lookUp(deps: LedgerDeps, row: CommandRow, reads: Reads, look: number): Promise<Resolution> {
  const bounds = { ...reads.connector.bounds, ...reads.account.bounds };
  const pauseMs = pausesMs[Math.min(look, pausesMs.length) - 1] ?? 30_000;
  const evidence = await readEvidence(row, reads);
  if (typeof evidence === 'string') return undecided(deps, row, bounds, evidence, pauseMs);
  const verdict = judgeRow(row, evidence);
  return conclude({ deps, row, bounds, pauseMs, evidence }, verdict);
}

async function readEvidence(row: CommandRow, reads: Reads): Promise<Evidence | string> {
  try {
    return await reads.connector.evidence(reads.account, sentOf(row, null));
  } catch (error) {
    // A read that failed proves nothing; the command stays open.
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

interface Look {
  readonly deps: LedgerDeps;
  readonly row: CommandRow;
  readonly bounds: Bounds;
  readonly pauseMs: number;
  readonly evidence: Evidence;
}

async function conclude(look: Look, verdict: Verdict): Promise<Resolution> {
  const { deps, row, bounds, pauseMs, evidence } = look;
  const facts = factsOf(evidence);
  switch (verdict.kind) {
    case 'executed': {
      const { orderId, positionId } = verdict;
      const confirmed = {
        state: 'CONFIRMED',
        orderId,
        positionId,
        evidence: { by: 'read', readAt: evidence.readAt },
      } as const;
      return { kind: 'decided', result: await settle(deps, row, confirmed, facts) };
    }
    case 'refused': {
      const refused = { state: 'REJECTED', code: verdict.code, text: verdict.text } as const;
      return { kind: 'decided', result: await settle(deps, row, refused, facts) };
    }
    case 'absent':
      return quietMs(row, bounds) <= 0
        ? absent(look)
        : undecided(deps, row, bounds, 'no trace yet', Math.min(pauseMs, quietMs(row, bounds)));
    case 'undecided':
      return undecided(deps, row, bounds, verdict.because, pauseMs);
  }
}

/** The read began after the quiet window and shows nothing: it was not executed, and never will be. */
async function absent({ deps, row, bounds, evidence }: Look): Promise<Resolution> {
  if (row.state === 'ACCEPTED') return undecided(deps, row, bounds, 'accepted, but not visible', 1_000);
  const gone = {
    state: 'NOT_EXECUTED',
    code: 'absent',
    text: 'no trace after the quiet window',
    retryAfterMs: null,
  } as const;
  return { kind: 'decided', result: await settle(deps, row, gone, factsOf(evidence)) };
}

/** Milliseconds until absence may be concluded, by the database's clock at the row's read. */
function quietMs(row: CommandRow, bounds: Bounds): number {
  const until =
    row.state === 'UNKNOWN' && row.retryNotBefore !== null
      ? row.retryNotBefore
      : (row.sendBy ?? row.asOf) + quietWindowMs(bounds);
  return until - row.asOf;
}

async function undecided(
  deps: LedgerDeps,
  row: CommandRow,
  bounds: Bounds,
  because: string,
  pauseMs: number,
): Promise<Resolution> {
  if (row.asOf - (row.claimedAt ?? row.asOf) > reviewAfterMs && row.state === 'UNKNOWN') {
    return { kind: 'decided', result: await settle(deps, row, { state: 'REVIEW', because }, []) };
  }
  const senderGone = row.sendBy !== null && row.asOf > row.sendBy + bounds.replyWaitMs;
  if (senderGone && row.state !== 'UNKNOWN') {
    await settle(deps, row, { state: 'UNKNOWN', because, quietMs: quietWindowMs(bounds) }, []);
  }
  return { kind: 'open', lookAgainAfterMs: Math.max(50, pauseMs), because };
}
