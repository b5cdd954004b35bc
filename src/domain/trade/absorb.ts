import type { UtcMs } from '../facts.ts';
import { breakevenStep, closeStep, openStep, protectStep, type StepKey } from '../ids.ts';
import { unreachable } from '../outcome.ts';
import { memoOf, type Desk, type Reply, type StepMemo, type TradeEvent, type Trigger, type Wish } from './desk.ts';
import type { CommandReport } from './intent.ts';
import { hasPosition } from './state.ts';
import type { TradeView } from './view.ts';

/** Pauses between tries of a step that was refused for now: 1 s, doubling, at most 5 min. */
export function backoffMs(tries: number): number {
  return Math.min(1_000 * 2 ** Math.max(0, tries - 1), 300_000);
}

/** How long automation waits before it looks again whether it may act. */
const heldBackMs = 60_000;

/** A refusal that may pass is tried this often before it counts as final for what a person asked. */
const patience = 5;

/**
 * Refusals that say something about the moment, not about the command: however often they come, a target that waits for its close
 * is not given up. A person who waits for an answer is told after {@link patience} tries all the same.
 */
const passingCodes: ReadonlySet<string> = new Set([
  'absent',
  'broker-unavailable',
  'execution-mode-off',
  'frozen',
  'market-closed',
  'never-claimed',
  'never-written',
  'no-quotes',
  'paused',
  'position-busy',
  'position-not-found',
  'quiet-window',
  'request-too-old',
  'requote',
  'too-many-requests',
  'trade-state',
  'trading-state',
  'volume-exceeds-position',
]);

const isFinal = (code: string, tries: number) => tries >= patience && !passingCodes.has(code);

/** A broker that was away is asked again soon after it is back. */
const unavailablePauseMaxMs = 15_000;

function pauseMs(code: string, tries: number): number {
  return code === 'broker-unavailable' ? Math.min(backoffMs(tries), unavailablePauseMaxMs) : backoffMs(tries);
}

const heldBackCodes: ReadonlySet<string> = new Set(['paused', 'execution-mode-off']);

/** The desk after hearing of an event; decides nothing. */
export function absorb(desk: Desk, event: TradeEvent, now: UtcMs): Desk {
  switch (event.kind) {
    case 'begin':
      return desk;
    case 'open-reported':
      return openReported(desk, event, now);
    case 'reported':
      return reported(seen(desk, event.view), event, now);
    case 'lost':
      return { ...freed(desk, event.stepKey), lookUp: event.stepKey };
    case 'changed':
      return changed(seen(desk, event.view), event.requestId);
    case 'change-failed':
      return changeFailed({ ...desk, lane: null }, event.requestId, event.because);
    case 'synced':
      return { ...seen(desk, event.view), syncing: false };
    case 'facts':
      return seen(desk, event.view);
    case 'crossed':
      return crossed(desk, event.trigger);
    case 'asked':
      return asked(desk, event.wish);
    case 'due':
      return { ...desk, wakeAt: null };
    default:
      return unreachable(event);
  }
}

function crossed(desk: Desk, trigger: Trigger): Desk {
  const triggers = { ...desk.triggers, [trigger.level]: trigger };
  return { ...desk, triggers, view: desk.view === null ? null : withTriggers(desk.view, triggers) };
}

/** The newer of two views wins: facts and reports may overtake each other. */
function seen(desk: Desk, view: TradeView): Desk {
  return desk.view !== null && desk.view.revision > view.revision
    ? desk
    : { ...desk, view: withTriggers(view, desk.triggers) };
}

/** A crossing is in the book before the trade hears of it: a view that still shows the level armed was read before. */
function withTriggers(view: TradeView, triggers: Desk['triggers']): TradeView {
  const targets = view.targets.map((target) => {
    const fired = target.state === 'ARMED' && triggers[target.level]?.generation === target.generation;
    return fired ? { ...target, state: 'TRIGGERED' as const } : target;
  });
  return { ...view, targets };
}

function freed(desk: Desk, stepKey: StepKey): Desk {
  return desk.emergency?.stepKey === stepKey ? { ...desk, emergency: null } : { ...desk, lane: null };
}

