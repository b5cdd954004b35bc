import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';

import type {
  HistoryRequest,
  InstrumentsRequest,
  TicksRequest,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { systemClock } from '../../../src/clock.ts';
import { createSimulatedConnector } from '../../../src/connectors/simulated/connector.ts';
import { lots } from '../../../src/domain/decimal.ts';
import { positionId } from '../../../src/domain/ids.ts';
import { Unavailable } from '../../../src/domain/outcome.ts';
import { UnknownSymbol, type BrokerAccount, type Connector } from '../../../src/trading/connector.ts';
import {
  answering,
  failing,
  startFreezableLine,
  startHostileBroker,
  startRawHttp2,
  type HostileBroker,
} from './hostile-broker.ts';
import { accountAt } from './support.ts';
import { wireBalance, wireDeal, wireInstrument, wireOrder, wirePosition, wireQuote } from './wire-samples.ts';

const ending: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

type Behaviour = Parameters<typeof startHostileBroker>[0];

async function facing(behaviour: Behaviour | Promise<HostileBroker>): Promise<[Connector, BrokerAccount]> {
  const broker = await (behaviour instanceof Promise ? behaviour : startHostileBroker(behaviour));
  const connector = createSimulatedConnector({ clock: systemClock });
  ending.push(
    async () => broker.stop(),
    async () => connector.close(),
  );
  return [connector, accountAt(broker.endpoint)];
}

describe('a complete read', () => {
  test('a snapshot has figures, positions and working orders', async () => {
    const resting = { ...wireOrder, type: 2, state: 1, filledLots: '0', price: '1.06' };
    const [connector, account] = await facing({
      getSnapshot: answering<'getSnapshot'>({
        balance: wireBalance,
        positions: [wirePosition],
        workingOrders: [resting],
        asOf: 5,
      }),
    });
    expect(await connector.snapshot(account)).toMatchObject({
      balance: { balance: '10000' },
      positions: [{ positionId: 'p1', lots: '0.3' }],
      workingOrders: [{ orderId: 'o1', state: 'WORKING' }],
      asOf: 5,
    });
  });

  test('history is asked by position, by tag or by window', async () => {
    const heard: HistoryRequest[] = [];
    const [connector, account] = await facing({
      getDeals: answering<'getDeals'>((request: HistoryRequest) => (heard.push(request), { deals: [wireDeal] })),
      getOrders: answering<'getOrders'>((request: HistoryRequest) => (heard.push(request), { orders: [] })),
    });
    expect(await connector.deals(account, { by: 'position', positionId: positionId('p1') })).toHaveLength(1);
    expect(await connector.orders(account, { by: 'tag', tag: 9 })).toEqual([]);
    await connector.deals(account, { by: 'window', from: 1, to: 2 });
    expect(heard.map(({ positionId, tag, from, to }) => ({ positionId, tag, from, to }))).toEqual([
      { positionId: 'p1', tag: undefined, from: 0, to: 0 },
      { positionId: undefined, tag: 9, from: 0, to: 0 },
      { positionId: undefined, tag: undefined, from: 1, to: 2 },
    ]);
  });

  test('a symbol that is not listed is an answer of its own', async () => {
    const [connector, account] = await facing({
      getInstruments: answering<'getInstruments'>((request: InstrumentsRequest) => ({
        instruments: request.symbols.includes('EURUSD') || request.symbols.length === 0 ? [wireInstrument] : [],
      })),
      getQuote: failing<'getQuote'>(status.NOT_FOUND),
    });
    expect((await connector.instrument(account, 'EURUSD')).digits).toBe(5);
    expect(await connector.instruments(account)).toHaveLength(1);
    await expect(connector.instrument(account, 'EURGBX')).rejects.toThrow(UnknownSymbol);
    await expect(connector.quote(account, 'EURGBX')).rejects.toThrow(UnknownSymbol);
  });

  test('margin and candles come as values', async () => {
    const candle = {
      time: 60_000,
      open: '1.07',
      high: '1.08',
      low: '1.06',
      close: '1.075',
      tickVolume: 4,
      closed: true,
    };
    const [connector, account] = await facing({
      getMargin: answering<'getMargin'>({ margin: '64.20', currency: 'EUR' }),
      getCandles: answering<'getCandles'>({ candles: [candle] }),
    });
    expect(await connector.margin(account, 'EURUSD', 'BUY', lots('0.3'))).toBe('64.2');
    expect(await connector.candles(account, 'EURUSD', 60, 0, 120_000)).toEqual([candle]);
  });
});

describe('a read that fails is thrown, never empty', () => {
  const reads: [string, (connector: Connector, account: BrokerAccount) => Promise<unknown>][] = [
    ['verify', (connector, account) => connector.verify(account)],
    ['snapshot', (connector, account) => connector.snapshot(account)],
    ['instruments', (connector, account) => connector.instruments(account)],
    ['instrument', (connector, account) => connector.instrument(account, 'EURUSD')],
    ['quote', (connector, account) => connector.quote(account, 'EURUSD')],
    ['ticks', (connector, account) => connector.ticks(account, 'EURUSD', { sequence: 1, time: 1 })],
    ['candles', (connector, account) => connector.candles(account, 'EURUSD', 60, 0, 1)],
    ['orders', (connector, account) => connector.orders(account, { by: 'tag', tag: 1 })],
    ['deals', (connector, account) => connector.deals(account, { by: 'tag', tag: 1 })],
    ['margin', (connector, account) => connector.margin(account, 'EURUSD', 'BUY', lots('1'))],
    ['evidence', (connector, account) => connector.evidence(account, { tag: 1, positionId: null, claimedAt: 0 })],
  ];

  test.each(reads)('%s: nobody is there', async (_, read) => {
    const gone = await startHostileBroker({});
    await gone.stop();
    const [connector, account] = await facing(Promise.resolve(gone));
    await expect(read(connector, account)).rejects.toThrow(Unavailable);
  });

  test.each(reads)('%s: the peer talks rubbish', async (_, read) => {
    const [connector, account] = await facing(
      startRawHttp2((stream) => {
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.end(Buffer.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]));
      }),
    );
    await expect(read(connector, account)).rejects.toThrow(Unavailable);
  });

  test.each(reads)('%s: the peer refuses', async (_, read) => {
    const [connector, account] = await facing(
      startRawHttp2((stream) =>
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'no' },
          { endStream: true },
        ),
      ),
    );
    await expect(read(connector, account)).rejects.toThrow('UNAUTHENTICATED');
  });

  test('one unreadable deal spoils the whole list', async () => {
    const [connector, account] = await facing({
      getDeals: answering<'getDeals'>({ deals: [wireDeal, { ...wireDeal, dealId: 'd2', lots: '-1' }] }),
    });
    await expect(connector.deals(account, { by: 'tag', tag: 1 })).rejects.toThrow(
      /getDeals at 127.0.0.1:\d+: deal.lots must be zero or more, was "-1"/,
    );
  });

  test('a list beyond the size limit is refused before it fills the memory', async () => {
    const comment = 'x'.repeat(1024 * 1024);
    const [connector, account] = await facing({
      getDeals: answering<'getDeals'>({ deals: Array.from({ length: 66 }, () => ({ ...wireDeal, comment })) }),
    });
    await expect(connector.deals(account, { by: 'tag', tag: 1 })).rejects.toThrow('RESOURCE_EXHAUSTED');
  });

  test('a list of fifty thousand deals is complete', async () => {
    const deals = Array.from({ length: 50_000 }, (_, i) => ({ ...wireDeal, dealId: `d${i}` }));
    const [connector, account] = await facing({ getDeals: answering<'getDeals'>({ deals }) });
    expect(await connector.deals(account, { by: 'window', from: 0, to: 1 })).toHaveLength(50_000);
  });
});

