import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';

import type { StreamEvent, StreamRequestSchema } from '../../proto/belay/simulator/v1/simulator_pb.js';
import { systemClock } from '../../src/clock.ts';
import { parseOptions } from '../../src/simulator/options.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { buy, closePosition, dial, fault, hedge, push, until, type Broker } from './broker.ts';

let simulator: Simulator;
let line: Broker;
let calls: ClientDuplexStream<MessageInitShape<typeof StreamRequestSchema>, StreamEvent>[];

beforeEach(async () => {
  simulator = await startSimulator(parseOptions(['--market', 'manual', '--held']), systemClock);
  line = dial(simulator);
  calls = [];
  await push(line, '1.1', '1.1001');
});

afterEach(async () => {
  for (const call of calls) call.cancel();
  line.close();
  await simulator.close();
});

function open(demand: MessageInitShape<typeof StreamRequestSchema>) {
  const events: StreamEvent['event'][] = [];
  let failed: string | null = null;
  const call = line.broker.stream(new Metadata(), {});
  calls.push(call);
  call.on('data', ({ event }) => events.push(event));
  call.on('error', (error) => (failed = error.message));
  call.write(demand);
  const quotes = () => events.flatMap((event) => (event.case === 'quote' ? [event.value] : []));
  const facts = () => events.flatMap((event) => (event.case === 'facts' ? [event.value] : []));
  const sees = (wanted: () => boolean) =>
    until(
      async () => wanted(),
      (yes) => yes,
    );
  return { call, events, quotes, facts, sees, failed: () => failed };
}

describe('a stream', () => {
  test('starts with the current quote and goes on without holes', async () => {
    const stream = open({ accounts: [hedge], symbols: ['EURUSD'] });
    await stream.sees(() => stream.quotes().length === 1);
    await push(line, '1.1002', '1.1003');
    await push(line, '1.1004', '1.1005');
    await stream.sees(() => stream.quotes().length === 3);
    expect(stream.quotes().map(({ sequence, bid }) => [sequence, bid])).toEqual([
      [1, '1.1'],
      [2, '1.1002'],
      [3, '1.1004'],
    ]);
  });

  test('follows a changed demand', async () => {
    const stream = open({ accounts: [hedge] });
    stream.call.write({ symbols: ['EURUSD'] });
    await stream.sees(() => stream.quotes().length === 1);
    stream.call.write({ symbols: [] });
    await buy(line, { tag: 1 });
    await stream.sees(() => stream.facts().length === 1);
    await push(line);
    await buy(line, { tag: 2 });
    await stream.sees(() => stream.facts().length === 2);
    expect(stream.quotes()).toHaveLength(1);
  });

  test('beats although the market is held', async () => {
    const stream = open({ accounts: [hedge] });
    await stream.sees(() => stream.events.some((event) => event.case === 'heartbeat' && event.value.marketHeld));
  });

  test('tells the facts of its logins: open, partial close, stop at the broker', async () => {
    const stream = open({ accounts: [hedge] });
    const { positionId = '' } = await buy(line, { tag: 1, lots: '0.3' });
    await closePosition(line, positionId, '0.1', 2);
    await push(line, '1.0799', '1.08');
    await stream.sees(() => stream.facts().length === 3);
    const [opened, partly, stopped] = stream.facts();
    expect(opened).toMatchObject({
      deals: [{ tag: 1, lots: '0.3' }],
      positions: [{ positionId, lots: '0.3', stopLoss: '1.08' }],
    });
    expect(partly).toMatchObject({ deals: [{ tag: 2, lots: '0.1' }], positions: [{ lots: '0.2' }] });
    expect(stopped).toMatchObject({ deals: [{ price: '1.0799', reason: 3 }], positions: [{ positionId, lots: '0' }] });
    expect(stopped?.balance?.margin).toBe('0');
    expect(Number(stopped?.positions[0]?.updatedAt)).toBeGreaterThan(Number(partly?.positions[0]?.updatedAt));
  });

  test('tells an event twice when asked to, and a lagging deal later than its position', async () => {
    const stream = open({ accounts: [hedge] });
    await stream.sees(() => stream.call.writableLength === 0);
    await fault(line, 'duplicate-event', { times: 1 });
    await buy(line, { tag: 1 });
    await stream.sees(() => stream.facts().length === 2);
    expect(stream.facts()[0]).toEqual(stream.facts()[1]);
    await fault(line, 'lag-deals', { times: 1, ms: 50 });
    await buy(line, { tag: 2 });
    await stream.sees(() => stream.facts().length === 4);
    expect(stream.facts().slice(2)).toMatchObject([
      { deals: [], positions: [{}] },
      { deals: [{ tag: 2 }], positions: [] },
    ]);
  });

  test('ends for a wrong password', async () => {
    const stream = open({ accounts: [{ login: 'SIM-HEDGE', password: 'x' }] });
    await stream.sees(() => stream.failed() !== null);
    expect(stream.failed()).toMatch(/UNAUTHENTICATED/);
  });

  test('of a reader that never reads is cut off instead of growing', async () => {
    const stream = open({ accounts: [hedge], symbols: ['EURUSD'] });
    await stream.sees(() => stream.quotes().length === 1);
    stream.call.pause();
    const quote = { kind: 'quote', symbol: 'EURUSD', ask: 110_010, sourceTime: null, taken: false } as const;
    for (let n = 0; n < 40_000; n += 1) {
      simulator.venue.submit({ ...quote, bid: 109_000 + (n % 1000) });
      if (n % 500 === 0) await new Promise(setImmediate);
    }
    stream.call.resume();
    await stream.sees(() => stream.failed() !== null);
    expect(stream.failed()).toMatch(/RESOURCE_EXHAUSTED/);
  });
});