function changed(desk: Desk, requestId: string | null): Desk {
  const idle: Desk = { ...desk, lane: null };
  return requestId === null ? idle : { ...idle, replies: { ...idle.replies, [requestId]: { kind: 'confirmed' } } };
}

function changeFailed(desk: Desk, requestId: string | null, because: string): Desk {
  if (requestId === null) return { ...desk, stuck: because };
  return { ...desk, replies: { ...desk.replies, [requestId]: { kind: 'rejected', code: 'invariant', text: because } } };
}

function asked(desk: Desk, wish: Wish): Desk {
  const known = wish.requestId in desk.replies || desk.wishes.some(({ requestId }) => requestId === wish.requestId);
  return known ? desk : { ...desk, wishes: [...desk.wishes, wish] };
}

function openReported(desk: Desk, event: Extract<TradeEvent, { kind: 'open-reported' }>, now: UtcMs): Desk {
  const heard: Desk = { ...(event.view === null ? desk : seen(desk, event.view)), lane: null };
  const { report } = event;
  if (report.kind === 'denied') return { ...heard, openRefused: { kind: 'denied', denial: report } };
  return reported(heard, { stepKey: openStep, report, attempt: event.attempt }, now);
}

function reported(
  desk: Desk,
  event: { readonly stepKey: StepKey; readonly report: CommandReport; readonly attempt: number },
  now: UtcMs,
): Desk {
  const { stepKey, report } = event;
  const lookedUp = desk.lookUp === stepKey ? { ...desk, lookUp: null } : desk;
  const idle = freed(lookedUp, stepKey);
  switch (report.kind) {
    case 'confirmed':
      return replied(usedUp(forgotten(idle, stepKey), stepKey), stepKey, { kind: 'confirmed' });
    case 'accepted':
    case 'unknown':
      return { ...idle, lookUp: stepKey };
    case 'rejected':
      return refused(idle, stepKey, report, now);
    case 'not-executed':
      return notExecuted(idle, stepKey, report, event.attempt, now);
    case 'denied':
      return denied(idle, stepKey, report, now);
    case 'book-changed':
      return tried(idle, stepKey, (memo) => ({
        ...memo,
        notBefore: memo.tries < 3 ? 0 : now + backoffMs(memo.tries - 2),
      }));
    case 'review':
      return replied(idle, stepKey, { kind: 'review', because: report.because });
    default:
      return unreachable(report);
  }
}

function forgotten(desk: Desk, stepKey: StepKey): Desk {
  const { [stepKey]: _, ...memos } = desk.memos;
  return { ...desk, memos };
}

function tried(desk: Desk, stepKey: StepKey, change: (memo: StepMemo) => StepMemo): Desk {
  const memo = memoOf(desk, stepKey);
  return { ...desk, memos: { ...desk.memos, [stepKey]: change({ ...memo, tries: memo.tries + 1 }) } };
}

/** The broker said no to this very command: the step key is used up, a later try is a new command. */
function refused(desk: Desk, stepKey: StepKey, report: Extract<CommandReport, { kind: 'rejected' }>, now: UtcMs): Desk {
  const reply: Reply = { kind: 'rejected', code: report.code, text: report.text };
  if (stepKey === openStep) return { ...desk, openRefused: reply };
  if (stepKey.startsWith('breakeven:') || stepKey.startsWith('protect:')) return heldBack(desk, stepKey, now);
  const wish = wishOf(desk, stepKey);
  return wish?.by === 'automation'
    ? renamedWish(desk, wish, stepKey, now)
    : replied(forgotten(desk, stepKey), stepKey, reply);
}

/** What the automation itself wants is never given up: it is asked under a new name after a pause. */
function renamedWish(desk: Desk, wish: Wish, stepKey: StepKey, now: UtcMs): Desk {
  const tries = memoOf(desk, stepKey).tries + 1;
  const [name, number] = wish.requestId.split(':');
  const requestId = `${name}:${Number(number) + 1}`;
  const memo: StepMemo = { attempt: 1, tries, notBefore: now + backoffMs(tries), refusal: null };
  const wishes = desk.wishes.map((other) => (other === wish ? { ...wish, requestId } : other));
  const renamed = { ...forgotten(desk, stepKey), wishes };
  return { ...renamed, memos: { ...renamed.memos, [closeStep(requestId)]: memo } };
}