describe('missed quotes', () => {
  const ticksFrom = async (behaviour: NonNullable<Behaviour['getTicks']>, after = 1) => {
    const [connector, account] = await facing({ getTicks: behaviour });
    return connector.ticks(account, 'EURUSD', { sequence: after, time: 1 });
  };

  test('come in order and whole', async () => {
    let asked: TicksRequest | undefined;
    const quotes = await ticksFrom((call) => {
      asked = call.request;
      for (let sequence = 2; sequence <= 3000; sequence += 1) call.write(wireQuote(sequence));
      call.end();
    });
    expect(asked).toMatchObject({ symbol: 'EURUSD', afterSequence: 1 });
    expect(quotes.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2999 }, (_, i) => i + 2));
  });

  test('may be none', async () => {
    expect(await ticksFrom((call) => call.end())).toEqual([]);
  });

  test('begin wherever the broker begins for a reader that has seen nothing', async () => {
    const quotes = await ticksFrom((call) => {
      call.write(wireQuote(41));
      call.write(wireQuote(42));
      call.end();
    }, 0);
    expect(quotes).toHaveLength(2);
  });

  test('cut short by an error are thrown', async () => {
    const cut = ticksFrom((call) => {
      call.write(wireQuote(2));
      call.write(wireQuote(3));
      call.emit('error', { code: status.UNAVAILABLE, details: 'cut' });
    });
    await expect(cut).rejects.toThrow(Unavailable);
  });

  test('cut short by a dead broker are thrown', async () => {
    const broker: HostileBroker = await startHostileBroker({
      getTicks: (call) => {
        call.write(wireQuote(2), () => void broker.stop());
      },
    });
    const [connector, account] = await facing(Promise.resolve(broker));
    await expect(connector.ticks(account, 'EURUSD', { sequence: 1, time: 1 })).rejects.toThrow(Unavailable);
  });

  test.each([
    ['a hole', [2, 4]],
    ['a hole at the start', [3, 4]],
    ['a repeat', [2, 2]],
    ['the wrong way round', [3, 2]],
    ['what was seen before', [1, 2]],
  ])('%s is not a complete answer', async (_, sequences) => {
    const read = ticksFrom((call) => {
      for (const sequence of sequences) call.write(wireQuote(sequence));
      call.end();
    });
    await expect(read).rejects.toThrow('ticks.sequence');
  });

  test('of another symbol are not an answer', async () => {
    const read = ticksFrom((call) => {
      call.write(wireQuote(2, 'GBPUSD'));
      call.end();
    });
    await expect(read).rejects.toThrow('ticks.symbol');
  });
});

test('after a read that timed out on a dead line the next one takes a new line', async () => {
  const broker = await startHostileBroker({
    getSnapshot: answering<'getSnapshot'>({ balance: wireBalance, asOf: 1 }),
  });
  ending.push(() => broker.stop());
  const line = await startFreezableLine(broker.endpoint);
  // A clock that is 4.8 s slow leaves 0.2 s of each read's 5 s.
  const hasty = { ...systemClock, now: () => systemClock.now() - 4800 };
  const connector = createSimulatedConnector({ clock: hasty });
  ending.push(
    async () => line.stop(),
    async () => connector.close(),
  );

  const account = accountAt(line.endpoint);
  await connector.snapshot(account);
  line.freeze();
  await expect(connector.snapshot(account)).rejects.toThrow('DEADLINE_EXCEEDED');
  expect(await connector.snapshot(account)).toMatchObject({ asOf: 1 });
  expect(line.connections()).toBe(2);
});
