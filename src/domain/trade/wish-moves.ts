import { compare, isOnStep, roundToStep, subtract, ZERO_LOTS, type Lots } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import { closeStep, editStep } from '../ids.ts';
import { targetLots, withoutDust, type LadderInstrument } from '../ladder.ts';
import type { TradeChange } from './change.ts';
import type { Desk, Reply, Wish } from './desk.ts';
import { ladderEditDenial, rungsOf } from './edit-ladder.ts';
import type { CloseReason, Intent } from './intent.ts';
import { change, closeTo, send, type Move } from './planning.ts';
import { isOver } from './state.ts';
import type { TradeView } from './view.ts';

export function answerWish(desk: Desk): Move | null {
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

export function changeAutomation(desk: Desk): Move | null {
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

export function editPosition(desk: Desk, now: UtcMs): Move | null {
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
