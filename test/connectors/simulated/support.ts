import { systemClock, type Clock } from '../../../src/clock.ts';
import { lots, price } from '../../../src/domain/decimal.ts';
import type { Fact, Quote } from '../../../src/domain/facts.ts';
import { accountId, commandId } from '../../../src/domain/ids.ts';
import type {
  Bounds,
  BrokerAccount,
  OutgoingCommand,
  QuoteDemand,
  SessionSink,
  WireCommand,
} from '../../../src/trading/connector.ts';

export function accountAt(endpoint: string, bounds: Partial<Bounds> = {}, login = 'SIM-HEDGE'): BrokerAccount {
  return { id: accountId('7'), platform: 'sim', endpoint, login, credentials: { password: 'sim' }, bounds };
}

export const openBuy: WireCommand = {
  kind: 'OPEN',
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots('0.3'),
  stopLoss: price('1.05'),
  takeProfit: null,
};

export function outgoing(wire: WireCommand, tag = 0x2000_0001): OutgoingCommand {
  return { commandId: commandId('6a1f4a0e-6a0f-5a3e-9d6c-0f2f1f1c7a11'), tag, comment: 'blt-test', wire };
}

export const openGate = () => undefined;

/** The wall clock, with the link's checks of silence twenty times as often. */
export const briskClock: Clock = { ...systemClock, every: (ms, action) => systemClock.every(ms / 20, action) };

export interface RecordedSink extends SessionSink {
  readonly quotes: Quote[];
  readonly taken: (readonly [string, readonly Fact[]])[];
  readonly changes: string[];
  beats: number;
  /** Resolves when `state` holds; looked at after everything the link delivers. */
  until(state: () => boolean): Promise<void>;
}

export function recordedSink(): RecordedSink {
  let waiting: { state: () => boolean; resolve: () => void }[] = [];
  const look = () => {
    const met = waiting.filter(({ state }) => state());
    waiting = waiting.filter((entry) => !met.includes(entry));
    for (const { resolve } of met) resolve();
  };
  const sink: RecordedSink = {
    quotes: [],
    taken: [],
    changes: [],
    beats: 0,
    quote: (quote) => {
      sink.quotes.push(quote);
      look();
    },
    facts: (account, facts) => {
      sink.taken.push([account, facts]);
      look();
    },
    heartbeat: () => {
      sink.beats += 1;
      look();
    },
    connected: () => {
      sink.changes.push('connected');
      look();
    },
    disconnected: (reason) => {
      sink.changes.push(`disconnected: ${reason}`);
      look();
    },
    until: (state) =>
      new Promise((resolve) => {
        waiting.push({ state, resolve });
        look();
      }),
  };
  return sink;
}

export interface ChangingDemand extends QuoteDemand {
  want(...symbols: string[]): void;
  readonly listeners: () => number;
}

export function changingDemand(...first: string[]): ChangingDemand {
  let wanted = first;
  const listeners = new Set<() => void>();
  return {
    symbols: () => wanted,
    onChange: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    want: (...symbols) => {
      wanted = symbols;
      for (const changed of listeners) changed();
    },
    listeners: () => listeners.size,
  };
}
