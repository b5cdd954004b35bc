import { setTimeout as pause } from 'node:timers/promises';
import { status, type sendUnaryData } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';

import type { SendRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { systemClock } from '../../../src/clock.ts';
import { createSimulatedConnector } from '../../../src/connectors/simulated/connector.ts';
import type { LateReply } from '../../../src/connectors/simulated/send.ts';
import { lots, price } from '../../../src/domain/decimal.ts';
import { orderId, positionId } from '../../../src/domain/ids.ts';
import { SendWindowClosed, type Bounds, type Connector, type WireCommand } from '../../../src/trading/connector.ts';
import { answering, failing, startHostileBroker, startRawHttp2, type HostileBroker } from './hostile-broker.ts';
import { accountAt, openBuy, openGate, outgoing } from './support.ts';
import { wireDeal } from './wire-samples.ts';

const ending: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const quick: Partial<Bounds> = { sendWithinMs: 400, replyWaitMs: 150, executionDelayMs: 600 };

function connectorOf(onLateReply?: (late: LateReply) => void): Connector {
  const connector = createSimulatedConnector({ clock: systemClock, ...(onLateReply ? { onLateReply } : {}) });
  ending.push(() => connector.close());
  return connector;
}

async function brokerOf(starting: Promise<HostileBroker>): Promise<HostileBroker> {
  const broker = await starting;
  ending.push(() => broker.stop());
  return broker;
}

async function sendTo(broker: HostileBroker, wire: WireCommand = openBuy, gate = openGate) {
  return connectorOf().send(accountAt(broker.endpoint, quick), outgoing(wire), gate);
}

describe('the gate', () => {
  test('is asked once, after the connection stands and before the broker hears anything', async () => {
    const order: string[] = [];
    const broker = await brokerOf(
      startHostileBroker({
        send: answering<'send'>(() => {
          order.push('broker');
          return { code: 'done' };
        }),
      }),
    );
    const outcome = await sendTo(broker, openBuy, () => void order.push('gate'));
    expect(outcome.kind).toBe('accepted');
    expect(order).toEqual(['gate', 'broker']);
  });

  test('that says no leaves the broker untouched', async () => {
    let heard = 0;
    const broker = await brokerOf(
      startHostileBroker({ send: answering<'send'>(() => ((heard += 1), { code: 'done' })) }),
    );
    const outcome = await sendTo(broker, openBuy, () => {
      throw new SendWindowClosed('the send deadline has passed');
    });
    expect(outcome).toEqual({ kind: 'unavailable', because: 'the send deadline has passed' });
    expect(heard).toBe(0);
  });

  test('that fails with anything else is a bug and sends nothing', async () => {
    let heard = 0;
    const broker = await brokerOf(
      startHostileBroker({ send: answering<'send'>(() => ((heard += 1), { code: 'done' })) }),
    );
    const gate = () => {
      throw new TypeError('bug');
    };
    await expect(sendTo(broker, openBuy, gate)).rejects.toThrow(TypeError);
    expect(heard).toBe(0);
  });

  test('is never asked when no connection comes about', async () => {
    const broker = await startHostileBroker({});
    await broker.stop();
    let asked = 0;
    const outcome = await sendTo(broker, openBuy, () => void (asked += 1));
    expect(outcome).toMatchObject({ kind: 'unavailable', because: expect.stringContaining('no connection') });
    expect(asked).toBe(0);
  });
});

describe('a broker that is not there at first', () => {
  test('is waited for within the send window and gets the command once', async () => {
    const gone = await startHostileBroker({});
    await gone.stop();
    let heard = 0;
    const sending = connectorOf().send(
      accountAt(gone.endpoint, { ...quick, sendWithinMs: 3000 }),
      outgoing(openBuy),
      openGate,
    );
    await brokerOf(
      startHostileBroker(
        { send: answering<'send'>(() => ((heard += 1), { code: 'done' })) },
        Number(gone.endpoint.split(':')[1]),
      ),
    );
    expect((await sending).kind).toBe('accepted');
    expect(heard).toBe(1);
  });
});

describe('what goes over the wire', () => {
  const bodies: [WireCommand, unknown][] = [
    [openBuy, { case: 'market', value: { symbol: 'EURUSD', side: 1, lots: '0.3', stopLoss: '1.05' } }],
    [
      {
        kind: 'PLACE_PENDING',
        symbol: 'EURUSD',
        side: 'SELL',
        lots: lots('0.2'),
        type: 'STOP',
        price: price('1.06'),
        stopLoss: price('1.07'),
        takeProfit: price('1.01'),
        expiresAt: 1_790_000_000_000,
      },
      {
        case: 'pending',
        value: { side: 2, type: 3, price: '1.06', stopLoss: '1.07', takeProfit: '1.01', expiresAt: 1_790_000_000_000 },
      },
    ],
    ...(['PARTIAL_CLOSE', 'FULL_CLOSE', 'EMERGENCY_CLOSE'] as const).map((kind): [WireCommand, unknown] => [
      { kind, positionId: positionId('p1'), symbol: 'EURUSD', lots: lots('0.1') },
      { case: 'close', value: { positionId: 'p1', lots: '0.1' } },
    ]),
    [
      {
        kind: 'MODIFY_PROTECTION',
        positionId: positionId('p1'),
        symbol: 'EURUSD',
        stopLoss: price('1.06'),
        takeProfit: null,
      },
      { case: 'modify', value: { positionId: 'p1', stopLoss: '1.06' } },
    ],
    [
      { kind: 'CANCEL_PENDING', orderId: orderId('o1'), symbol: 'EURUSD' },
      { case: 'cancel', value: { orderId: 'o1' } },
    ],
  ];

  test.each(bodies)('$kind', async (wire, body) => {
    let heard: SendRequest | undefined;
    const broker = await brokerOf(
      startHostileBroker({ send: answering<'send'>((request: SendRequest) => ((heard = request), { code: 'done' })) }),
    );
    const before = Date.now();
    await sendTo(broker, wire);
    expect(heard).toMatchObject({
      account: { login: 'SIM-HEDGE', password: 'sim' },
      tag: 0x2000_0001,
      comment: 'blt-test',
      commandId: '6a1f4a0e-6a0f-5a3e-9d6c-0f2f1f1c7a11',
      command: body,
    });
    expect(heard?.writtenAt).toBeGreaterThanOrEqual(before);
    expect(heard?.writtenAt).toBeLessThanOrEqual(Date.now());
  });

  test('an edit without a take profit says so by leaving it out', async () => {
    let heard: SendRequest | undefined;
    const broker = await brokerOf(
      startHostileBroker({ send: answering<'send'>((request: SendRequest) => ((heard = request), { code: 'done' })) }),
    );
    await sendTo(broker, { ...openBuy, kind: 'MODIFY_PROTECTION', positionId: positionId('p1') } as WireCommand);
    expect(heard?.command.value).not.toHaveProperty('takeProfit', expect.anything());
  });

  test.each([
    ['a volume of 0', outgoing({ ...openBuy, lots: lots('0') } as WireCommand), 'invalid-volume'],
    ['a tag that does not fit', outgoing(openBuy, 2 ** 32), 'other'],
    ['no tag', outgoing(openBuy, 0), 'other'],
    ['half a tag', outgoing(openBuy, 1.5), 'other'],
  ])('%s never leaves', async (_, command, reason) => {
    let heard = 0;
    const broker = await brokerOf(
      startHostileBroker({ send: answering<'send'>(() => ((heard += 1), { code: 'done' })) }),
    );
    let asked = 0;
    const outcome = await connectorOf().send(accountAt(broker.endpoint, quick), command, () => void (asked += 1));
    expect(outcome).toMatchObject({ kind: 'rejected', reason, brokerCode: 'not-sent', retry: 'never' });
    expect([heard, asked]).toEqual([0, 0]);
  });
});

describe('an answer that does not come', () => {
  test('is unknown when the reply wait is over', async () => {
    const broker = await brokerOf(startHostileBroker({ send: () => undefined }));
    const startedAt = performance.now();
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown', because: expect.stringContaining('within 150 ms') });
    expect(performance.now() - startedAt).toBeLessThan(450);
  });

  test('but comes later is handed on, facts and all, and changes no outcome', async () => {
    const broker = await brokerOf(
      startHostileBroker({
        send: (_, reply) => void pause(300).then(() => reply(null, { code: 'done', deals: [wireDeal] })),
      }),
    );
    let late: (reply: LateReply) => void = () => undefined;
    const arrived = new Promise<LateReply>((resolve) => (late = resolve));
    const connector = connectorOf((reply) => late(reply));
    const outcome = await connector.send(accountAt(broker.endpoint, quick), outgoing(openBuy), openGate);
    expect(outcome.kind).toBe('unknown');
    expect(await arrived).toMatchObject({
      account: '7',
      commandId: '6a1f4a0e-6a0f-5a3e-9d6c-0f2f1f1c7a11',
      outcome: { kind: 'accepted', value: { facts: [{ kind: 'deal', dealId: 'd1' }] } },
    });
  });

  test('keeps the call open for the execution delay and then ends it, so that nothing is parked for ever', async () => {
    let ended: (ms: number) => void = () => undefined;
    const closed = new Promise<number>((resolve) => (ended = resolve));
    const broker = await brokerOf(
      startHostileBroker({
        send: (call) => {
          const startedAt = performance.now();
          call.on('cancelled', () => ended(performance.now() - startedAt));
        },
      }),
    );
    expect((await sendTo(broker)).kind).toBe('unknown');
    const openMs = await closed;
    expect(openMs).toBeGreaterThan(400);
    expect(openMs).toBeLessThan(1200);
  });

  test('a line cut after the command was written is unknown, and nothing is written again', async () => {
    let heard = 0;
    const broker: HostileBroker = await startHostileBroker({
      send: () => {
        heard += 1;
        void broker.stop();
      },
    });
    const connector = connectorOf();
    const sending = connector.send(
      accountAt(broker.endpoint, { ...quick, replyWaitMs: 1000 }),
      outgoing(openBuy),
      openGate,
    );
    expect(await sending).toMatchObject({ kind: 'unknown', because: expect.not.stringContaining('within') });
    const again = await brokerOf(
      startHostileBroker({ send: () => void (heard += 1) }, Number(broker.endpoint.split(':')[1])),
    );
    // The reconnected channel answers a read, so anything queued behind the cut would have come through by now.
    await expect(connector.snapshot(accountAt(again.endpoint))).rejects.toThrow('UNIMPLEMENTED');
    expect(heard).toBe(1);
  });
});

describe('an answer that cannot be read', () => {
  test.each([
    ['no message at all', undefined],
    ['bytes that are no message', Buffer.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff])],
    ['a message of a megabyte that never ends', Buffer.from([0, 0, 0x10, 0, 0, 1])],
    ['a message that announces four gigabytes', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])],
    ['an empty message', Buffer.from([0, 0, 0, 0, 0])],
  ])('%s is unknown', async (_, body) => {
    const broker = await brokerOf(
      startRawHttp2((stream) => {
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
        stream.end(body);
      }),
    );
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown' });
  });

  test.each([401, 403, 404, 500, 503])('a proxy that answers HTTP %d is unknown', async (httpStatus) => {
    const broker = await brokerOf(
      startRawHttp2((stream) => {
        stream.respond({ ':status': httpStatus, 'content-type': 'text/html' });
        stream.end('<html>no</html>');
      }),
    );
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown' });
  });

  test('a stream that the server refuses is unknown and is not sent again by the library', async () => {
    let heard = 0;
    const broker = await brokerOf(
      startRawHttp2((stream) => {
        heard += 1;
        stream.close(7);
      }),
    );
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown' });
    expect(heard).toBe(1);
  });

  test('a peer that speaks of connections of its own proves nothing about ours', async () => {
    const broker = await brokerOf(
      startHostileBroker({ send: failing<'send'>(status.UNAVAILABLE, 'No connection established') }),
    );
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown' });
  });
});

