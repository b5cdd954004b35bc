import type { Lots, Price } from '../decimal.ts';
import type { Side } from '../facts.ts';
import type { CommandId, OrderId, PositionId, StepKey } from '../ids.ts';
import type { LadderInstrument } from '../ladder.ts';
import type { BreakevenRule, LatePolicy, LevelRule } from './request.ts';

export type TradeState =
  | 'PENDING'
  | 'OPENING'
  | 'WORKING'
  | 'OPEN'
  | 'CLOSING'
  | 'CLOSED'
  | 'REJECTED'
  | 'CANCELLED'
  | 'EXPIRED'
  | 'NEEDS_REVIEW';

export type TargetState = 'ARMED' | 'TRIGGERED' | 'EXECUTING' | 'DONE' | 'SKIPPED' | 'CANCELLED' | 'FAILED';

export type CommandState =
  | 'PLANNED'
  | 'SENDING'
  | 'ACCEPTED'
  | 'UNKNOWN'
  | 'CONFIRMED'
  | 'REJECTED'
  | 'NOT_EXECUTED'
  | 'REVIEW';

export type BreakevenState = 'OFF' | 'WAITING' | 'PENDING' | 'DONE';

export interface TargetView {
  readonly level: number;
  readonly rule: LevelRule;
  readonly late: LatePolicy;
  /** `null` until the trade is open. */
  readonly price: Price | null;
  /** Share of the original volume in hundredths of a percent. */
  readonly closeBps: number;
  readonly state: TargetState;
  readonly generation: number;
}

/** A command that is not settled: nothing else may be sent for this trade, but an emergency close. */
export interface UnsettledCommand {
  readonly commandId: CommandId;
  readonly stepKey: StepKey;
  readonly state: 'SENDING' | 'ACCEPTED' | 'UNKNOWN' | 'REVIEW';
  readonly attempt: number;
}

/** A trade as the book shows it. Every record step answers with it, so a workflow never reads its rows separately. */
export interface TradeView {
  /** Grows with every change of the trade, its targets and its commands: an older view is ignored. */
  readonly revision: number;
  readonly state: TradeState;
  /** Hash of the request that opened it. */
  readonly requestHash: string;
  readonly symbol: string;
  readonly side: Side;
  /** Facts of the instrument when the trade was opened. */
  readonly instrument: LadderInstrument;
  readonly positionId: PositionId | null;
  /** The resting entry order of a WORKING trade. */
  readonly entryOrderId: OrderId | null;
  readonly openedLots: Lots;
  readonly closedLots: Lots;
  readonly remainingLots: Lots;
  readonly entryPrice: Price | null;
  /** Levels last read back from the broker. */
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  /** The stop of the opening order: the measure of `r`. */
  readonly initialStop: Price | null;
  /** The stop the trade wants at the broker; restored when it disappears. */
  readonly intendedStop: Price | null;
  readonly breakevenFloor: Price | null;
  readonly breakeven: { readonly rule: BreakevenRule | null; readonly state: BreakevenState };
  readonly automation: 'RUNNING' | 'PAUSED';
  /** Effect proven, deal figures not final: a provisional row is in place. */
  readonly settling: boolean;
  readonly closeReason: string | null;
  readonly closeSubreason: string | null;
  readonly targets: readonly TargetView[];
  readonly unsettled: UnsettledCommand | null;
}
