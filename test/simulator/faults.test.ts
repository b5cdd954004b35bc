import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Metadata } from '@grpc/grpc-js';

import { systemClock } from '../../src/clock.ts';
import { parseOptions } from '../../src/simulator/options.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import {
  ask,
  bookOf,
  buy,
  clearFaults,
  closePosition,
  dealsOf,
  dial,
  failure,
  fault,
  hedge,
  push,
  stateOf,
  until,
  type Broker,
} from './broker.ts';

let simulator: Simulator;
let line: Broker;

beforeEach(async () => {
  simulator = await startSimulator(
    parseOptions(['--market', 'manual', '--max-execution-delay-ms', '2000']),
    systemClock,
  );
  line = dial(simulator);
  await push(line);
});

afterEach(async () => {
  line.close();
  await simulator.close();
});

const executions = async () => (await bookOf(line)).effects.map(({ tag, executions: times }) => [tag, times]);
const parked = () =>
  until(
    () => stateOf(line),
    ({ requestsParked }) => requestsParked === 1,
  );

describe('a request', () => {
  test('that is lost is never carried out and never answered', async () => {
    await fault(line, 'lose-request', { times: 1 });
    expect(await failure(buy(line, { tag: 1, ms: 150 }))).toBe('DEADLINE_EXCEEDED');
    expect(await executions()).toEqual([]);
    expect((await buy(line, { tag: 2 })).code).toBe('done');
    expect(await executions()).toEqual([[2, 1]]);
  });

  test('that is parked is carried out once the faults are cleared', async () => {
    await fault(line, 'park-request', { on: 'market' });
    const answer = buy(line, { tag: 1 });
    await parked();
    expect(await executions()).toEqual([]);
    await clearFaults(line);
    expect((await answer).code).toBe('done');
  });

  test('that is parked is dropped when its client goes away', async () => {
    await fault(line, 'park-request', { on: 'market', times: 1 });
    const gone = failure(buy(line, { tag: 1, ms: 200 }));
    await parked();
    expect(await gone).toBe('DEADLINE_EXCEEDED');
    await until(
      () => stateOf(line),
      ({ requestsParked }) => requestsParked === 0,
    );
    await clearFaults(line);
    expect(await executions()).toEqual([]);
  });

  test('that was written too long ago is refused, also when a delay made it old', async () => {
    expect(await buy(line, { tag: 1, writtenAt: systemClock.now() - 2500 })).toMatchObject({
      code: 'request-too-old',
      retryAfterMs: 0,
    });
    await fault(line, 'delay-request', { times: 1, ms: 400 });
    expect(await buy(line, { tag: 2, writtenAt: systemClock.now() - 1800 })).toMatchObject({ code: 'request-too-old' });
    expect(await executions()).toEqual([]);
  });

  test('is refused with the code asked for', async () => {
    await fault(line, 'refuse', { code: 'requote', on: 'market', times: 1, ms: 20 });
    expect(await buy(line, { tag: 1 })).toMatchObject({ code: 'requote', retryAfterMs: 20 });
    expect((await buy(line, { tag: 1 })).code).toBe('done');
  });
});

describe('a reply', () => {
  test('that is lost leaves the effect behind', async () => {
    await fault(line, 'lose-reply', { times: 1 });
    expect(await failure(buy(line, { tag: 1, ms: 150 }))).toBe('DEADLINE_EXCEEDED');
    expect(await executions()).toEqual([[1, 1]]);
  });

  test('that is parked comes once the faults are cleared', async () => {
    await fault(line, 'park-reply');
    const answer = buy(line, { tag: 1 });
    await parked();
    expect(await executions()).toEqual([[1, 1]]);
    await clearFaults(line);
    expect((await answer).deals).toHaveLength(1);
  });
});