/** These are asked again under the next number, after a pause that grows with the refusals. */
function heldBack(desk: Desk, stepKey: StepKey, now: UtcMs): Desk {
  const tries = memoOf(desk, stepKey).tries + 1;
  const numbered = usedUp(forgotten(desk, stepKey), stepKey);
  const step = stepKey.startsWith('protect:')
    ? protectStep(numbered.protectNumber)
    : breakevenStep(numbered.breakevenNumber);
  const memo: StepMemo = { attempt: 1, tries, notBefore: now + backoffMs(tries), refusal: null };
  return { ...numbered, memos: { ...numbered.memos, [step]: memo } };
}

/** A settled command's key is never used again. */
function usedUp(desk: Desk, stepKey: StepKey): Desk {
  if (stepKey.startsWith('protect:')) return { ...desk, protectNumber: desk.protectNumber + 1 };
  return stepKey.startsWith('breakeven:') ? { ...desk, breakevenNumber: desk.breakevenNumber + 1 } : desk;
}

function notExecuted(
  desk: Desk,
  stepKey: StepKey,
  report: Extract<CommandReport, { kind: 'not-executed' }>,
  attempt: number,
  now: UtcMs,
): Desk {
  const { retryAfterMs } = report;
  const reply: Reply = { kind: 'not-executed', code: report.code, text: report.text };
  // An open is not sent again by itself: the price it was wanted at has passed.
  if (stepKey === openStep && report.code !== 'never-claimed') return { ...desk, openRefused: reply };
  const again = tried(desk, stepKey, ({ tries }) => {
    const pause = Math.max(retryAfterMs ?? 0, tries < 2 ? 0 : pauseMs(report.code, tries - 1));
    const refusal = {
      code: report.code,
      text: report.text,
      final: retryAfterMs === null || isFinal(report.code, tries),
    };
    return { attempt: attempt + 1, tries, notBefore: now + pause, refusal };
  });
  const { tries, refusal } = memoOf(again, stepKey);
  if (refusal?.final !== true && tries < patience) return again;
  return stepKey === openStep ? { ...again, openRefused: reply } : replied(again, stepKey, reply);
}

function denied(desk: Desk, stepKey: StepKey, report: Extract<CommandReport, { kind: 'denied' }>, now: UtcMs): Desk {
  const wait = heldBackCodes.has(report.code) ? heldBackMs : backoffMs(memoOf(desk, stepKey).tries + 1);
  const later = tried(desk, stepKey, (memo) => ({
    ...memo,
    notBefore: now + wait,
    refusal: {
      code: report.code,
      text: `${report.field} ${report.value}: ${report.rule}`,
      final: isFinal(report.code, memo.tries),
    },
  }));
  return report.code === 'position-busy' ? later : replied(later, stepKey, { kind: 'denied', denial: report });
}

/** Answers the wish this step belongs to, if a person asked for it. */
function replied(desk: Desk, stepKey: StepKey, reply: Reply): Desk {
  const wish = wishOf(desk, stepKey);
  if (wish === undefined || (wish.by === 'automation' && reply.kind !== 'confirmed')) return desk;
  // A working order that was filled while we cancelled it leaves a position: the wish to be out still stands.
  if (wish.kind === 'close' && stepKey.startsWith('cancel:') && desk.view !== null && hasPosition(desk.view.state))
    return desk;
  return { ...desk, replies: { ...desk.replies, [wish.requestId]: reply } };
}

function wishOf(desk: Desk, stepKey: StepKey): Wish | undefined {
  return desk.wishes.find((candidate) => stepsOf(candidate).includes(stepKey));
}

function stepsOf(wish: Wish): readonly string[] {
  return [`close:${wish.requestId}`, `edit:${wish.requestId}`, `cancel:${wish.requestId}`];
}
