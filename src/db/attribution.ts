import type { DealFact, OrderFact, Side } from '../domain/facts.ts';
import { opposite } from '../domain/facts.ts';
import type { CommandId, TradeId } from '../domain/ids.ts';
import { isClosing, isOpening } from './book.ts';

/** Whose order it is. An order without a trade is somebody else's, or ours to adopt once its position is known. */
export interface Owner {
  readonly tradeId: TradeId | null;
  readonly commandId: CommandId | null;
  readonly origin: 'ENGINE' | 'EXTERNAL' | 'SERVER_SL' | 'SERVER_TP' | 'STOP_OUT';
}

export interface TaggedCommand {
  readonly tag: number;
  readonly commandId: CommandId;
  readonly tradeId: TradeId;
  readonly kind: string;
  readonly side: Side;
  /** The broker order it is known by; one that ended without a fill makes room for the next attempt's. */
  readonly orderId: string | null;
  readonly isOrderDead: boolean;
}

/** What the book knows that facts could belong to. */
export interface Known {
  readonly commands: readonly TaggedCommand[];
  readonly trades: readonly { readonly positionId: string; readonly tradeId: TradeId }[];
  readonly orders: readonly (Owner & { readonly orderId: string })[];
}

type Sighting = Pick<OrderFact | DealFact, 'orderId' | 'positionId' | 'side' | 'reason' | 'tag'>;

const serverOrigins: Readonly<Record<string, Owner['origin']>> = {
  SL: 'SERVER_SL',
  TP: 'SERVER_TP',
  STOP_OUT: 'STOP_OUT',
};

export const originOf = (reason: string): Owner['origin'] => serverOrigins[reason] ?? 'EXTERNAL';

/**
 * Who an order belongs to: the command with its tag, else the trade whose position it acts on, else nobody of ours.
 *
 * The broker's own stop and target orders carry the tag of the opening order on some platforms, so a tag counts only where the
 * side fits what its command asked for.
 */
export function ownerOf(sighting: Sighting, known: Known): Owner {
  const row = known.orders.find(({ orderId }) => orderId === sighting.orderId);
  if (row !== undefined && row.commandId !== null) return row;
  const command = commandOf(sighting, known);
  if (command !== undefined && isFreeFor(command, sighting)) {
    return { tradeId: command.tradeId, commandId: command.commandId, origin: 'ENGINE' };
  }
  if (row !== undefined && row.tradeId !== null) return row;
  const trade = known.trades.find(({ positionId }) => positionId === sighting.positionId);
  if (trade === undefined) return { tradeId: null, commandId: null, origin: 'EXTERNAL' };
  return { tradeId: trade.tradeId, commandId: null, origin: originOf(sighting.reason) };
}

/** The command that this new order is one too many of, or `null`. */
export function secondOrderOf(sighting: Sighting, known: Known): TaggedCommand | null {
  if (known.orders.some(({ orderId }) => orderId === sighting.orderId)) return null;
  const command = commandOf(sighting, known);
  return command === undefined || isFreeFor(command, sighting) ? null : command;
}

function commandOf({ tag, reason, side }: Sighting, { commands }: Known): TaggedCommand | undefined {
  if (tag === null || reason in serverOrigins) return undefined;
  return commands.find((command) => command.tag === tag && side === orderSide(command));
}

function orderSide({ kind, side }: TaggedCommand): Side | null {
  if (isOpening(kind)) return side;
  return isClosing(kind) ? opposite(side) : null;
}

function isFreeFor({ orderId, isOrderDead }: TaggedCommand, sighting: Sighting): boolean {
  return orderId === null || orderId === sighting.orderId || isOrderDead;
}

/** What is known once this order has its owner. */
export function withOrder(known: Known, owner: Owner, orderId: string): Known {
  const { tradeId, commandId, origin } = owner;
  const orders = [
    ...known.orders.filter((order) => order.orderId !== orderId),
    { orderId, tradeId, commandId, origin },
  ];
  const commands = known.commands.map((command) => {
    return commandId !== null && command.commandId === commandId
      ? { ...command, orderId, isOrderDead: false }
      : command;
  });
  return { ...known, orders, commands };
}
