import { subtract } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import { targetStep } from '../ids.ts';
import { targetLots } from '../ladder.ts';
import { memoOf, type Desk, type StepMemo, type Trigger } from './desk.ts';
import type { CloseReason } from './intent.ts';
import { change, closeTo, send, type Move } from './planning.ts';
import type { TargetView, TradeView } from './view.ts';

/** A crossing heard of later than this is late, whoever saw it. */
const lateAfterMs = 5_000;

export function workLadder(desk: Desk, now: UtcMs): Move | null {
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
