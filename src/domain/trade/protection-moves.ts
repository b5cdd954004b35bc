import type { Price } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import { breakevenStep, cancelStep, closeStep, editStep, protectStep, type StepKey } from '../ids.ts';
import { breakevenStop, isTighter } from '../protection.ts';
import { memoOf, type Desk, type Wish } from './desk.ts';
import type { CloseReason, Intent } from './intent.ts';
import { change, planOf, send, type Move } from './planning.ts';
import { hasPosition } from './state.ts';
import type { TradeView } from './view.ts';

/** After this many refused stops an unprotected position is closed. */
const protectTries = 5;

/** A try whose outcome is open does not hold up the next person's: a position is closed by its id, so a second close finds nothing. */
export function closeInEmergency(desk: Desk, now: UtcMs): Move | null {
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

/** A stop that is gone, or that an edit of ours moved back while somebody tightened it, is put where the trade wants it. */
export function restoreStop(desk: Desk, now: UtcMs): Move | null {
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

export function closePosition(desk: Desk, now: UtcMs): Move | null {
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

export function moveToBreakeven(desk: Desk, now: UtcMs): Move | null {
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
