import { compare, isOnStep, isZero, roundToStep, subtract, ZERO_LOTS, type Lots, type Price } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import {
  breakevenStep,
  cancelStep,
  closeStep,
  editStep,
  openStep,
  protectStep,
  targetStep,
  type StepKey,
} from '../ids.ts';
import { targetLots, withoutDust, type LadderInstrument } from '../ladder.ts';
import { breakevenStop, isTighter } from '../protection.ts';
import type { TradeChange } from './change.ts';
import { memoOf, type Desk, type Reply, type StepMemo, type Trigger, type Wish } from './desk.ts';
import type { Effect } from './effects.ts';
import type { CloseReason, CommandPlan, Intent } from './intent.ts';
import { rungsOf, ladderEditDenial } from './edit-ladder.ts';
import { hasPosition, isOver } from './state.ts';
import type { TargetView, TradeView } from './view.ts';

/** One thing to do now, and the desk once it is under way. */
export interface Move {
  readonly desk: Desk;
  readonly effects: readonly Effect[];
}

/** Looks at a desk and says what to do now, or `null` when this rule has nothing to say. */
export type Rule = (desk: Desk, now: UtcMs) => Move | null;

/** A crossing heard of later than this is late, whoever saw it. */
const lateAfterMs = 5_000;

/** After this many refused stops an unprotected position is closed. */
const protectTries = 5;

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

function answerWish(desk: Desk): Move | null {
  const wish = desk.wishes.find((candidate) => replyTo(candidate, desk) !== null);
  if (wish === undefined) return null;
  const reply = replyTo(wish, desk) as Reply;
  const wishes = desk.wishes.filter((other) => other !== wish);
  return { desk: { ...desk, wishes }, effects: [{ kind: 'answer', requestId: wish.requestId, reply }] };
}

function replyTo(wish: Wish, desk: Desk): Reply | null {
  const known = desk.replies[wish.requestId];
  if (known !== undefined) return known;
  if (desk.view === null || !isOver(desk.view.state)) return null;
  if (wish.kind === 'close') return { kind: 'confirmed' };
  const denial = {
    code: 'trade-over',
    field: 'trade',
    value: desk.view.state,
    rule: 'a trade that is over takes no commands',
    fix: 'open a new trade',
  };
  return { kind: 'denied', denial };
}

/** A try whose outcome is open does not hold up the next person's: a position is closed by its id, so a second close finds nothing. */
function closeInEmergency(desk: Desk, now: UtcMs): Move | null {
  if (desk.emergency !== null || desk.view === null || !mayBeClosed(desk.view)) return null;
  const wish = desk.wishes.filter(isEmergency).find(({ requestId }) => {
    const step = closeStep(requestId);
    return memoOf(desk, step).notBefore <= now && !isLookedUp(desk, step);
  });
  if (wish === undefined) return null;
  const plan = planOf(
    desk,
    closeStep(wish.requestId),
    { kind: 'EMERGENCY_CLOSE' },
    { closeReason: wish.reason, by: wish.by },
  );
  return { desk: { ...desk, emergency: plan }, effects: [{ kind: 'send', plan }] };
}

const isEmergency = (wish: Wish): wish is Extract<Wish, { kind: 'close' }> => wish.kind === 'close' && wish.emergency;

/** A trade in review keeps its position at the broker: people may get out of it, the automation does nothing. */
function mayBeClosed({ state, positionId }: TradeView): boolean {
  return hasPosition(state) || (state === 'NEEDS_REVIEW' && positionId !== null);
}

function isLookedUp(desk: Desk, step: StepKey): boolean {
  return desk.lookUp === step || (desk.lane?.doing === 'resolve' && desk.lane.stepKey === step);
}

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

/** A stop that is gone, or that an edit of ours moved back while somebody tightened it, is put where the trade wants it. */
function restoreStop(desk: Desk, now: UtcMs): Move | null {
  const { view } = desk;
  if (view === null || view.state !== 'OPEN' || view.intendedStop === null) return null;
  if (view.stopLoss !== null && !isTakenBack(view, view.stopLoss, view.intendedStop)) return null;
  if (memoOf(desk, protectStep(desk.protectNumber)).tries >= protectTries)
    return view.stopLoss === null ? closeUnprotected(desk) : null;
  const intent: Intent = {
    kind: 'MODIFY_PROTECTION',
    stopLoss: { to: view.intendedStop },
    takeProfit: 'keep',
    mayLoosen: false,
    setsFloor: false,
  };
  return send(desk, now, protectStep(desk.protectNumber), intent, { closeReason: null, protects: true });
}

