import { status } from '@grpc/grpc-js';

import type { Side } from '../../domain/facts.ts';
import { OrderType, Side as WireSide, type SendRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Command } from '../exchange/inputs.ts';
import { refused } from './serving.ts';

/**
 * The command of a request, decimals untouched.
 *
 * @throws Refused (INVALID_ARGUMENT) when it has none, or one without side or type
 */
export function commandOf({ command }: SendRequest): Command {
  switch (command.case) {
    case 'market':
      return { kind: 'market', ...tradeOf(command.value), ...levelsOf(command.value) };
    case 'pending':
      return {
        kind: 'pending',
        ...tradeOf(command.value),
        type: restingType(command.value.type),
        ...restingOf(command.value),
      };
    case 'amend':
      return { kind: 'amend', orderId: command.value.orderId, ...restingOf(command.value) };
    case 'cancel':
      return { kind: 'cancel', orderId: command.value.orderId };
    case 'close':
      return { kind: 'close', positionId: command.value.positionId, lots: command.value.lots };
    case 'modify':
      return { kind: 'modify', positionId: command.value.positionId, ...levelsOf(command.value) };
    default:
      throw refused(status.INVALID_ARGUMENT, 'the request has no command');
  }
}

export function sideOf(side: WireSide): Side {
  if (side === WireSide.BUY) return 'BUY';
  if (side === WireSide.SELL) return 'SELL';
  throw refused(status.INVALID_ARGUMENT, `side ${side} is neither BUY nor SELL`);
}

function restingType(type: OrderType): 'LIMIT' | 'STOP' {
  if (type === OrderType.LIMIT) return 'LIMIT';
  if (type === OrderType.STOP) return 'STOP';
  throw refused(status.INVALID_ARGUMENT, `pending order type ${type} is neither LIMIT nor STOP`);
}

const tradeOf = ({ symbol, side, lots }: { symbol: string; side: WireSide; lots: string }) => ({
  symbol,
  side: sideOf(side),
  lots,
});

interface WireLevels {
  readonly stopLoss?: string | undefined;
  readonly takeProfit?: string | undefined;
}

const levelsOf = ({ stopLoss, takeProfit }: WireLevels) => ({
  stopLoss: stopLoss ?? null,
  takeProfit: takeProfit ?? null,
});

const restingOf = (value: WireLevels & { readonly price: string; readonly expiresAt?: number | undefined }) => ({
  ...levelsOf(value),
  price: value.price,
  expiresAt: value.expiresAt ?? null,
});
