import type { MessageInitShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';

import type { BrokerHandlers } from '../../../proto/belay/simulator/v1/service.ts';
import type { StreamEventSchema, StreamRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { createSimulatedConnector } from '../../../src/connectors/simulated/connector.ts';
import { SessionRefused } from '../../../src/connectors/simulated/hold.ts';
import { accountId } from '../../../src/domain/ids.ts';
import { InvariantViolated } from '../../../src/domain/outcome.ts';
import type { BrokerAccount } from '../../../src/trading/connector.ts';
import { answering, startFreezableLine, startHostileBroker, type HostileBroker } from './hostile-broker.ts';
import { accountAt, briskClock, changingDemand, recordedSink } from './support.ts';
import { wireBalance, wireDeal, wirePosition, wireQuote } from './wire-samples.ts';

type StreamCall = Parameters<BrokerHandlers['stream']>[0];

const ending: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const heartbeat = { event: { case: 'heartbeat', value: { time: 1, marketHeld: false } } } as const;
const quote = (sequence: number) => ({ event: { case: 'quote', value: wireQuote(sequence) } }) as const;

async function brokerWith(
  stream: (call: StreamCall, nth: number) => void,
  more: Parameters<typeof startHostileBroker>[0] = {},
) {
  let calls = 0;
  const broker = await startHostileBroker({
    ...more,
    stream: (call) => {
      call.on('error', () => undefined);
      stream(call, (calls += 1));
    },
  });
  ending.push(() => broker.stop());
  return { ...broker, calls: () => calls };
}

interface Logged {
  readonly level: 'warn' | 'error';
  readonly message: string;
}

function holding(endpoint: string, accounts: readonly BrokerAccount[] = [accountAt(endpoint)], overrides = {}) {
  const logged: Logged[] = [];
  const log = {
    warn: (_: object, message: string) => void logged.push({ level: 'warn', message }),
    error: (_: object, message: string) => void logged.push({ level: 'error', message }),
  };
  const connector = createSimulatedConnector({ clock: briskClock, log });
  const sink = Object.assign(recordedSink(), overrides);
  const demand = changingDemand('EURUSD');
  const stop = new AbortController();
  const held = connector.hold({ key: 'sim', accounts }, sink, demand, stop.signal);
  ending.push(async () => {
    stop.abort();
    await held.catch(() => undefined);
    await connector.close();
  });
  return { connector, sink, demand, stop, held, logged };
}

describe('a live link', () => {
  test('brings quotes, facts of each account and heartbeats, and says first that it is up', async () => {
    const facts = {
      login: 'SIM-HEDGE',
      deals: [wireDeal],
      positions: [{ ...wirePosition, lots: '0' }],
      balance: wireBalance,
    };
    const broker = await brokerWith((call) => {
      call.write(quote(1));
      call.write({ event: { case: 'facts', value: facts } });
      call.write({ event: { case: 'facts', value: { ...facts, login: 'SOMEBODY' } } });
      call.write(heartbeat);
    });
    const { sink } = holding(broker.endpoint);
    await sink.until(() => sink.beats === 1);
    expect(sink.changes).toEqual(['connected']);
    expect(sink.quotes).toMatchObject([{ symbol: 'EURUSD', sequence: 1, bid: '1.0711' }]);
    expect(sink.taken).toMatchObject([['7', [{ kind: 'deal' }, { kind: 'position', lots: '0' }, { kind: 'balance' }]]]);
  });

  test('asks for all accounts and tells the broker of each change of demand', async () => {
    const heard: StreamRequest[] = [];
    let more: () => void = () => undefined;
    const broker = await brokerWith((call) => {
      call.on('data', (request: StreamRequest) => {
        heard.push(request);
        call.write(heartbeat);
        more();
      });
    });
    const accounts = [accountAt(broker.endpoint), { ...accountAt(broker.endpoint, {}, 'SIM-NET'), id: accountId('8') }];
    const { sink, demand } = holding(broker.endpoint, accounts);
    await sink.until(() => sink.beats === 1);
    demand.want('GBPUSD', 'EURUSD');
    await sink.until(() => sink.beats === 2);
    demand.want('EURUSD', 'GBPUSD');
    const last = new Promise<void>((resolve) => (more = resolve));
    demand.want();
    await last;
    expect(heard.map(({ symbols }) => symbols)).toEqual([['EURUSD'], ['EURUSD', 'GBPUSD'], []]);
    expect(heard[1]?.accounts.map(({ login }) => login)).toEqual(['SIM-HEDGE', 'SIM-NET']);
  });

  test('takes a kind of message it does not know for a sign of life', async () => {
    const broker = await brokerWith((call) => void call.write({}));
    const { sink } = holding(broker.endpoint);
    await sink.until(() => sink.beats === 1);
    expect(sink.changes).toEqual(['connected']);
  });
});

describe('a lost link', () => {
  test('comes back with the demand of now, and says so each time', async () => {
    const asked: string[][] = [];
    const broker = await brokerWith((call, nth) => {
      call.on('data', (request: StreamRequest) => {
        asked.push(request.symbols);
        call.write(quote(nth));
        if (nth === 1) call.emit('error', { code: status.UNAVAILABLE, details: 'cut' });
      });
    });
    const { sink, demand } = holding(broker.endpoint);
    await sink.until(() => sink.changes.length === 2);
    demand.want('XAUUSD');
    await sink.until(() => sink.quotes.length === 2);
    expect(sink.changes).toEqual(['connected', 'disconnected: UNAVAILABLE: cut', 'connected']);
    expect(asked).toEqual([['EURUSD'], ['XAUUSD']]);
  });

  test('is also one that the broker ended politely', async () => {
    const broker = await brokerWith((call, nth) => {
      call.write(heartbeat);
      if (nth === 1) call.end();
    });
    const { sink } = holding(broker.endpoint);
    await sink.until(() => sink.changes.length === 3);
    expect(sink.changes[1]).toBe('disconnected: the broker ended the stream');
  });

  test('comes back after the broker was away', async () => {
    const gone = await startHostileBroker({});
    await gone.stop();
    const { sink } = holding(gone.endpoint);
    const back: HostileBroker = await startHostileBroker(
      { stream: (call) => void call.write(heartbeat) },
      Number(gone.endpoint.split(':')[1]),
    );
    ending.push(() => back.stop());
    await sink.until(() => sink.beats === 1);
    expect(sink.changes).toEqual(['connected']);
  });

  test('that has gone deaf is noticed by its silence and left for a new line', async () => {
    const broker = await brokerWith((call) => {
      const beat = setInterval(() => call.write(heartbeat), 20);
      call.on('cancelled', () => clearInterval(beat));
      ending.push(() => clearInterval(beat));
    });
    const line = await startFreezableLine(broker.endpoint);
    ending.push(() => line.stop());
    const { sink } = holding(line.endpoint);
    await sink.until(() => sink.beats > 20);
    expect(sink.changes).toEqual(['connected']);
    line.freeze();
    await sink.until(() => sink.changes.length === 3);
    expect(sink.changes.slice(1)).toEqual(['disconnected: no message for 5000 ms', 'connected']);
    expect(line.connections()).toBe(2);
  });

  test('to a broker that never says a word is tried again without ever being called up', async () => {
    let met: () => void = () => undefined;
    const third = new Promise<void>((resolve) => (met = resolve));
    const broker = await brokerWith((_, nth) => {
      if (nth === 3) met();
    });
    const { sink } = holding(broker.endpoint);
    await third;
    expect(sink.changes).toEqual([]);
  });
});

describe('a message that cannot be taken', () => {
  const poison = {
    event: { case: 'facts', value: { login: 'SIM-HEDGE', deals: [{ ...wireDeal, lots: '-1' }] } },
  } satisfies MessageInitShape<typeof StreamEventSchema>;

  test('breaks the link loudly instead of leaving a hole in it', async () => {
    const broker = await brokerWith((call, nth) => {
      if (nth === 1) call.write(poison);
      else call.write(heartbeat);
      call.write(quote(nth));
    });
    const { sink, logged } = holding(broker.endpoint);
    await sink.until(() => sink.quotes.length === 1);
    expect(sink.changes[1]).toContain('deal.lots must be zero or more');
    expect(sink.changes.at(-1)).toBe('connected');
    expect(sink.quotes[0]?.sequence).toBe(2);
    expect(logged).toEqual([{ level: 'error', message: 'a live message could not be taken' }]);
  });

  test('because the sink fails breaks it the same way', async () => {
    let failures = 0;
    const broker = await brokerWith((call, nth) => {
      call.write({ event: { case: 'facts', value: { login: 'SIM-HEDGE', deals: [wireDeal] } } });
      if (nth === 2) call.write(heartbeat);
    });
    const facts = () => {
      failures += 1;
      if (failures === 1) throw new Error('the book is closed');
    };
    const { sink, logged } = holding(broker.endpoint, undefined, { facts });
    await sink.until(() => sink.beats === 1);
    expect(failures).toBe(2);
    expect(sink.changes[1]).toContain('the book is closed');
    expect(logged).toHaveLength(1);
  });
});

describe('letting go', () => {
  test('ends at once, leaves nothing behind and tells the broker', async () => {
    let gone: () => void = () => undefined;
    const cancelled = new Promise<void>((resolve) => (gone = resolve));
    const broker = await brokerWith((call) => {
      call.on('cancelled', () => gone());
      call.write(heartbeat);
    });
    const { sink, stop, held, demand } = holding(broker.endpoint);
    await sink.until(() => sink.beats === 1);
    stop.abort();
    await held;
    await cancelled;
    expect(demand.listeners()).toBe(0);
    expect(sink.changes).toEqual(['connected']);
  });

  test('ends also in the pause between two connections', async () => {
    const gone = await startHostileBroker({});
    await gone.stop();
    const { stop, held } = holding(gone.endpoint);
    stop.abort();
    await held;
  });

  test('before it began never dials', async () => {
    const broker = await brokerWith(() => undefined);
    const connector = createSimulatedConnector({ clock: briskClock });
    ending.push(() => connector.close());
    const session = { key: 'sim', accounts: [accountAt(broker.endpoint)] };
    await connector.hold(session, recordedSink(), changingDemand(), AbortSignal.abort());
    expect(broker.calls()).toBe(0);
  });
});

describe('accounts that the broker refuses', () => {
  const refusing = (call: StreamCall) =>
    void call.on('data', (request: StreamRequest) => {
      if (request.accounts.some(({ password }) => password !== 'sim')) {
        call.emit('error', { code: status.UNAUTHENTICATED, details: 'wrong password' });
      } else call.write(heartbeat);
    });

  const verify: BrokerHandlers['verify'] = (call, reply) =>
    call.request.password === 'sim'
      ? reply(null, { login: call.request.login, currency: 'EUR' })
      : reply({ code: status.UNAUTHENTICATED, details: 'wrong password' });

  test('are left out with a warning, the others are held', async () => {
    const broker = await brokerWith(refusing, { verify });
    const stranger = { ...accountAt(broker.endpoint, {}, 'STRANGER'), credentials: { password: 'guess' } };
    const { sink, logged } = holding(broker.endpoint, [stranger, accountAt(broker.endpoint)]);
    await sink.until(() => sink.beats === 1);
    expect(logged).toEqual([{ level: 'warn', message: 'the broker refuses this account: held without it' }]);
  });

  test('end the session when none is left, because no retry mends that', async () => {
    const broker = await brokerWith(refusing, { verify });
    const stranger = { ...accountAt(broker.endpoint, {}, 'STRANGER'), credentials: { password: 'guess' } };
    const { held } = holding(broker.endpoint, [stranger]);
    await expect(held).rejects.toThrow(SessionRefused);
  });

  test('stay in while the broker cannot tell', async () => {
    const broker = await brokerWith(
      (call, nth) => {
        if (nth === 1) call.emit('error', { code: status.UNAUTHENTICATED, details: 'not yet' });
        else call.write(heartbeat);
      },
      { verify: answering<'verify'>({ login: 'SIM-HEDGE', currency: 'EUR' }) },
    );
    const { sink, logged } = holding(broker.endpoint);
    await sink.until(() => sink.beats === 1);
    expect(logged).toEqual([]);
  });
});

test('a session of accounts at two endpoints is a bug', async () => {
  const connector = createSimulatedConnector({ clock: briskClock });
  const session = { key: 'sim', accounts: [accountAt('127.0.0.1:1'), accountAt('127.0.0.1:2')] };
  await expect(connector.hold(session, recordedSink(), changingDemand(), new AbortController().signal)).rejects.toThrow(
    InvariantViolated,
  );
});