describe('a repeated command', () => {
  test('is carried out again by default and refused when asked to', async () => {
    await buy(line, { tag: 1, commandId: 'same' });
    expect((await buy(line, { tag: 1, commandId: 'same' })).code).toBe('done');
    await fault(line, 'refuse-repeats');
    expect((await buy(line, { tag: 1, commandId: 'same' })).code).toBe('repeated-command');
    expect((await buy(line, { tag: 2, commandId: 'fresh' })).code).toBe('done');
    expect(await executions()).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test('that the broker makes itself is counted as a second effect', async () => {
    await fault(line, 'execute-twice', { times: 1 });
    expect((await buy(line, { tag: 1 })).deals).toHaveLength(1);
    expect(await executions()).toEqual([[1, 2]]);
    expect((await bookOf(line)).positions).toHaveLength(2);
  });

  test('keeps its effect although the broker drops tag and comment', async () => {
    await fault(line, 'drop-tag', { times: 1 });
    await fault(line, 'rewrite-comment', { times: 1 });
    const { deals } = await buy(line, { tag: 1 });
    expect(deals[0]?.tag).toBeUndefined();
    expect(deals[0]?.comment).not.toBe('mine');
    expect(await executions()).toEqual([[1, 1]]);
  });
});

describe('deals that lag', () => {
  test('are missing in reply and history while the position shows at once, and then appear', async () => {
    await fault(line, 'lag-deals', { ms: 300, times: 1 });
    const { deals, positionId = '' } = await buy(line, { tag: 1 });
    expect(deals).toEqual([]);
    expect((await ask(line.broker.getSnapshot.bind(line.broker), hedge)).positions).toHaveLength(1);
    expect((await dealsOf(line, positionId)).deals).toEqual([]);
    expect((await bookOf(line)).deals).toHaveLength(1);
    expect(
      (
        await until(
          () => dealsOf(line, positionId),
          (reply) => reply.deals.length > 0,
        )
      ).deals,
    ).toMatchObject([{ tag: 1 }]);
  });
});

describe('a read', () => {
  test('that fails is an error, once', async () => {
    await fault(line, 'fail-read', { on: 'GetSnapshot', times: 1 });
    expect(await failure(ask(line.broker.getSnapshot.bind(line.broker), hedge))).toBe('UNAVAILABLE');
    expect((await ask(line.broker.getSnapshot.bind(line.broker), hedge)).balance?.balance).toBe('10000');
  });

  test('of quotes fails after a part of them', async () => {
    for (let n = 0; n < 9; n += 1) await push(line, `1.1000${n}`, '1.1002');
    await fault(line, 'fail-read', { on: 'GetTicks', times: 1 });
    const read = () =>
      new Promise<{ got: number; failed: boolean }>((resolve) => {
        let got = 0;
        const call = line.broker.getTicks({ account: hedge, symbol: 'EURUSD', afterSequence: 0 }, new Metadata(), {});
        call.on('data', () => (got += 1));
        call.on('error', () => resolve({ got, failed: true }));
        call.on('end', () => resolve({ got, failed: false }));
      });
    expect(await read()).toEqual({ got: 5, failed: true });
    expect(await read()).toEqual({ got: 10, failed: false });
  });

  test('with a wrong password or an unknown login is not authenticated', async () => {
    const { broker } = line;
    expect(await failure(ask(broker.verify.bind(broker), { login: 'SIM-HEDGE', password: 'x' }))).toBe(
      'UNAUTHENTICATED',
    );
    expect(await failure(ask(broker.verify.bind(broker), { login: 'nobody', password: 'sim' }))).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('of an empty window is a mistake, not an empty list', async () => {
    const { broker } = line;
    expect(await failure(ask(broker.getDeals.bind(broker), { account: hedge, from: 5, to: 0 }))).toBe(
      'INVALID_ARGUMENT',
    );
  });
});

describe('a disconnect', () => {
  test('cuts every call, and the next one connects again', async () => {
    await fault(line, 'park-request');
    const cut = failure(buy(line, { tag: 1 }));
    await parked();
    await fault(line, 'disconnect');
    expect(['UNAVAILABLE', 'CANCELLED', 'INTERNAL']).toContain(await cut);
    await clearFaults(line);
    expect(
      (
        await until(
          () => buy(line, { tag: 2 }).catch(() => null),
          (reply) => reply !== null,
        )
      )?.code,
    ).toBe('done');
    expect(await executions()).toEqual([[2, 1]]);
  });
});

describe('the person at the terminal', () => {
  test('closes part of a position without tag, with reason CLIENT', async () => {
    const { positionId = '' } = await buy(line, { tag: 1, lots: '0.3' });
    const command = { case: 'close', value: { positionId, lots: '0.1' } } as const;
    const reply = await ask(line.control.traderSend.bind(line.control), { account: { login: hedge.login }, command });
    expect(reply.deals).toMatchObject([{ reason: 1, lots: '0.1' }]);
    expect(reply.deals[0]?.tag).toBeUndefined();
    expect(reply.position?.lots).toBe('0.2');
    expect((await closePosition(line, positionId, '0.3', 2)).code).toBe('volume-exceeds-position');
  });
});

describe('the counts', () => {
  test('tell how often each call came in', async () => {
    await buy(line, { tag: 1 });
    await ask(line.broker.verify.bind(line.broker), hedge);
    expect((await stateOf(line)).calls).toMatchObject({ Verify: 1, Send: 1, 'Send.market': 1 });
  });
});
