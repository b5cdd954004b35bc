import type { UtcMs } from '../facts.ts';
import { InvariantViolated } from '../outcome.ts';
import { absorb } from './absorb.ts';
import type { Desk, TradeEvent } from './desk.ts';
import type { Effect } from './effects.ts';
import { freeMoves, laneMoves, lookUpMoves } from './moves.ts';
import type { Move, Rule } from './planning.ts';
import { isOver } from './state.ts';

/** Far more than any event can cause; a decision that needs more goes in circles. */
const movesMax = 200;

/** A desk after an event, and what is to be carried out, in this order. */
export interface Decision {
  readonly desk: Desk;
  readonly effects: readonly Effect[];
}

/**
 * What a trade does about an event.
 *
 * 1. One command at a time: while the lane is taken, or an outcome waits for a person, only an emergency close is sent.
 * 2. The same event twice asks for nothing twice.
 * 3. A target's size comes from the book's confirmed remainder.
 * 4. A stop is only ever tightened, unless a person explicitly asks otherwise.
 *
 * Pure: `now` is the time of the event.
 */
export function decide(desk: Desk, event: TradeEvent, now: UtcMs): Decision {
  let current = absorb(desk, event, now);
  const effects: Effect[] = [];
  let moves = 0;
  for (let move = nextMove(current, now); move !== null; move = nextMove(current, now)) {
    if (++moves > movesMax) throw new InvariantViolated(`a decision about ${event.kind} does not come to rest`);
    current = move.desk;
    effects.push(...move.effects);
  }
  return isDone(current)
    ? { desk: current, effects: [...effects, { kind: 'finish' }] }
    : withTimer(current, effects, now);
}

function nextMove(desk: Desk, now: UtcMs): Move | null {
  const free = first(freeMoves, desk, now);
  if (free !== null || !laneIsFree(desk)) return free;
  const waitsForPerson = desk.view?.unsettled?.state === 'REVIEW';
  return first(lookUpMoves, desk, now) ?? (waitsForPerson ? null : first(laneMoves, desk, now));
}

function first(rules: readonly Rule[], desk: Desk, now: UtcMs): Move | null {
  for (const rule of rules) {
    const move = rule(desk, now);
    if (move !== null) return move;
  }
  return null;
}

function laneIsFree(desk: Desk): boolean {
  return desk.lane === null && desk.emergency === null;
}

/** Nothing is left to do, to learn or to answer. */
export function isDone(desk: Desk): boolean {
  if (desk.lane !== null || desk.emergency !== null || desk.lookUp !== null || desk.wishes.length > 0) return false;
  if (desk.view === null || desk.view.state === 'PENDING') return desk.openRefused !== null;
  return isOver(desk.view.state) && !desk.view.settling && desk.view.unsettled === null;
}

/** One timer for the earliest step that waits; a later one is set when it fires. */
function withTimer(desk: Desk, effects: readonly Effect[], now: UtcMs): Decision {
  const waiting = Object.values(desk.memos)
    .map(({ notBefore }) => notBefore)
    .filter((at) => at > now);
  const at = Math.min(...waiting);
  if (waiting.length === 0 || (desk.wakeAt !== null && desk.wakeAt <= at)) return { desk, effects };
  const wake: Effect = { kind: 'wake', afterMs: at - now, why: 'try again' };
  return { desk: { ...desk, wakeAt: at }, effects: [...effects, wake] };
}
