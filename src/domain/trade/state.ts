import { InvariantViolated } from '../outcome.ts';
import type { TradeState } from './view.ts';

/** The one table of a trade's states: a pair that is not here is a contradiction, not a default. The database holds the same. */
export const tradeEdges = {
  PENDING: ['OPENING', 'WORKING', 'REJECTED', 'NEEDS_REVIEW'],
  OPENING: ['WORKING', 'OPEN', 'CLOSED', 'REJECTED', 'NEEDS_REVIEW'],
  WORKING: ['OPEN', 'CLOSED', 'CANCELLED', 'EXPIRED', 'NEEDS_REVIEW'],
  OPEN: ['CLOSING', 'CLOSED', 'NEEDS_REVIEW'], // closed at once by stop, target, stop-out or hand
  CLOSING: ['OPEN', 'CLOSED', 'NEEDS_REVIEW'], // open again when the close was not executed
  CLOSED: ['NEEDS_REVIEW'], // a deal turned up after the books were closed
  REJECTED: ['NEEDS_REVIEW'], // the order was executed after all
  CANCELLED: ['NEEDS_REVIEW'], // the fill won the race and was seen late
  EXPIRED: ['NEEDS_REVIEW'],
  NEEDS_REVIEW: ['WORKING', 'OPEN', 'CLOSING', 'CLOSED', 'REJECTED', 'CANCELLED', 'EXPIRED'],
} as const satisfies Record<TradeState, readonly TradeState[]>;

/** @throws InvariantViolated when a trade cannot go from one state to the other */
export function assertEdge(from: TradeState, to: TradeState): void {
  const allowed: readonly TradeState[] = tradeEdges[from];
  if (!allowed.includes(to)) throw new InvariantViolated(`a trade cannot go from ${from} to ${to}`);
}

/** Nothing more can happen to the position: it is gone or never was. */
export function isOver(state: TradeState): boolean {
  return state === 'CLOSED' || state === 'REJECTED' || state === 'CANCELLED' || state === 'EXPIRED';
}

/** The position is at the broker. */
export function hasPosition(state: TradeState): boolean {
  return state === 'OPEN' || state === 'CLOSING';
}
