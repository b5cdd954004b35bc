import { v5 } from 'uuid';
import {
  commandId,
  tradeId,
  watchId,
  type AccountId,
  type CommandId,
  type StepKey,
  type TradeId,
  type WatchId,
} from './domain/ids.ts';

/** Namespace of everything Belay names; changing it would make every known id unknown. */
const belay = '5b6f0c0a-6d0e-5f3b-9a55-2f0d6f6c7a11';

/** The same request of the same account meets the same trade. */
export function tradeIdOf(account: AccountId, idempotencyKey: string): TradeId {
  return tradeId(v5(`${account}/${idempotencyKey}`, belay));
}

/** The same step of the same trade is the same command. */
export function commandIdOf(trade: TradeId, step: StepKey): CommandId {
  return commandId(v5(`${trade}/${step}`, belay));
}

/** One armed level: `purpose` names it within its trade (`tp:1`). */
export function watchIdOf(trade: TradeId, purpose: string, generation: number): WatchId {
  return watchId(v5(`${trade}/${purpose}/${generation}`, belay));
}
