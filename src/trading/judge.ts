import { add, compare, isZero, subtract, ZERO_LOTS, type Lots, type Price } from '../domain/decimal.ts';
import type { DealFact, OrderFact } from '../domain/facts.ts';
import type { OrderId, PositionId } from '../domain/ids.ts';
import { unreachable } from '../domain/outcome.ts';
import type { Evidence, WireCommand } from './connector.ts';
import type { BeforeSnapshot } from './records.ts';

/** What the broker's records say about one sent command. */
export type Verdict =
  | { readonly kind: 'executed'; readonly orderId: OrderId | null; readonly positionId: PositionId | null }
  /** The broker ended the order without executing anything. */
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  /** No trace. Proof of absence only when the read began after the quiet window. */
  | { readonly kind: 'absent' }
  /** Taken but not finished, or a change that nothing explains yet. */
  | { readonly kind: 'undecided'; readonly because: string };

/** What a sent command is judged by. */
export interface Sent {
  readonly tag: number;
  readonly wire: WireCommand;
  readonly before: BeforeSnapshot;
}

/**
 * Whether a command took effect, from a complete read.
 *
 * 1. An order or deal with our tag decides; without one, nothing is ours because it looks alike.
 * 2. A close without a trace is absent only where the position is unchanged or others explain the whole change.
 * 3. Protection is judged by value: the levels are there or they are not.
 */
export function judge(sent: Sent, evidence: Evidence): Verdict {
  switch (sent.wire.kind) {
    case 'OPEN':
    case 'PLACE_PENDING':
      return judgeOpening(sent, evidence);
    case 'PARTIAL_CLOSE':
    case 'FULL_CLOSE':
    case 'EMERGENCY_CLOSE':
      return byTag(sent, evidence) ?? judgeUntagged(sent.before, evidence);
    case 'MODIFY_PROTECTION':
      return judgeProtection(sent.wire, evidence);
    case 'CANCEL_PENDING':
      return judgeCancel(sent.wire.orderId, evidence);
    default:
      return unreachable(sent.wire);
  }
}

function judgeOpening(sent: Sent, evidence: Evidence): Verdict {
  const found = byTag(sent, evidence);
  if (found !== null) return found;
  const { position } = evidence;
  if (position !== null && position.tag === sent.tag)
    return { kind: 'executed', orderId: null, positionId: position.positionId };
  return { kind: 'absent' };
}

function byTag(sent: Sent, evidence: Evidence): Verdict | null {
  const order = evidence.orders.find(({ tag }) => tag === sent.tag);
  const deal = evidence.deals.find(({ tag }) => tag === sent.tag);
  if (order === undefined && deal === undefined) return null;
  if (order === undefined) return executed(deal as DealFact);
  return byOrder(order, sent.wire.kind);
}

const executed = ({ orderId, positionId }: Pick<OrderFact, 'orderId' | 'positionId'>): Verdict => ({
  kind: 'executed',
  orderId,
  positionId,
});

function byOrder(order: OrderFact, kind: WireCommand['kind']): Verdict {
  switch (order.state) {
    case 'FILLED':
      return executed(order);
    case 'WORKING':
      return kind === 'PLACE_PENDING'
        ? executed(order)
        : { kind: 'undecided', because: `order ${order.orderId} is working` };
    case 'PARTIALLY_FILLED':
      return { kind: 'undecided', because: `order ${order.orderId} is partly filled` };
    case 'CANCELLED':
    case 'EXPIRED':
    case 'REJECTED':
      return isZero(order.filledLots)
        ? {
            kind: 'refused',
            code: order.state.toLowerCase(),
            text: `order ${order.orderId} ended ${order.state} unfilled`,
          }
        : executed(order);
    default:
      return unreachable(order.state);
  }
}

function judgeUntagged(before: BeforeSnapshot, evidence: Evidence): Verdict {
  if (before.lots === null) return { kind: 'absent' };
  const now = evidence.position?.lots ?? ZERO_LOTS;
  if (compare(now, before.lots) === 0) return { kind: 'absent' };
  const gone = compare(before.lots, now) > 0 ? subtract(before.lots, now) : ZERO_LOTS;
  const byOthers = closedSince(evidence.deals, before);
  return compare(gone, byOthers) === 0
    ? { kind: 'absent' }
    : { kind: 'undecided', because: `${gone} lots left the position, deals explain ${byOthers}` };
}

function closedSince(deals: readonly DealFact[], before: BeforeSnapshot): Lots {
  const since = before.updatedAt ?? before.readAt;
  return deals
    .filter(({ entry, executedAt }) => entry === 'OUT' && executedAt > since)
    .reduce((total, { lots }) => add(total, lots), ZERO_LOTS);
}

function judgeProtection(wire: Extract<WireCommand, { kind: 'MODIFY_PROTECTION' }>, evidence: Evidence): Verdict {
  const { position } = evidence;
  if (position === null || isZero(position.lots))
    return { kind: 'refused', code: 'position-not-found', text: 'the position is gone' };
  return sameLevel(position.stopLoss, wire.stopLoss) && sameLevel(position.takeProfit, wire.takeProfit)
    ? { kind: 'executed', orderId: null, positionId: position.positionId }
    : { kind: 'absent' };
}

/** Levels are equal by value; two absent ones are equal. */
export function sameLevel(left: Price | null, right: Price | null): boolean {
  if (left === null || right === null) return left === right;
  return compare(left, right) === 0;
}

function judgeCancel(orderId: OrderId, evidence: Evidence): Verdict {
  const order = evidence.orders.find((candidate) => candidate.orderId === orderId);
  if (order === undefined) return { kind: 'undecided', because: `order ${orderId} is not listed` };
  if (order.state === 'WORKING' || order.state === 'PARTIALLY_FILLED') return { kind: 'absent' };
  return order.state === 'CANCELLED' || order.state === 'EXPIRED'
    ? { kind: 'executed', orderId, positionId: null }
    : { kind: 'refused', code: 'order-filled', text: `order ${orderId} ended ${order.state} first` };
}
