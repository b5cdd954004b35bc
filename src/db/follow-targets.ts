import type { Price } from '../domain/decimal.ts';
import type { WatchId } from '../domain/ids.ts';
import { targetPrice } from '../domain/ladder.ts';
import { hasPosition, isOver } from '../domain/trade/state.ts';
import type { TargetState } from '../domain/trade/view.ts';
import { watchIdOf } from '../identity.ts';
import type { Book, BookTarget, BookTrade } from './book.ts';

/** A target's row after one step; several steps of one target follow each other. */
export interface TargetStep extends BookTarget {
  /** One line for the story; `null` keeps what is there. */
  readonly reason: string | null;
}

export type WatchChange =
  | {
      readonly kind: 'arm';
      readonly id: WatchId;
      readonly level: number;
      readonly generation: number;
      readonly price: Price;
    }
  | { readonly kind: 'move'; readonly id: string; readonly price: Price }
  | { readonly kind: 'disarm'; readonly id: string };

export interface LadderStep {
  readonly targets: readonly TargetStep[];
  readonly watches: readonly WatchChange[];
}

/** The ladder after the trade: done and failed closes, the rest skipped when it is over, priced and armed when it is open. */
export function followTargets(book: Book, trade: BookTrade): LadderStep {
  const steps = book.targets.map((target) => followTarget(book, trade, target));
  return { targets: steps.flatMap(({ targets }) => targets), watches: steps.flatMap(({ watches }) => watches) };
}

const nothing: LadderStep = { targets: [], watches: [] };

function followTarget(book: Book, trade: BookTrade, target: BookTarget): LadderStep {
  if (target.state === 'EXECUTING') return afterCommand(book, trade, target);
  if (isOver(trade.state)) return ended(trade, target);
  if (target.state === 'ARMED' && hasPosition(trade.state)) return armed(trade, target);
  return nothing;
}

function afterCommand(book: Book, trade: BookTrade, target: BookTarget): LadderStep {
  const state = book.commands.find(({ id }) => id === target.commandId)?.state;
  if (state === 'CONFIRMED') return moved(target, 'DONE', null);
  if (isOver(trade.state) && (state === 'REJECTED' || state === 'NOT_EXECUTED'))
    return moved(target, 'SKIPPED', 'the position was gone');
  return state === 'REJECTED' ? moved(target, 'FAILED', 'the broker refused the close') : nothing;
}

function ended(trade: BookTrade, target: BookTarget): LadderStep {
  const watches: readonly WatchChange[] = disarm(target);
  const to = endState(trade, target.state);
  if (to === null) return { targets: [], watches };
  return { targets: moved(target, to, to === 'SKIPPED' ? 'the position was gone' : null).targets, watches };
}

function endState(trade: BookTrade, state: TargetState): TargetState | null {
  if (state === 'FAILED') return 'CANCELLED';
  if (state !== 'ARMED' && state !== 'TRIGGERED') return null;
  return trade.state === 'CLOSED' ? 'SKIPPED' : 'CANCELLED';
}

const disarm = ({ watchId, watchState }: BookTarget): readonly WatchChange[] =>
  watchId !== null && watchState === 'ARMED' ? [{ kind: 'disarm', id: watchId }] : [];

function moved(target: BookTarget, state: TargetState, reason: string | null): LadderStep {
  return { targets: [{ ...target, state, reason }], watches: [] };
}

/** Priced from the entry as it stands; a later opening deal moves the price of a level that has not fired. */
function armed(trade: BookTrade, target: BookTarget): LadderStep {
  const price = priceOf(trade, target);
  if (price === null) return nothing;
  const priced: TargetStep = { ...target, price, reason: null };
  if (target.watchId === null && trade.automation === 'RUNNING') return arm(trade, priced);
  if (price === target.price) return nothing;
  const watches: readonly WatchChange[] =
    target.watchId !== null && target.watchState === 'ARMED' ? [{ kind: 'move', id: target.watchId, price }] : [];
  return { targets: [priced], watches };
}

function priceOf(trade: BookTrade, { rule }: BookTarget): Price | null {
  if (trade.entryPrice === null) return null;
  return targetPrice(rule, trade.entryPrice, trade.initialStop, trade.side, trade.instrument);
}

/** The target with a watch of its generation; its price must be known. */
export function arm(trade: Pick<BookTrade, 'id'>, target: TargetStep): LadderStep {
  if (target.price === null) return { targets: [target], watches: [] };
  const { level, generation, price } = target;
  const id = watchIdOf(trade.id, `tp:${level}`, generation);
  return {
    targets: [{ ...target, watchId: id, watchState: 'ARMED' }],
    watches: [{ kind: 'arm', id, level, generation, price }],
  };
}
