import type { UtcMs } from '../facts.ts';
import { openStep, type StepKey } from '../ids.ts';
import { memoOf, type Desk } from './desk.ts';
import { workLadder } from './ladder-moves.ts';
import type { Move, Rule } from './planning.ts';
import { closeInEmergency, closePosition, moveToBreakeven, restoreStop } from './protection-moves.ts';
import { answerWish, changeAutomation, editPosition } from './wish-moves.ts';

/** Moves that need no free lane, most urgent first. */
export const freeMoves: readonly Rule[] = [answerWish, closeInEmergency, syncRecords];

/** Moves that take the lane and send nothing: allowed too while a command waits for a person. */
export const lookUpMoves: readonly Rule[] = [resolveOpenOutcome];

/** Moves that take the lane, most urgent first: protect, get out, then the rest. */
export const laneMoves: readonly Rule[] = [
  openPosition,
  restoreStop,
  closePosition,
  moveToBreakeven,
  changeAutomation,
  editPosition,
  workLadder,
];

function syncRecords(desk: Desk): Move | null {
  if (desk.syncing || desk.view === null || !desk.view.settling || desk.view.unsettled !== null) return null;
  return { desk: { ...desk, syncing: true }, effects: [{ kind: 'sync' }] };
}

function resolveOpenOutcome(desk: Desk): Move | null {
  const step = desk.lookUp ?? openOutcome(desk);
  if (step === null) return null;
  return {
    desk: { ...desk, lane: { doing: 'resolve', stepKey: step } },
    effects: [{ kind: 'resolve', stepKey: step }],
  };
}

/** A command the book shows as open although nobody here is busy with it. */
function openOutcome(desk: Desk): StepKey | null {
  const unsettled = desk.view?.unsettled ?? null;
  if (unsettled === null || unsettled.state === 'REVIEW' || unsettled.stepKey === desk.emergency?.stepKey) return null;
  return unsettled.stepKey;
}

function openPosition(desk: Desk, now: UtcMs): Move | null {
  const wanted = desk.openRefused === null && (desk.view === null || desk.view.state === 'PENDING');
  const memo = memoOf(desk, openStep);
  if (!wanted || memo.notBefore > now) return null;
  return { desk: { ...desk, lane: { doing: 'open' } }, effects: [{ kind: 'open', attempt: memo.attempt }] };
}
