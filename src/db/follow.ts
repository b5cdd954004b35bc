import type { Lots } from '../domain/decimal.ts';
import type { TradeState } from '../domain/trade/view.ts';
import type { CommandId } from '../domain/ids.ts';
import { unsettledStates, type Book, type BookCommand, type BookDeal, type BookTrade } from './book.ts';
import { followLevels, type ReadBack } from './follow-levels.ts';
import { closeReasons, tradeReason, type OrderReason } from './follow-reasons.ts';
import { entryPriceOf, followState } from './follow-state.ts';
import { followTargets, type TargetStep, type WatchChange } from './follow-targets.ts';
import { missingDeals } from './follow-provisional.ts';
import type { News } from './news.ts';
import { countedTotals, realLots } from './view.ts';

/**
 * How a trade's own row follows the rows below it (deals, orders, commands, the broker's position).
 *
 * Everything a fact changes about a trade is worked out here from the whole book, never from the fact alone, so that any order of
 * arrival ends in the same rows and the same facts twice change nothing.
 */

/** What this step brought beside the rows. */
export interface Occasion {
  /** Orders that are new or changed, or have new deals. */
  readonly touchedOrders: readonly string[];
  /** A protection edit the broker confirmed without a position to read it back from. */
  readonly readBack: ReadBack | null;
  /** A second order with the tag of one command was seen. */
  readonly secondOrder: boolean;
}

export interface FollowUp {
  readonly trade: BookTrade;
  /** States to pass through, in order; empty when it stays. */
  readonly path: readonly TradeState[];
  readonly provisional: readonly BookDeal[];
  readonly targets: readonly TargetStep[];
  readonly watches: readonly WatchChange[];
  readonly reasons: readonly OrderReason[];
  readonly contradicted: readonly BookCommand[];
  /** Why a stop below the breakeven floor is accepted; empty when it is not below. */
  readonly slOverride: '' | 'operator' | 'external';
  readonly news: readonly News[];
}

/** The trade after everything that the book knows; pure. */
export function follow(before: Book, occasion: Occasion): FollowUp {
  const provisional = missingDeals(before);
  const book: Book = { ...before, deals: [...before.deals.filter(isNot(provisional)), ...provisional] };
  const contradicted = contradictedBy(book);
  const totals = countedTotals(book);
  const { path, reviewReason } = followState(book, { totals, contradicted, secondOrder: occasion.secondOrder });
  const state = path.at(-1) ?? book.trade.state;
  const levels = followLevels(book, { state, readBack: occasion.readBack });
  const reasons = closeReasons(book, levels);
  const trade: BookTrade = {
    ...book.trade,
    ...levels.levels,
    state,
    reviewReason,
    openedLots: totals.opened,
    closedLots: totals.closed,
    entryPrice: entryPriceOf(book),
    ...times(book, state),
    ...tradeReason(book, state, reasons),
  };
  const ladder = followTargets(book, trade);
  const news = [...levels.news, ...tradeNews(before, trade, occasion), ...contradicted.map(contradictionNews)];
  const changedReasons = reasons.filter(({ changed }) => changed);
  return {
    trade,
    path,
    provisional,
    ...ladder,
    reasons: changedReasons,
    contradicted,
    slOverride: levels.slOverride,
    news,
  };
}

const isNot = (rows: readonly BookDeal[]) => (deal: BookDeal) =>
  deal.brokerDealId !== null || !rows.some(({ orderId }) => orderId === deal.orderId);

/** Commands that count as not done although the broker shows their deals: a time bound was broken. */
function contradictedBy(book: Book): readonly BookCommand[] {
  return book.commands.filter((command) => {
    if (command.contradicted || command.attempt === 0) return false;
    if (command.state !== 'NOT_EXECUTED' && command.state !== 'REJECTED') return false;
    const order = book.orders.find(({ commandId }) => commandId === command.id);
    return order !== undefined && realLots(book, order) !== '0';
  });
}

function contradictionNews({ stepKey, state }: BookCommand): News {
  return { type: 'command.contradicted', body: { stepKey, state }, wakes: true };
}

function times(book: Book, state: TradeState): Pick<BookTrade, 'openedAt' | 'closedAt'> {
  const at = (entry: 'IN' | 'OUT') =>
    book.deals.filter((deal) => deal.entry === entry).flatMap(({ executedAt }) => executedAt ?? []);
  const [opened, closed] = [at('IN'), at('OUT')];
  return {
    openedAt: opened.length === 0 ? null : Math.min(...opened),
    closedAt: state !== 'CLOSED' || closed.length === 0 ? null : Math.max(...closed),
  };
}

function tradeNews(before: Book, trade: BookTrade, occasion: Occasion): readonly News[] {
  const old = before.trade;
  const unexplained = occasion.touchedOrders.some((id) => !isExplained(before, id));
  const body = { state: trade.state, openedLots: trade.openedLots, closedLots: trade.closedLots };
  if (trade.state !== old.state) {
    const wakes = unexplained || trade.state === 'NEEDS_REVIEW';
    const why = trade.state === 'NEEDS_REVIEW' ? { because: trade.reviewReason } : {};
    return [{ type: `trade.${trade.state.toLowerCase()}`, body: { ...body, ...why }, wakes }];
  }
  const type = totalsNews(old, trade);
  if (type !== null) return [{ type, body, wakes: unexplained }];
  const late = occasion.touchedOrders.some((id) => !isExplained(before, id) && lacksDeals(before, id));
  return late ? [{ type: 'order.filled', body, wakes: true }] : [];
}

function totalsNews(
  old: { openedLots: Lots; closedLots: Lots },
  now: { openedLots: Lots; closedLots: Lots },
): string | null {
  if (old.closedLots !== now.closedLots) return 'trade.reduced';
  return old.openedLots === now.openedLots ? null : 'trade.increased';
}

/** Whoever sent the command hears of its order anyway; a resting order's sender has stopped listening once it is placed. */
function isExplained(book: Book, orderId: string): boolean {
  const commandId: CommandId | null = book.orders.find(({ id }) => id === orderId)?.commandId ?? null;
  const command = book.commands.find(({ id }) => id === commandId);
  if (command === undefined) return false;
  if (command.kind === 'PLACE_PENDING') return unsettledStates.has(command.state);
  return unsettledStates.has(command.state) || command.state === 'CONFIRMED';
}

function lacksDeals(book: Book, id: string): boolean {
  const order = book.orders.find((candidate) => candidate.id === id);
  return order !== undefined && order.filledLots !== realLots(book, order);
}
