import type { Price } from '../decimal.ts';
import type { TargetRule } from './request.ts';

/** A target as it is written into the book: its rule, its price once the trade is open, its share of the original volume. */
export interface Rung {
  readonly rule: TargetRule;
  readonly price: Price | null;
  readonly closeBps: number;
}

/** A change of a trade's own record that sends nothing. */
export type TradeChange =
  | { readonly kind: 'skip-target'; readonly level: number; readonly generation: number; readonly reason: string }
  /** A crossing that was not acted on, or a failed close: armed again one generation higher, the crossing stays on record. */
  | { readonly kind: 'rearm-target'; readonly level: number; readonly generation: number; readonly reason: string }
  | { readonly kind: 'fail-target'; readonly level: number; readonly generation: number; readonly reason: string }
  | { readonly kind: 'pause'; readonly reason: string }
  /** Targets whose watch was disarmed by the pause are armed again, one generation higher. */
  | { readonly kind: 'resume' }
  /** Targets not yet triggered are cancelled and replaced; levels are numbered after the last old one. */
  | { readonly kind: 'edit-ladder'; readonly rungs: readonly Rung[] }
  | { readonly kind: 'breakeven-pending'; readonly reason: string }
  | { readonly kind: 'needs-review'; readonly reason: string };
