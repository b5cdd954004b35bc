import { compare, smaller, subtract, sum, ZERO_LOTS, type Lots } from '../domain/decimal.ts';
import { orderId, positionId, type OrderId } from '../domain/ids.ts';
import type { TargetView, TradeView, UnsettledCommand } from '../domain/trade/view.ts';
import { isClosing, unsettledStates, type Book, type BookCommand, type BookOrder, type BookTarget } from './book.ts';

/** The trade as the book shows it. */
export function viewOf(book: Book): TradeView {
  const { trade } = book;
  const { digits, tickSize, pipSize, volumeMin, volumeStep } = trade.instrument;
  return {
    revision: revisionOf(book),
    state: trade.state,
    requestHash: trade.requestHash,
    symbol: trade.symbol,
    side: trade.side,
    instrument: { digits, tickSize, pipSize, volumeMin, volumeStep },
    positionId: trade.positionKey === null ? null : positionId(trade.positionKey.slice(2)),
    entryOrderId: entryOrderOf(book),
    openedLots: trade.openedLots,
    closedLots: trade.closedLots,
    remainingLots: subtract(trade.openedLots, trade.closedLots),
    entryPrice: trade.entryPrice,
    stopLoss: trade.stopLoss,
    takeProfit: trade.takeProfit,
    initialStop: trade.initialStop,
    intendedStop: trade.intendedStop,
    breakevenFloor: trade.breakevenFloor,
    breakeven: { rule: trade.breakevenRule, state: trade.breakevenState },
    automation: trade.automation,
    settling: isSettling(book),
    closeReason: trade.closeReason,
    closeSubreason: trade.closeSubreason,
    targets: book.targets.map(targetView),
    unsettled: unsettledOf(book.commands),
  };
}

/** Every row that a view shows counts its own updates, so the sum grows with each change. */
function revisionOf({ trade, targets, commands }: Book): number {
  return [...targets, ...commands].reduce((total, { version }) => total + version, trade.version);
}

function targetView({ level, rule, price, closeBps, state, generation }: BookTarget): TargetView {
  const { late, share: _share, rest: _rest, ...at } = rule as BookTarget['rule'] & { share?: string; rest?: true };
  return { level, rule: at, late, price, closeBps, state, generation };
}

function entryOrderOf({ trade, commands, orders }: Book): OrderId | null {
  if (trade.state !== 'WORKING') return null;
  const placed = commands.find(({ kind }) => kind === 'PLACE_PENDING');
  const resting = orders.find(({ commandId }) => commandId !== null && commandId === placed?.id);
  return resting?.brokerOrderId === undefined || resting.brokerOrderId === null ? null : orderId(resting.brokerOrderId);
}

/** The oldest unsettled command, one that blocks the lane before an emergency close, which does not. */
function unsettledOf(commands: readonly BookCommand[]): UnsettledCommand | null {
  const open = commands.filter(({ state }) => unsettledStates.has(state));
  const shown = open.find(({ kind }) => kind !== 'EMERGENCY_CLOSE') ?? open[0];
  if (shown === undefined) return null;
  const { id, stepKey, state, attempt } = shown;
  return { commandId: id, stepKey, state: state as UnsettledCommand['state'], attempt };
}

/** Whether effects are proven whose final deals are not in the book yet. */
export function isSettling(book: Book): boolean {
  if (book.orders.some((order) => compare(order.filledLots, realLots(book, order)) > 0)) return true;
  return book.commands.some((command) => awaitsDeals(book, command));
}

/** The volume of an order's deals that the broker has numbered. */
export function realLots(book: Book, order: Pick<BookOrder, 'id'>): Lots {
  const real = book.deals.filter(({ orderId, brokerDealId }) => orderId === order.id && brokerDealId !== null);
  return sum(
    real.map(({ lots }) => lots),
    ZERO_LOTS,
  );
}

/** A confirmed open or close that was sent has at least one deal, sooner or later; a person's verdict promises none. */
function awaitsDeals(book: Book, command: BookCommand): boolean {
  if (command.state !== 'CONFIRMED' || command.wire === null || command.decided) return false;
  if (command.kind !== 'OPEN' && !isClosing(command.kind)) return false;
  const order = book.orders.find(({ commandId }) => commandId === command.id);
  return order === undefined || compare(realLots(book, order), ZERO_LOTS) === 0;
}

/** What counts as closed: never more than is known to be open, whatever arrived first. */
export function countedTotals(book: Book): { readonly opened: Lots; readonly closed: Lots; readonly excess: boolean } {
  const of = (entry: 'IN' | 'OUT') =>
    sum(
      book.deals.filter((deal) => deal.entry === entry).map(({ lots }) => lots),
      ZERO_LOTS,
    );
  const opened = of('IN');
  const out = of('OUT');
  return { opened, closed: smaller(out, opened), excess: compare(out, opened) > 0 };
}
