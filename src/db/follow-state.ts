import { Big } from 'big.js';
import { compare, isZero, price, ZERO_LOTS, type Lots, type Price } from '../domain/decimal.ts';
import { assertEdge, isOver } from '../domain/trade/state.ts';
import type { TradeState } from '../domain/trade/view.ts';
import { isClosing, isOpening, unsettledStates, type Book, type BookCommand, type BookOrder } from './book.ts';
import { isSettling } from './view.ts';

export interface Totals {
  readonly opened: Lots;
  readonly closed: Lots;
  readonly excess: boolean;
}

interface Signs {
  readonly totals: Totals;
  readonly contradicted: readonly BookCommand[];
  readonly secondOrder: boolean;
}

export interface StateStep {
  readonly path: readonly TradeState[];
  readonly reviewReason: string | null;
}

/** Review for this reason ends by itself when the missing deals arrive. */
const dealsMissing = 'the deals seen so far do not add up';

/** Where the trade stands by all that is proven, and the legal way there. */
export function followState(book: Book, signs: Signs): StateStep {
  const { state, reviewReason } = book.trade;
  const reason = reviewNeeded(book, signs);
  const gone = isGone(book, signs.totals);
  if (state === 'NEEDS_REVIEW') return leaveReview(book, signs, gone, reason);
  if (reason !== null && (isOver(state) || !gone)) {
    if (!gone) return { path: ['NEEDS_REVIEW'], reviewReason: reason };
    return state === 'CLOSED' ? { path: [], reviewReason } : { path: ['NEEDS_REVIEW', 'CLOSED'], reviewReason: null };
  }
  return { path: legal(state, pathTo(state, provenState(book, signs.totals))), reviewReason: null };
}

function legal(from: TradeState, path: readonly TradeState[]): readonly TradeState[] {
  path.reduce((state, to) => {
    assertEdge(state, to);
    return to;
  }, from);
  return path;
}

const isFlat = ({ opened, closed }: Totals) => !isZero(opened) && compare(opened, closed) === 0;

/** All that was opened is closed, and no opening deal is still to come. */
function isGone(book: Book, totals: Totals): boolean {
  return isFlat(totals) && !totals.excess && compare(totals.opened, expectedLots(book)) >= 0;
}

/** What the opening order filled; all it was sent for as long as only its deals are known. */
function expectedLots({ commands, orders }: Book): Lots {
  const command = commands.find(({ kind }) => isOpening(kind));
  const order = orders.find(({ commandId }) => commandId !== null && commandId === command?.id);
  if (order === undefined) return ZERO_LOTS;
  if (order.isReported || command?.decided === true) return order.filledLots;
  return command?.wire?.kind === 'OPEN' || command?.wire?.kind === 'PLACE_PENDING'
    ? command.wire.lots
    : order.filledLots;
}

function leaveReview(book: Book, signs: Signs, gone: boolean, fresh: string | null): StateStep {
  const { reviewReason } = book.trade;
  if (gone) return { path: ['CLOSED'], reviewReason: null };
  if (fresh !== null) return { path: [], reviewReason: reviewReason ?? fresh };
  if (reviewReason !== null && !isSolved(book, reviewReason)) return { path: [], reviewReason };
  const proven = provenState(book, signs.totals);
  if (proven === 'NEEDS_REVIEW' || proven === 'PENDING' || proven === 'OPENING') return { path: [], reviewReason };
  return { path: [proven], reviewReason: null };
}

const reviewOf = (stepKey: string) => `nobody can tell what became of ${stepKey}`;

function isSolved(book: Book, reason: string): boolean {
  if (reason === dealsMissing) return true;
  return book.commands.some(({ stepKey, state }) => reason === reviewOf(stepKey) && state !== 'REVIEW');
}

/** Why a person must look, or `null`. */
function reviewNeeded(book: Book, { totals, contradicted, secondOrder }: Signs): string | null {
  const { state } = book.trade;
  if (totals.excess || (isFlat(totals) && !isGone(book, totals))) return dealsMissing;
  if (contradicted[0] !== undefined)
    return `${contradicted[0].stepKey} counted as not executed, but the broker shows its deals`;
  if (secondOrder) return 'the broker shows a second order for one command';
  if (isOver(state) && compare(totals.opened, totals.closed) > 0)
    return `a deal turned up after the trade was ${state}`;
  if (isOver(state) && state !== 'CLOSED' && !isZero(totals.opened))
    return `a deal turned up after the trade was ${state}`;
  const stuck = isOver(state) ? undefined : book.commands.find((command) => command.state === 'REVIEW');
  return stuck === undefined ? null : reviewOf(stuck.stepKey);
}

/** The state by deals, orders and commands alone. */
function provenState(book: Book, { opened, closed }: Totals): TradeState {
  const { state } = book.trade;
  if (isOver(state)) return state;
  if (!isZero(opened)) return compare(opened, closed) === 0 ? 'CLOSED' : openOrClosing(book);
  return entryState(book);
}

function openOrClosing(book: Book): TradeState {
  if (book.trade.state !== 'CLOSING') return 'OPEN';
  const closing = book.commands.some(({ kind, state }) => isClosing(kind) && unsettledStates.has(state));
  return closing || isSettling(book) ? 'CLOSING' : 'OPEN';
}

/** Before the first deal: by the opening command and its order. */
function entryState(book: Book): TradeState {
  const { state } = book.trade;
  const command = book.commands.find(({ kind }) => isOpening(kind));
  if (command === undefined) return state;
  const order = book.orders.find(({ commandId }) => commandId === command.id);
  if (command.kind === 'PLACE_PENDING' && order !== undefined) return restingState(order, state);
  const refused = command.state === 'REJECTED' || command.state === 'NOT_EXECUTED';
  return refused ? 'REJECTED' : state;
}

function restingState(order: BookOrder, state: TradeState): TradeState {
  if (!isZero(order.filledLots)) return state === 'PENDING' || state === 'OPENING' ? 'WORKING' : state;
  switch (order.state) {
    case 'EXPIRED':
      return 'EXPIRED';
    case 'CANCELLED':
    case 'REJECTED':
      return 'CANCELLED';
    default:
      return 'WORKING';
  }
}

/** The states between; a trade is claimed before it is anything else, and rests before it is cancelled. */
function pathTo(from: TradeState, to: TradeState): readonly TradeState[] {
  if (from === to) return [];
  if (from === 'PENDING' && to !== 'REJECTED' && to !== 'OPENING') return ['OPENING', ...pathTo('OPENING', to)];
  if (from === 'OPENING' && (to === 'CANCELLED' || to === 'EXPIRED')) return ['WORKING', to];
  return [to];
}

/** Volume-weighted price of the opening deals, rounded two digits below the instrument's point; `null` before the first. */
export function entryPriceOf({ deals, trade }: Book): Price | null {
  const priced = deals.filter(({ entry, price: at }) => entry === 'IN' && at !== null);
  if (priced.length === 0) return null;
  const lots = priced.reduce((total, deal) => total.plus(deal.lots), new Big(0));
  const value = priced.reduce((total, deal) => total.plus(new Big(deal.lots).times(deal.price ?? '0')), new Big(0));
  return price(
    value
      .div(lots)
      .round(trade.instrument.digits + 2, Big.roundHalfEven)
      .toFixed(),
  );
}