/** A stop that others moved below the floor is theirs to answer for, and shown; it is not moved back. */
function isTakenBack({ side, breakevenFloor }: TradeView, stop: Price, intended: Price): boolean {
  const belowFloor = breakevenFloor !== null && isTighter(side, breakevenFloor, stop);
  return !belowFloor && isTighter(side, intended, stop);
}

function closeUnprotected(desk: Desk): Move | null {
  if (desk.wishes.some(({ by }) => by === 'automation')) return null;
  const requestId = `unprotected:${desk.protectNumber}`;
  const reason: CloseReason = {
    reason: 'RISK',
    subreason: 'UNPROTECTED',
    text: 'No stop loss could be placed at the broker',
  };
  const wish: Wish = { requestId, by: 'automation', kind: 'close', emergency: true, reason };
  return { desk: { ...desk, wishes: [...desk.wishes, wish] }, effects: [] };
}

function closePosition(desk: Desk, now: UtcMs): Move | null {
  return cancelEntry(desk, now) ?? closeAll(desk, now);
}

/** While the entry order rests at the broker, getting out means cancelling it, however urgent. */
function cancelEntry(desk: Desk, now: UtcMs): Move | null {
  const wish = desk.wishes.find(({ kind }) => kind === 'close');
  if (wish === undefined || desk.view?.state !== 'WORKING') return null;
  return send(desk, now, cancelStep(wish.requestId), { kind: 'CANCEL_PENDING' }, { closeReason: null, by: wish.by });
}

function closeAll(desk: Desk, now: UtcMs): Move | null {
  const wish = desk.wishes.find((candidate) => candidate.kind === 'close' && !candidate.emergency);
  if (wish === undefined || wish.kind !== 'close' || desk.view === null || !mayBeClosed(desk.view)) return null;
  return send(desk, now, closeStep(wish.requestId), { kind: 'FULL_CLOSE' }, { closeReason: wish.reason, by: wish.by });
}

function moveToBreakeven(desk: Desk, now: UtcMs): Move | null {
  const wish = desk.wishes.find((candidate) => candidate.kind === 'breakeven');
  const { view } = desk;
  if (view === null || view.state !== 'OPEN' || view.entryPrice === null) return null;
  if (wish === undefined && (desk.stuck !== null || !breakevenDue(view))) return null;
  const offset = view.breakeven.rule?.offset ?? { points: '0' };
  const to = breakevenStop(view.side, view.entryPrice, offset, view.instrument);
  const intent: Intent = {
    kind: 'MODIFY_PROTECTION',
    stopLoss: { to },
    takeProfit: 'keep',
    mayLoosen: false,
    setsFloor: true,
  };
  if (wish !== undefined) return send(desk, now, editStep(wish.requestId), intent, { closeReason: null, by: wish.by });
  const step = breakevenStep(desk.breakevenNumber);
  return pendingBreakeven(desk, step) ?? send(desk, now, step, intent, { closeReason: null });
}

function breakevenDue(view: TradeView): boolean {
  const { rule, state } = view.breakeven;
  if (rule === null || view.automation === 'PAUSED' || !(state === 'WAITING' || state === 'PENDING')) return false;
  return view.targets.some(({ level, state: target }) => level >= rule.afterLevel && target === 'DONE');
}

/** The first refusal of a due breakeven is written down, so that "breakeven pending" is visible. */
function pendingBreakeven(desk: Desk, step: StepKey): Move | null {
  if (desk.view?.breakeven.state !== 'WAITING' || memoOf(desk, step).tries === 0) return null;
  const reason = memoOf(desk, step).refusal?.text ?? 'refused by the broker';
  return change(desk, { kind: 'breakeven-pending', reason }, 'automation', null);
}

function changeAutomation(desk: Desk): Move | null {
  for (const wish of desk.wishes) {
    if (desk.view === null || isOver(desk.view.state)) return null;
    if (wish.kind === 'pause') return change(desk, { kind: 'pause', reason: wish.reason }, wish.by, wish.requestId);
    if (wish.kind === 'resume') return change(desk, { kind: 'resume' }, wish.by, wish.requestId);
    if (wish.kind === 'edit-ladder') return editLadder(desk, desk.view, wish);
    if (wish.kind === 'decide-target') return decideTarget(desk, desk.view, wish);
  }
  return null;
}

