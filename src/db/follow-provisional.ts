import { compare, isZero, subtract, type Lots } from '../domain/decimal.ts';
import { isClosing, type Book, type BookCommand, type BookDeal, type BookOrder } from './book.ts';
import { countedTotals, realLots } from './view.ts';

/**
 * The deals that stand in for proven executions of our own whose real deals lag: one per order, for the volume that is missing.
 *
 * Real deals take its place one by one, so what it stands for only shrinks.
 */
export function missingDeals(book: Book): readonly BookDeal[] {
  return book.commands.flatMap((command) => {
    const order = book.orders.find(({ commandId }) => commandId === command.id);
    if (order === undefined || command.state !== 'CONFIRMED') return [];
    const missing = subtract(provenLots(book, command, order), realLots(book, order));
    if (isZero(missing) || missing.startsWith('-')) return [];
    return standIn(book, command, order, missing);
  });
}

/** What the broker reports as filled; for an open it has not itemised, what the position shows. */
function provenLots(book: Book, command: BookCommand, order: BookOrder): Lots {
  const untold = isZero(order.filledLots) && book.deals.every(({ brokerDealId }) => brokerDealId === null);
  return command.kind === 'OPEN' && untold ? (book.position?.lots ?? order.filledLots) : order.filledLots;
}

function standIn(book: Book, command: BookCommand, order: BookOrder, lots: Lots): readonly BookDeal[] {
  const common = {
    orderId: order.id,
    brokerDealId: null,
    positionId: book.trade.positionKey?.slice(2) ?? null,
    lots,
    executedAt: null,
  };
  if (isClosing(command.kind)) {
    // More than is open cannot have been closed: then the real deals must tell.
    return compare(lots, openBeside(book, order)) > 0 ? [] : [{ ...common, entry: 'OUT', price: null }];
  }
  // Without an entry price the trade could not be opened on it.
  if (command.kind !== 'OPEN' || book.position === null || book.trade.positionKey === null) return [];
  return [{ ...common, entry: 'IN', price: book.position.entryPrice }];
}

/** What is open without the order's own provisional row. */
function openBeside(book: Book, order: BookOrder): Lots {
  const deals = book.deals.filter(({ orderId, brokerDealId }) => brokerDealId !== null || orderId !== order.id);
  const { opened, closed } = countedTotals({ ...book, deals });
  return subtract(opened, closed);
}
