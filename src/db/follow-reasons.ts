import type { CloseReason } from '../domain/trade/intent.ts';
import type { TradeState } from '../domain/trade/view.ts';
import type { Book, BookOrder, BookTrade } from './book.ts';
import type { LevelStep } from './follow-levels.ts';

export interface OrderReason {
  readonly id: string;
  readonly reason: CloseReason;
  readonly inferred: boolean;
  readonly changed: boolean;
}

/** Why each closing order closed: as its command says, else inferred from what the broker says. */
export function closeReasons(book: Book, { levels }: LevelStep): readonly OrderReason[] {
  const closing = new Set(book.deals.filter(({ entry }) => entry === 'OUT').map(({ orderId }) => orderId));
  return book.orders
    .filter(({ id }) => closing.has(id))
    .map((order) => {
      const planned = book.commands.find(({ id }) => id === order.commandId)?.plan.closeReason ?? null;
      const reason = planned ?? inferred({ ...book.trade, ...levels }, order);
      const { reason: name, subreason, text } = reason;
      const changed = order.closeReason !== name || order.closeSubreason !== subreason || order.closureText !== text;
      return { id: order.id, reason, inferred: planned === null, changed };
    });
}

const outside: Readonly<Record<string, string>> = {
  CLIENT: 'TERMINAL',
  MOBILE: 'MOBILE',
  WEB: 'WEB',
  EXPERT: 'OTHER_EXPERT',
};

function inferred(trade: BookTrade, { reason, brokerOrderId }: BookOrder): CloseReason {
  switch (reason) {
    case 'SL':
      return {
        reason: 'STOP_LOSS',
        subreason: stopKind(trade),
        text: `Stop loss ${trade.stopLoss ?? ''} hit at the broker`.replace('  ', ' '),
      };
    case 'TP':
      return { reason: 'TAKE_PROFIT', subreason: 'BROKER_TP', text: 'Take profit hit at the broker' };
    case 'STOP_OUT':
      return { reason: 'STOP_OUT', subreason: 'MARGIN', text: 'Closed by the broker for lack of margin' };
    default: {
      const where = outside[reason ?? ''] ?? 'OTHER_APP';
      return {
        reason: 'EXTERNAL',
        subreason: where,
        text: `Closed outside Belay by order ${brokerOrderId ?? 'unknown'}`,
      };
    }
  }
}

/** Whose stop it was that stood at the broker last. */
function stopKind({ stopLoss, breakevenFloor, initialStop }: BookTrade): string {
  if (breakevenFloor !== null && stopLoss === breakevenFloor) return 'BREAKEVEN';
  return stopLoss === null || stopLoss === initialStop ? 'INITIAL' : 'MANUAL_LEVEL';
}

/** A closed trade takes the reason of the order behind its last deal. */
export function tradeReason(
  book: Book,
  state: TradeState,
  reasons: readonly OrderReason[],
): Pick<BookTrade, 'closeReason' | 'closeSubreason'> {
  const last = state === 'CLOSED' ? book.deals.findLast(({ entry }) => entry === 'OUT') : undefined;
  const found = reasons.find(({ id }) => id === last?.orderId);
  return { closeReason: found?.reason.reason ?? null, closeSubreason: found?.reason.subreason ?? null };
}
