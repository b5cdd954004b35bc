import { InvariantViolated } from '../outcome.ts';
import type { TradeState } from './view.ts';

/** What can happen to a trade's state. */
export type TradeHappening =
  | 'claimed'
  | 'placed'
  | 'filled'
  | 'refused'
  | 'close-claimed'
  | 'close-not-executed'
  | 'closed'
  | 'cancelled'
  | 'expired'
  | 'contradicted';

const next = {
  PENDING: { claimed: 'OPENING', refused: 'REJECTED', contradicted: 'NEEDS_REVIEW' },
  OPENING: { placed: 'WORKING', filled: 'OPEN', closed: 'CLOSED', refused: 'REJECTED', contradicted: 'NEEDS_REVIEW' },
  WORKING: { filled: 'OPEN', closed: 'CLOSED', cancelled: 'CANCELLED', expired: 'EXPIRED', contradicted: 'NEEDS_REVIEW' },
  OPEN: { 'close-claimed': 'CLOSING', closed: 'CLOSED', contradicted: 'NEEDS_REVIEW' },
  CLOSING: { 'close-not-executed': 'OPEN', closed: 'CLOSED', contradicted: 'NEEDS_REVIEW' },
  CLOSED: { contradicted: 'NEEDS_REVIEW' }, // a deal that belongs to it turned up after the books were closed
  REJECTED: { contradicted: 'NEEDS_REVIEW' }, // the order was executed after all
  CANCELLED: { contradicted: 'NEEDS_REVIEW' }, // the fill won the race and was seen late
  EXPIRED: { contradicted: 'NEEDS_REVIEW' },
  NEEDS_REVIEW: { placed: 'WORKING', filled: 'OPEN', closed: 'CLOSED', refused: 'REJECTED', cancelled: 'CANCELLED', expired: 'EXPIRED' },
} as const satisfies Record<TradeState, Partial<Record<TradeHappening, TradeState>>>;

/** @throws InvariantViolated when this cannot happen in this state */
export function nextTradeState(state: TradeState, happening: TradeHappening): TradeState {
  const to = (next[state] as Partial<Record<TradeHappening, TradeState>>)[happening];
  if (to === undefined) throw new InvariantViolated(`a trade in ${state} cannot be ${happening}`);
  return to;
}

/** Nothing more can happen to the position: it is gone or never was. */
export function isOver(state: TradeState): boolean {
  return state === 'CLOSED' || state === 'REJECTED' || state === 'CANCELLED' || state === 'EXPIRED';
}

/** The position is at the broker. */
export function hasPosition(state: TradeState): boolean {
  return state === 'OPEN' || state === 'CLOSING';
}
