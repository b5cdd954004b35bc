import type { Clock } from '../clock.ts';
import { emptyExchange, type Exchange, type ExchangeEvent } from './exchange/book.ts';
import { apply, type Outcome } from './exchange/exchange.ts';
import type { Input } from './exchange/inputs.ts';
import type { Journal } from './journal.ts';
import { emptyHistory, remember, type QuoteHistory } from './quote-history.ts';

export type EventListener = (events: readonly ExchangeEvent[]) => void;

/** The exchange with a clock, a memory and an audience: the only way to change the book. */
export interface Venue {
  /** To read; changed only through `submit`. */
  readonly exchange: Exchange;
  readonly history: QuoteHistory;
  now(): number;
  /** Writes the input down, carries it out and tells the listeners, in this order. */
  submit(input: Input): Outcome;
  /** Calls `listener` after each input that changed something, until the returned function is called. */
  listen(listener: EventListener): () => void;
  close(): void;
}

const EXPIRY_CHECK_MS = 100;

/** Opens a venue; `memory` replays what it holds before it takes more. */
export function openVenue(clock: Clock, memory: (replay: (time: number, input: Input) => void) => Journal): Venue {
  const exchange = emptyExchange();
  const history = emptyHistory();
  const listeners = new Set<EventListener>();

  const carryOut = (time: number, input: Input): Outcome => {
    const outcome = apply(exchange, time, input);
    for (const event of outcome.events) if (event.kind === 'quote') remember(history, event.tick);
    return outcome;
  };
  const journal = memory(carryOut);

  const submit = (input: Input): Outcome => {
    const time = Math.max(clock.now(), exchange.time);
    journal.append(time, input);
    const outcome = carryOut(time, input);
    if (outcome.events.length > 0) for (const listener of listeners) listener(outcome.events);
    return outcome;
  };
  const stopExpiry = clock.every(EXPIRY_CHECK_MS, () => {
    if (clock.now() >= exchange.nextExpiry) submit({ kind: 'clock' });
  });
  return {
    exchange,
    history,
    now: () => clock.now(),
    submit,
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      stopExpiry();
      journal.close();
    },
  };
}