function editLadder(desk: Desk, view: TradeView, wish: Extract<Wish, { kind: 'edit-ladder' }>): Move {
  const denial = ladderEditDenial(desk.request, view, wish.targets);
  if (denial !== null) return answered(desk, wish, { kind: 'denied', denial });
  const rungs = rungsOf(desk.request, view, wish.targets);
  return change(desk, { kind: 'edit-ladder', rungs }, wish.by, wish.requestId);
}

function decideTarget(desk: Desk, view: TradeView, wish: Extract<Wish, { kind: 'decide-target' }>): Move {
  const target = view.targets.find(({ level }) => level === wish.level);
  if (target?.state !== 'TRIGGERED') {
    const denial = {
      code: 'target-not-waiting',
      field: 'level',
      value: String(wish.level),
      rule: 'only a target that waits for a person can be decided',
      fix: 'see which targets are TRIGGERED',
    };
    return answered(desk, wish, { kind: 'denied', denial });
  }
  if (wish.verdict === 'act') {
    return answered({ ...desk, actOnLate: [...desk.actOnLate, wish.level] }, wish, { kind: 'confirmed' });
  }
  const skip: TradeChange = {
    kind: 'skip-target',
    level: target.level,
    generation: target.generation,
    reason: `decided by ${wish.by}`,
  };
  return change(desk, skip, wish.by, wish.requestId);
}

function answered(desk: Desk, wish: Wish, reply: Reply): Move {
  return { desk: { ...desk, replies: { ...desk.replies, [wish.requestId]: reply } }, effects: [] };
}

function editPosition(desk: Desk, now: UtcMs): Move | null {
  const { view } = desk;
  if (view === null || view.state !== 'OPEN') return null;
  const wish = desk.wishes.find(({ kind }) => kind === 'close-part' || kind === 'edit-protection');
  if (wish?.kind === 'edit-protection') {
    const intent: Intent = {
      kind: 'MODIFY_PROTECTION',
      stopLoss: wish.stopLoss,
      takeProfit: wish.takeProfit,
      mayLoosen: true,
      setsFloor: false,
    };
    return send(desk, now, editStep(wish.requestId), intent, { closeReason: null, by: wish.by });
  }
  return wish?.kind === 'close-part' ? closePart(desk, now, view, wish) : null;
}

function closePart(desk: Desk, now: UtcMs, view: TradeView, wish: Extract<Wish, { kind: 'close-part' }>): Move | null {
  const { instrument } = view;
  const asked =
    'lots' in wish.size ? wish.size.lots : partOf(view.remainingLots, wish.size.percentOfRemaining, instrument);
  if (compare(asked, view.remainingLots) > 0) return tooMuch(desk, wish, asked, view.remainingLots);
  if (!isOnStep(asked, instrument.volumeStep)) return offStep(desk, wish, asked, instrument);
  const sizing = withoutDust(asked, view.remainingLots, instrument);
  if (sizing.kind === 'skip') {
    const denial = {
      code: 'volume-below-minimum',
      field: 'volume',
      value: asked,
      rule: sizing.reason,
      fix: 'close more, or all of it',
    };
    return answered(desk, wish, { kind: 'denied', denial });
  }
  const closeReason: CloseReason = {
    reason: 'MANUAL',
    subreason: 'PARTIAL',
    text: `${wish.by} closed ${sizing.lots} lots`,
  };
  return send(desk, now, closeStep(wish.requestId), closeTo(subtract(view.remainingLots, sizing.lots)), {
    closeReason,
    by: wish.by,
  });
}

function partOf(remaining: Lots, percent: string, instrument: LadderInstrument): Lots {
  const exact = targetLots(
    { original: remaining, remaining, bps: Math.round(Number(percent) * 100), closesRest: false },
    instrument,
  );
  return exact.kind === 'close' ? exact.lots : ZERO_LOTS;
}

function offStep(desk: Desk, wish: Wish, asked: Lots, { volumeStep }: LadderInstrument): Move {
  const rule = `volumes are multiples of ${volumeStep} lots`;
  const denial = {
    code: 'volume-off-step',
    field: 'volume',
    value: asked,
    rule,
    fix: `close ${roundToStep(asked, volumeStep, 'down')}`,
  };
  return answered(desk, wish, { kind: 'denied', denial });
}

function tooMuch(desk: Desk, wish: Wish, asked: Lots, remaining: Lots): Move {
  const denial = {
    code: 'volume-exceeds-position',
    field: 'volume',
    value: asked,
    rule: `only ${remaining} lots are open`,
    fix: `close at most ${remaining}`,
  };
  return answered(desk, wish, { kind: 'denied', denial });
}

