import type { MessageInitShape } from '@bufbuild/protobuf';

import {
  OrderType,
  type AccountRequestSchema,
  type HistoryRequestSchema,
  type SendRequestSchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { isZero, type Price } from '../../domain/decimal.ts';
import type { UtcMs } from '../../domain/facts.ts';
import type { CommandOutcome } from '../../domain/outcome.ts';
import { unreachable } from '../../domain/outcome.ts';
import type { Accepted, BrokerAccount, HistoryQuery, OutgoingCommand, WireCommand } from '../../trading/connector.ts';
import { toWireSide } from './translate.ts';

type AccountRequest = MessageInitShape<typeof AccountRequestSchema>;
type SendRequest = MessageInitShape<typeof SendRequestSchema>;
type WireBody = NonNullable<SendRequest['command']>;

const TAG_MAX = 0xffff_ffff;

export function accountRequest(account: BrokerAccount): AccountRequest {
  return { login: account.login, password: account.credentials['password'] ?? '' };
}

export function historyRequest(
  account: BrokerAccount,
  query: HistoryQuery,
): MessageInitShape<typeof HistoryRequestSchema> {
  const request = { account: accountRequest(account) };
  switch (query.by) {
    case 'position':
      return { ...request, positionId: query.positionId };
    case 'tag':
      return { ...request, tag: query.tag };
    case 'window':
      return { ...request, from: query.from, to: query.to };
    default:
      return unreachable(query);
  }
}

/** `writtenAt` is our clock at the gate; the broker refuses a request that is older than its bound when it arrives. */
export function sendRequest(account: BrokerAccount, command: OutgoingCommand, writtenAt: UtcMs): SendRequest {
  return {
    account: accountRequest(account),
    tag: command.tag,
    comment: command.comment,
    writtenAt,
    commandId: command.commandId,
    command: bodyOf(command.wire),
  };
}

/**
 * Why this command may not even be encoded, or `null`.
 *
 * Volume 0 closes everything at some brokers and a tag that does not fit is wrapped silently by some encoders.
 */
export function unsendable(command: OutgoingCommand): CommandOutcome<Accepted> | null {
  if (!Number.isInteger(command.tag) || command.tag < 1 || command.tag > TAG_MAX) {
    return refused('other', `tag must be 1 to ${TAG_MAX}, was ${command.tag}`);
  }
  if ('lots' in command.wire && isZero(command.wire.lots)) {
    return refused('invalid-volume', 'lots must be more than zero, was 0');
  }
  return null;
}

function refused(reason: 'other' | 'invalid-volume', text: string): CommandOutcome<Accepted> {
  return { kind: 'rejected', reason, brokerCode: 'not-sent', text, retry: 'never' };
}

function bodyOf(wire: WireCommand): WireBody {
  switch (wire.kind) {
    case 'OPEN':
      return { case: 'market', value: { ...entryOf(wire), ...legsOf(wire) } };
    case 'PLACE_PENDING':
      return { case: 'pending', value: { ...pendingOf(wire), ...legsOf(wire) } };
    case 'PARTIAL_CLOSE':
    case 'FULL_CLOSE':
    case 'EMERGENCY_CLOSE':
      return { case: 'close', value: { positionId: wire.positionId, lots: wire.lots } };
    case 'MODIFY_PROTECTION':
      return { case: 'modify', value: { positionId: wire.positionId, ...legsOf(wire) } };
    case 'CANCEL_PENDING':
      return { case: 'cancel', value: { orderId: wire.orderId } };
    default:
      return unreachable(wire);
  }
}

function entryOf({ symbol, side, lots }: Extract<WireCommand, { kind: 'OPEN' | 'PLACE_PENDING' }>) {
  return { symbol, side: toWireSide(side), lots };
}

function pendingOf(wire: Extract<WireCommand, { kind: 'PLACE_PENDING' }>) {
  return {
    ...entryOf(wire),
    type: wire.type === 'LIMIT' ? OrderType.LIMIT : OrderType.STOP,
    price: wire.price,
    ...(wire.expiresAt === null ? {} : { expiresAt: wire.expiresAt }),
  };
}

/** Both legs always; an absent one means "none" to the broker. */
function legsOf({ stopLoss, takeProfit }: { readonly stopLoss: Price | null; readonly takeProfit: Price | null }) {
  return { ...(stopLoss === null ? {} : { stopLoss }), ...(takeProfit === null ? {} : { takeProfit }) };
}
