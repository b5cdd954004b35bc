import type { Lots, Price } from '../decimal.ts';
import type { Side, UtcMs } from '../facts.ts';
import type { AccountId, StepKey, TradeId } from '../ids.ts';

/** One leg of an edit: leave it as the broker shows it, or set it (`null` removes a take profit; a stop loss is never removed). */
export type Leg = 'keep' | { readonly to: Price | null };

/** What a command is to achieve; frozen at the first send. The wire request is worked out from it and a fresh read. */
export type Intent =
  | {
      readonly kind: 'OPEN';
      readonly symbol: string;
      readonly side: Side;
      readonly lots: Lots;
      readonly stopLoss: Price;
      readonly takeProfit: Price | null;
    }
  | {
      readonly kind: 'PLACE_PENDING';
      readonly symbol: string;
      readonly side: Side;
      readonly lots: Lots;
      readonly type: 'LIMIT' | 'STOP';
      readonly price: Price;
      readonly stopLoss: Price;
      readonly takeProfit: Price | null;
      readonly expiresAt: UtcMs | null;
    }
  /** Bring the position to `leaveLots`; nothing is sent when it is there already. */
  | { readonly kind: 'PARTIAL_CLOSE'; readonly leaveLots: Lots }
  | { readonly kind: 'FULL_CLOSE' }
  | { readonly kind: 'EMERGENCY_CLOSE' }
  | {
      readonly kind: 'MODIFY_PROTECTION';
      readonly stopLoss: Leg;
      readonly takeProfit: Leg;
      /** Only a person's explicit order may move a stop away from the price. */
      readonly mayLoosen: boolean;
      /** The confirmed stop becomes the floor below which no later stop may fall. */
      readonly setsFloor: boolean;
    }
  | { readonly kind: 'CANCEL_PENDING' };

/** Decided before the command and copied to the exact order it causes. */
export interface CloseReason {
  readonly reason: string;
  readonly subreason: string;
  /** One readable line. */
  readonly text: string;
}

/** Everything the command ledger needs to plan, claim and send one step of a trade. */
export interface CommandPlan {
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly stepKey: StepKey;
  readonly intent: Intent;
  /** 1 for the first send. A claim for any other attempt than the row's next one is refused, so a revived sender cannot send. */
  readonly attempt: number;
  /** The rung this command closes; `null` when it closes none. */
  readonly targetLevel: number | null;
  /** Act only while the exit price is at or beyond this level (late crossings); `null` to act in any case. */
  readonly onlyIfBeyond: Price | null;
  /** Closing reason; `null` for what closes nothing. */
  readonly closeReason: CloseReason | null;
  /**
   * `automation` is held back by execution mode `off` and by a paused trade; a person's closes pass, and so does `protection`:
   * no open position stays without a stop at the broker.
   */
  readonly by: 'automation' | 'protection' | 'person';
  readonly actor: string;
}

/** What became of one planned command. */
export type CommandReport =
  /** The broker's state shows the effect. */
  | { readonly kind: 'confirmed' }
  /** The broker took it; the effect is not visible yet. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly code: string; readonly text: string }
  /** Definitely not done; may be asked again after `retryAfterMs`, `null` when it may not. */
  | {
      readonly kind: 'not-executed';
      readonly code: string;
      readonly text: string;
      readonly retryAfterMs: number | null;
    }
  /** Our own check said no before anything was claimed. */
  | {
      readonly kind: 'denied';
      readonly code: string;
      readonly field: string;
      readonly value: string;
      readonly rule: string;
      readonly fix: string;
    }
  /** The broker's position is not what the book says: the book has been brought up to date, decide again. */
  | { readonly kind: 'book-changed' }
  | { readonly kind: 'unknown'; readonly because: string }
  /** Evidence could not decide: a person must. */
  | { readonly kind: 'review'; readonly because: string };
