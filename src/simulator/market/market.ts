import type { Clock } from '../../clock.ts';
import type { Venue } from '../venue.ts';
import type { QuoteSource, SourceQuote } from './quote-source.ts';

/** Quotes taken in one go before other work gets its turn. */
const BATCH = 100;

/** How far the schedule may fall behind before it is given up instead of made up for. */
const MAX_BEHIND_MS = 50;

export interface MarketOptions {
  readonly source: QuoteSource;
  /** Divides the pauses between quotes and nothing else; 0 = no pauses, as fast as the readers follow. */
  readonly speed: number;
  readonly held: boolean;
  /** Resolves when the readers have taken most of what they were sent. */
  readonly drained: () => Promise<void>;
}

/** Feeds a venue from a source: runs, is held, runs a counted number of quotes, and ends with the source. */
export interface Market {
  readonly speed: number;
  readonly held: boolean;
  readonly ended: boolean;
  /** Rejects when the source cannot be read; resolves when it ended or the market was stopped. */
  readonly finished: Promise<void>;
  /** Stops after `quotes` more; 0 = where it stands. */
  holdAfter(quotes: number): void;
  release(): void;
  stop(): Promise<void>;
}

export function startMarket(venue: Venue, clock: Clock, options: MarketOptions): Market {
  const { source, speed, drained } = options;
  const stopped = new AbortController();
  let left = options.held ? 0 : Infinity;
  let ended = false;
  let wake = () => {};

  const released = async () => {
    while (left === 0 && !stopped.signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
  };
  const pace = pacer(clock, speed, stopped.signal, drained);

  const run = async () => {
    venue.submit({ kind: 'source', id: source.id });
    for await (const quote of source.quotes(venue.exchange.source.taken)) {
      if (left === 0) pace.restart();
      await released();
      await pace.before(quote);
      await released();
      if (stopped.signal.aborted) return;
      left -= 1;
      venue.submit(taken(quote));
    }
    ended = source.ends;
  };
  const finished = run();
  return {
    speed,
    get held() {
      return left === 0;
    },
    get ended() {
      return ended;
    },
    finished,
    holdAfter: (quotes) => {
      left = quotes;
      wake();
    },
    release: () => {
      left = Infinity;
      wake();
    },
    stop: async () => {
      stopped.abort();
      wake();
      await finished;
    },
  };
}

function taken({ symbol, bid, ask, sourceTime }: SourceQuote) {
  return { kind: 'quote', symbol, bid, ask, sourceTime, taken: true } as const;
}

/** Waits until a quote is due, in bounded batches so that the process can do something else. */
function pacer(clock: Clock, speed: number, signal: AbortSignal, drained: () => Promise<void>) {
  let due = clock.monotonic();
  let inBatch = 0;
  const breathe = async () => {
    inBatch = 0;
    await new Promise(setImmediate);
    await drained();
  };
  return {
    restart: () => {
      due = clock.monotonic();
    },
    before: async (quote: SourceQuote) => {
      if (speed > 0) {
        due = Math.max(due + quote.pauseMs / speed, clock.monotonic() - MAX_BEHIND_MS);
        const wait = due - clock.monotonic();
        // The market was stopped: the caller looks at the signal itself.
        if (wait >= 1) await clock.sleep(wait, signal).catch(() => {});
      }
      inBatch += 1;
      if (inBatch >= BATCH) await breathe();
    },
  };
}
