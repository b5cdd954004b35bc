/** The next quote of a market, in points. */
export interface SourceQuote {
  readonly symbol: string;
  readonly bid: number;
  readonly ask: number;
  /** The file's own time, `null` for a market that lives now. */
  readonly sourceTime: number | null;
  /** Milliseconds to wait before it at speed 1. */
  readonly pauseMs: number;
}

/** Where quotes come from. The same id gives the same quotes in the same order. */
export interface QuoteSource {
  readonly id: string;
  /** Whether the market is over after the last quote; one that is moved by hand never is. */
  readonly ends: boolean;
  /** Quotes from the given one on (0 = the first); ends when the market has no more. */
  quotes(from: number): AsyncGenerator<SourceQuote> | Generator<SourceQuote>;
}

/** A market that moves only by hand. */
export const manualMarket: QuoteSource = {
  id: 'manual',
  ends: false,
  *quotes() {
    // Quotes are pushed through the control door.
  },
};
