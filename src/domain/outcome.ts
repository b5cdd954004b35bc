/** Why a broker or Belay itself refused a command. Stable codes: callers and tests may branch on them. */
export type RefusalCode =
  | 'invalid-volume'
  | 'volume-off-step'
  | 'volume-below-minimum'
  | 'volume-above-maximum'
  | 'invalid-price'
  | 'invalid-stops'
  | 'frozen'
  | 'not-enough-money'
  | 'market-closed'
  | 'no-quotes'
  | 'requote'
  | 'trade-disabled'
  | 'close-only'
  | 'unknown-symbol'
  | 'unknown-account'
  | 'position-not-found'
  | 'order-not-found'
  | 'volume-exceeds-position'
  | 'no-changes'
  | 'too-many-requests'
  | 'request-too-old'
  | 'repeated-command'
  | 'position-busy'
  | 'authorisation'
  | 'other';

/** When a refused command may be asked again: never, at once with fresh data, after a pause, or when the session opens. */
export type RetryAdvice = 'never' | 'now' | { readonly afterMs: number } | 'session-open';

/** What a broker command came to. The compiler makes every caller face all four answers. */
export type CommandOutcome<Accepted> =
  | { readonly kind: 'accepted'; readonly value: Accepted }
  | {
      readonly kind: 'rejected';
      readonly reason: RefusalCode;
      readonly brokerCode: string;
      readonly text: string;
      readonly retry: RetryAdvice;
    }
  /** It provably never left us. */
  | { readonly kind: 'unavailable'; readonly because: string }
  /** It may have happened: look it up, never guess. */
  | { readonly kind: 'unknown'; readonly because: string };

/** Our own check said no, so nothing was sent. Names the field, the value, the rule and the way out. */
export interface Denial {
  readonly code: string;
  readonly field: string;
  readonly value: string;
  readonly rule: string;
  readonly fix: string;
}

/** A broken promise inside Belay: never caught to go on, always shown. */
export class InvariantViolated extends Error {
  override readonly name = 'InvariantViolated';
}

/** A read that could not be completed: never the same as an empty answer. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

export function unreachable(value: never): never {
  throw new InvariantViolated(`unexpected ${JSON.stringify(value)}`);
}
