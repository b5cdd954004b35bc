import { isZero, type Lots } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import type { StepKey } from '../ids.ts';
import type { TradeChange } from './change.ts';
import { memoOf, type Desk } from './desk.ts';
import type { Effect } from './effects.ts';
import type { CloseReason, CommandPlan, Intent } from './intent.ts';

/** One thing to do now, and the desk once it is under way. */
export interface Move {
  readonly desk: Desk;
  readonly effects: readonly Effect[];
}

/** Looks at a desk and says what to do now, or `null` when this rule has nothing to say. */
export type Rule = (desk: Desk, now: UtcMs) => Move | null;

export interface PlanDetails {
  readonly closeReason: CloseReason | null;
  readonly targetLevel?: number;
  readonly onlyIfBeyond?: CommandPlan['onlyIfBeyond'];
  /** The person who asked; left out for the automation itself. */
  readonly by?: string;
  /** Puts a missing stop back. */
  readonly protects?: true;
}

export function send(desk: Desk, now: UtcMs, step: StepKey, intent: Intent, details: PlanDetails): Move | null {
  if (memoOf(desk, step).notBefore > now) return null;
  const plan = planOf(desk, step, intent, details);
  return { desk: { ...desk, lane: { doing: 'send', plan } }, effects: [{ kind: 'send', plan }] };
}

export function planOf(desk: Desk, stepKey: StepKey, intent: Intent, details: PlanDetails): CommandPlan {
  const { tradeId, accountId } = desk.request;
  return {
    tradeId,
    accountId,
    stepKey,
    intent,
    attempt: memoOf(desk, stepKey).attempt,
    targetLevel: details.targetLevel ?? null,
    onlyIfBeyond: details.onlyIfBeyond ?? null,
    closeReason: details.closeReason,
    by: details.protects === true ? 'protection' : details.by === undefined ? 'automation' : 'person',
    actor: details.by ?? 'automation',
  };
}

export function change(desk: Desk, wanted: TradeChange, actor: string, requestId: string | null): Move {
  return {
    desk: { ...desk, lane: { doing: 'change', requestId } },
    effects: [{ kind: 'change', change: wanted, actor, requestId }],
  };
}

export function closeTo(leaveLots: Lots): Intent {
  return isZero(leaveLots) ? { kind: 'FULL_CLOSE' } : { kind: 'PARTIAL_CLOSE', leaveLots };
}
