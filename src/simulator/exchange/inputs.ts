import type { DealReason, Side, UtcMs } from '../../domain/facts.ts';
import type { RefusalCode } from '../../domain/outcome.ts';

/** A request to trade, decimals still as the client wrote them. An absent level is `null`. */
export type Command =
  | ({ readonly kind: 'market'; readonly symbol: string; readonly side: Side; readonly lots: string } & Levels)
  | ({
      readonly kind: 'pending';
      readonly symbol: string;
      readonly side: Side;
      readonly lots: string;
      readonly type: 'LIMIT' | 'STOP';
    } & Resting)
  | ({ readonly kind: 'amend'; readonly orderId: string } & Resting)
  | { readonly kind: 'cancel'; readonly orderId: string }
  | { readonly kind: 'close'; readonly positionId: string; readonly lots: string }
  | ({ readonly kind: 'modify'; readonly positionId: string } & Levels);

export type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

interface Levels {
  readonly stopLoss: string | null;
  readonly takeProfit: string | null;
}

interface Resting extends Levels {
  readonly price: string;
  readonly expiresAt: UtcMs | null;
}

/** Who sends, and what the broker's records will show of it. */
export interface Sender {
  readonly login: string;
  /** Counted as the cause of the effect; `null` for a person at the terminal. */
  readonly tag: number | null;
  /** What orders, deals and positions carry, usually the same. */
  readonly shownTag: number | null;
  readonly comment: string;
  readonly commandId: string;
  readonly reason: DealReason;
}

/** Everything that can happen to the market. Plain JSON: the journal is a list of these. */
export type Input =
  | {
      readonly kind: 'account';
      readonly login: string;
      readonly password: string;
      readonly currency: string;
      readonly hedging: boolean;
      /** Hundredths of the currency. */
      readonly deposit: number;
      readonly leverage: number;
    }
  | {
      readonly kind: 'quote';
      readonly symbol: string;
      readonly bid: number;
      readonly ask: number;
      readonly sourceTime: UtcMs | null;
      /** Whether it was the market's next quote, rather than one pushed by hand. */
      readonly taken: boolean;
    }
  /** From here on the quotes come from this file or generator, from its beginning. */
  | { readonly kind: 'source'; readonly id: string }
  | { readonly kind: 'send'; readonly sender: Sender; readonly command: Command }
  /** Time passed without anything else: orders may expire. */
  | { readonly kind: 'clock' };

export interface Done {
  readonly code: 'done';
  readonly orderId: string | null;
  readonly positionId: string | null;
}

export interface Refusal {
  readonly code: RefusalCode;
  readonly text: string;
  /** When it may be asked again; `null` = never. */
  readonly retryAfterMs: number | null;
}

export type Answer = Done | Refusal;

export function refuse(code: RefusalCode, text: string, retryAfterMs: number | null = null): Refusal {
  return { code, text, retryAfterMs };
}