describe('a broker that refuses before it looks', () => {
  test.each([
    [status.UNAUTHENTICATED, 'authorisation'],
    [status.PERMISSION_DENIED, 'authorisation'],
    [status.INVALID_ARGUMENT, 'other'],
    [status.UNIMPLEMENTED, 'other'],
  ])('gRPC %d is a rejection', async (code, reason) => {
    const broker = await brokerOf(startHostileBroker({ send: failing<'send'>(code, 'not you') }));
    expect(await sendTo(broker)).toMatchObject({ kind: 'rejected', reason, text: 'not you' });
  });

  test('a broker overloaded in the middle is unknown', async () => {
    const overloaded = (_: unknown, reply: sendUnaryData<never>) =>
      reply({ code: status.RESOURCE_EXHAUSTED, details: 'busy' });
    const broker = await brokerOf(startHostileBroker({ send: overloaded as never }));
    expect(await sendTo(broker)).toMatchObject({ kind: 'unknown' });
  });
});

test('commands of one moment each get their own answer', async () => {
  const broker = await brokerOf(
    startHostileBroker({
      send: answering<'send'>((request: SendRequest) => ({ code: 'done', orderId: `o${request.tag}` })),
    }),
  );
  const connector = connectorOf();
  const tags = Array.from({ length: 50 }, (_, i) => 100 + i);
  const outcomes = await Promise.all(
    tags.map((tag) => connector.send(accountAt(broker.endpoint), outgoing(openBuy, tag), openGate)),
  );
  expect(outcomes).toEqual(
    tags.map((tag) => ({ kind: 'accepted', value: { orderId: `o${tag}`, positionId: null, facts: [] } })),
  );
});