function workLadder(desk: Desk, now: UtcMs): Move | null {
  const { view } = desk;
  if (view === null || view.state !== 'OPEN' || view.automation === 'PAUSED' || desk.stuck !== null) return null;
  for (const target of view.targets) {
    const trigger = desk.triggers[target.level];
    if (trigger === undefined || trigger.generation !== target.generation) continue;
    if (target.state !== 'TRIGGERED' && target.state !== 'EXECUTING') continue;
    const move = workTarget(desk, now, { view, target, trigger });
    if (move !== null) return move;
  }
  return null;
}

interface TargetAtHand {
  readonly view: TradeView;
  readonly target: TargetView;
  readonly trigger: Trigger;
}

function workTarget(desk: Desk, now: UtcMs, at: TargetAtHand): Move | null {
  const { view, target, trigger } = at;
  const step = targetStep(target.level, target.generation);
  const memo = memoOf(desk, step);
  const settled = afterRefusal(desk, target, memo);
  if (settled !== null) return settled;
  const late = (trigger.late || now - trigger.at > lateAfterMs) && !desk.actOnLate.includes(target.level);
  if (late && target.late === 'skip')
    return skip(desk, target, 'crossed while nobody was there; its policy is to skip');
  if (late && target.late === 'ask') return null;
  const sizing = sizeOf(view, target);
  if (sizing.kind === 'skip') return skip(desk, target, sizing.reason);
  const closeReason: CloseReason = {
    reason: 'TAKE_PROFIT',
    subreason: `TP${target.level}`,
    text: `Target ${target.level} reached at ${trigger.price}${trigger.late ? ' while nobody was there' : ''}`,
  };
  const onlyIfBeyond = late && target.late === 'act-if-beyond' ? target.price : null;
  const intent = closeTo(subtract(view.remainingLots, sizing.lots));
  return send(desk, now, step, intent, { closeReason, targetLevel: target.level, onlyIfBeyond });
}

function afterRefusal(desk: Desk, target: TargetView, memo: StepMemo): Move | null {
  const { refusal } = memo;
  if (refusal === null) return null;
  const { level, generation } = target;
  if (refusal.code === 'price-came-back')
    return change(desk, { kind: 'rearm-target', level, generation, reason: refusal.text }, 'automation', null);
  if (!refusal.final) return null;
  if (target.state === 'TRIGGERED') return skip(desk, target, refusal.text);
  return change(desk, { kind: 'fail-target', level, generation, reason: refusal.text }, 'automation', null);
}

function skip(desk: Desk, target: TargetView, reason: string): Move {
  return change(
    desk,
    { kind: 'skip-target', level: target.level, generation: target.generation, reason },
    'automation',
    null,
  );
}

/** The size comes from the confirmed remainder, never from arithmetic alone. */
function sizeOf(view: TradeView, target: TargetView): ReturnType<typeof targetLots> {
  const live = view.targets.filter(({ state }) => state !== 'CANCELLED');
  const full = live.reduce((total, { closeBps }) => total + closeBps, 0) === 10_000;
  const last = live.every(({ level }) => level <= target.level);
  return targetLots(
    { original: view.openedLots, remaining: view.remainingLots, bps: target.closeBps, closesRest: full && last },
    view.instrument,
  );
}

function closeTo(leaveLots: Lots): Intent {
  return isZero(leaveLots) ? { kind: 'FULL_CLOSE' } : { kind: 'PARTIAL_CLOSE', leaveLots };
}

interface PlanDetails {
  readonly closeReason: CloseReason | null;
  readonly targetLevel?: number;
  readonly onlyIfBeyond?: CommandPlan['onlyIfBeyond'];
  /** The person who asked; left out for the automation itself. */
  readonly by?: string;
  /** Puts a missing stop back. */
  readonly protects?: true;
}

function send(desk: Desk, now: UtcMs, step: StepKey, intent: Intent, details: PlanDetails): Move | null {
  if (memoOf(desk, step).notBefore > now) return null;
  const plan = planOf(desk, step, intent, details);
  return { desk: { ...desk, lane: { doing: 'send', plan } }, effects: [{ kind: 'send', plan }] };
}

function planOf(desk: Desk, stepKey: StepKey, intent: Intent, details: PlanDetails): CommandPlan {
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

function change(desk: Desk, wanted: TradeChange, actor: string, requestId: string | null): Move {
  return {
    desk: { ...desk, lane: { doing: 'change', requestId } },
    effects: [{ kind: 'change', change: wanted, actor, requestId }],
  };
}
