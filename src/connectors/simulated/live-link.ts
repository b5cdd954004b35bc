import { status, type ServiceError } from '@grpc/grpc-js';

import type { Clock } from '../../clock.ts';
import type { BrokerAccount, QuoteDemand, SessionSink } from '../../trading/connector.ts';
import type { BrokerChannel, BrokerStream, StreamMessage } from './client.ts';
import { refusingStatuses } from './classify.ts';
import { accountRequest } from './request.ts';
import { factsOf, quoteOf } from './translate.ts';

/** The broker beats every second; a link without a message for this long is dead at the other end. */
export const SILENCE_MAX_MS = 5000;

const SILENCE_CHECK_MS = 1000;

/** What the link tells the operator's log; a pino logger fits. */
export interface LinkLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LinkDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  readonly channel: BrokerChannel;
  readonly accounts: readonly BrokerAccount[];
  readonly sink: SessionSink;
  readonly demand: QuoteDemand;
}

/** How one connection ended. */
export interface LinkEnd {
  readonly reason: string;
  readonly why: 'aborted' | 'lost' | 'silent' | 'refused';
  /** Milliseconds between its first message and its end; `null` when none came. */
  readonly livedMs: number | null;
}

/** One connection from opening to its end. Tells the sink when it came up and when it went. */
export function runLink(deps: LinkDeps, signal: AbortSignal): Promise<LinkEnd> {
  return new Promise((resolve) => new OpenLink(deps, signal, resolve).open());
}

class OpenLink {
  readonly #deps: LinkDeps;
  readonly #signal: AbortSignal;
  readonly #ended: (end: LinkEnd) => void;
  readonly #stream: BrokerStream;
  readonly #undo: (() => void)[] = [];
  #over = false;
  #upSince: number | null = null;
  #quietMs = 0;
  #asked: string | null = null;

  constructor(deps: LinkDeps, signal: AbortSignal, ended: (end: LinkEnd) => void) {
    this.#deps = deps;
    this.#signal = signal;
    this.#ended = ended;
    this.#stream = deps.channel.stream();
  }

  open(): void {
    const abort = () => this.#end('aborted', 'released');
    this.#signal.addEventListener('abort', abort, { once: true });
    this.#undo.push(() => this.#signal.removeEventListener('abort', abort));

    this.#stream.on('data', (message: StreamMessage) => this.#take(message));
    this.#stream.on('error', (error: ServiceError) => this.#failed(error));
    this.#stream.on('end', () => this.#end('lost', 'the broker ended the stream'));

    this.#undo.push(this.#deps.demand.onChange(() => this.#ask()));
    this.#undo.push(this.#deps.clock.every(SILENCE_CHECK_MS, () => this.#checkSilence()));
    this.#ask();
  }

  /** Asks for the symbols wanted now, unless that is what was asked last. */
  #ask(): void {
    const symbols = [...this.#deps.demand.symbols()].sort();
    const asked = symbols.join('\n');
    if (this.#over || asked === this.#asked) return;
    this.#asked = asked;
    this.#stream.write({ accounts: this.#deps.accounts.map(accountRequest), symbols });
  }

  #take(message: StreamMessage): void {
    if (this.#over) return;
    this.#quietMs = 0;
    try {
      if (this.#upSince === null) this.#connected();
      this.#deliver(message);
    } catch (error) {
      // Unreadable or refused by the sink: what was lost can only be asked for again, so the link must not look whole.
      this.#deps.log.error({ error, endpoint: this.#deps.channel.endpoint }, 'a live message could not be taken');
      this.#end('lost', `a live message could not be taken: ${String(error)}`);
    }
  }

  #connected(): void {
    this.#upSince = this.#deps.clock.monotonic();
    this.#deps.sink.connected();
  }

  #deliver({ event }: StreamMessage): void {
    const { sink, accounts } = this.#deps;
    switch (event.case) {
      case 'quote':
        return sink.quote(quoteOf(event.value));
      case 'facts': {
        const facts = factsOf(event.value);
        for (const account of accounts) if (account.login === event.value.login) sink.facts(account.id, facts);
        return;
      }
      case 'heartbeat':
      case undefined:
        // A kind of message that is newer than us still proves that the line lives.
        return sink.heartbeat();
    }
  }

  /** Counts checks, not clock time: after a stall of our own the messages waiting in the socket come first. */
  #checkSilence(): void {
    this.#quietMs += SILENCE_CHECK_MS;
    if (this.#quietMs >= SILENCE_MAX_MS) this.#end('silent', `no message for ${SILENCE_MAX_MS} ms`);
  }

  #failed(error: ServiceError): void {
    const refused = refusingStatuses[error.code] !== undefined && this.#upSince === null;
    this.#end(refused ? 'refused' : 'lost', `${status[error.code]}: ${error.details}`);
  }

  #end(why: LinkEnd['why'], reason: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const undo of this.#undo) undo();
    this.#stream.cancel();
    const livedMs = this.#upSince === null ? null : this.#deps.clock.monotonic() - this.#upSince;
    this.#ended({ why, reason, livedMs });
  }
}
