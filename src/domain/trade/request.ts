import type { Lots, Price } from '../decimal.ts';
import type { Side, UtcMs } from '../facts.ts';
import type { AccountId, TradeId } from '../ids.ts';

/**
 * Where a level stands: an absolute price, or a distance from the entry in pips, points or multiples of the risk (the distance
 * from entry to the first stop loss). Distances are positive decimal text; the side gives the direction.
 */
export type LevelRule =
  | { readonly price: Price }
  | { readonly pips: string }
  | { readonly points: string }
  | { readonly r: string };

/** How much a target closes: a share of the *original* volume in percent, or all that the targets before it leave. */
export type TargetSize = { readonly share: string } | { readonly rest: true };

/**
 * What to do with a crossing that is heard of late: act when the price still allows it, act at the market in any case, skip the
 * target, or ask a person.
 */
export type LatePolicy = 'act-if-beyond' | 'act' | 'skip' | 'ask';

export interface TargetRule {
  readonly at: LevelRule;
  readonly size: TargetSize;
  readonly late: LatePolicy;
}

/** Move the stop to the entry after target `afterLevel` is done; `offset` is added on the profit side. */
export interface BreakevenRule {
  readonly afterLevel: number;
  readonly offset: { readonly pips: string } | { readonly points: string };
}

export type EntryRule =
  | { readonly type: 'MARKET' }
  | { readonly type: 'LIMIT' | 'STOP'; readonly price: Price; readonly expiresAt: UtcMs | null };

/** The wish to open one trade, in domain values. A stop loss is not optional. */
export interface TradeRequest {
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly symbol: string;
  readonly side: Side;
  readonly volume: Lots;
  readonly entry: EntryRule;
  readonly stopLoss: LevelRule;
  /** Level that rests at the broker for the whole remaining position; `null` for none. */
  readonly takeProfit: LevelRule | null;
  /** Nearest first. */
  readonly targets: readonly TargetRule[];
  /** `null` leaves the stop where it is. */
  readonly breakeven: BreakevenRule | null;
  /** Who asked, for the audit. */
  readonly requestedBy: string;
  /** Hash of the request's body: the same key with another body is refused. */
  readonly requestHash: string;
}
