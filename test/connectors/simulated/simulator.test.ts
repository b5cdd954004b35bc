import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../src/clock.ts';
import { createSimulatedConnector } from '../../../src/connectors/simulated/connector.ts';
import type { LateReply } from '../../../src/connectors/simulated/send.ts';
import { lots, price, type Lots } from '../../../src/domain/decimal.ts';
import type { PositionId } from '../../../src/domain/ids.ts';
import { Unavailable } from '../../../src/domain/outcome.ts';
import { UnknownSymbol, type BrokerAccount, type Connector, type WireCommand } from '../../../src/trading/connector.ts';
import { startSimulatorProcess, type SimulatorProcess } from './simulator-process.ts';
import { accountAt, changingDemand, openGate, outgoing, recordedSink } from './support.ts';

let simulator: SimulatorProcess;
let connector: Connector;
let account: BrokerAccount;
const late: LateReply[] = [];
let onLate: () => void = () => undefined;
let nextTag = 0x2000_0000;

beforeAll(async () => {
  simulator = await startSimulatorProcess();
  connector = createSimulatedConnector({
    clock: systemClock,
    onLateReply: (reply) => {
      late.push(reply);
      onLate();
    },
  });
  account = accountAt(simulator.endpoint, { replyWaitMs: 200 });
  await simulator.quote('1.07110', '1.07120');
});

afterEach(() => simulator.clearFaults());

afterAll(async () => {
  await connector.close();
  await simulator.kill();
});

const openOf = (volume = '0.3'): WireCommand => ({
  kind: 'OPEN',
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots(volume),
  stopLoss: price('1.05'),
  takeProfit: null,
});

const partOf = (positionId: PositionId, volume: Lots): WireCommand => ({
  kind: 'PARTIAL_CLOSE',
  positionId,
  symbol: 'EURUSD',
  lots: volume,
});

function send(wire: WireCommand, tag = (nextTag += 1)) {
  return connector.send(account, outgoing(wire, tag), openGate);
}

async function opened(): Promise<{ readonly positionId: PositionId; readonly tag: number }> {
  const tag = (nextTag += 1);
  const outcome = await send(openOf(), tag);
  if (outcome.kind !== 'accepted' || outcome.value.positionId === null) throw new Error(JSON.stringify(outcome));
  return { positionId: outcome.value.positionId, tag };
}

describe('reading the simulated broker', () => {
  test('verifies the accounts it starts with and refuses a wrong password', async () => {
    expect(await connector.verify(account)).toMatchObject({
      login: 'SIM-HEDGE',
      currency: 'EUR',
      marginMode: 'HEDGING',
      tradeRefusal: null,
      leverage: 500,
    });
    expect(await connector.verify({ ...account, login: 'SIM-NET' })).toMatchObject({ marginMode: 'NETTING' });
    await expect(connector.verify({ ...account, credentials: { password: 'x' } })).rejects.toThrow('UNAUTHENTICATED');
  });

  test('reads every instrument it lists, and knows what it does not list', async () => {
    const { symbols } = await connector.verify(account);
    const listed = await connector.instruments(account);
    expect(listed.map(({ symbol }) => symbol).sort()).toEqual([...symbols].sort());
    expect(await connector.instrument(account, 'EURUSD')).toMatchObject({
      digits: 5,
      volumeStep: '0.01',
      contractSize: '100000',
    });
    await expect(connector.instrument(account, 'NOPE')).rejects.toThrow(UnknownSymbol);
    await expect(connector.quote(account, 'NOPE')).rejects.toThrow(UnknownSymbol);
  });

  test('reads the last quote and every one after a cursor', async () => {
    const first = await connector.quote(account, 'EURUSD');
    await simulator.quote('1.07111', '1.07121');
    await simulator.quote('1.07110', '1.07120');
    const missed = await connector.ticks(account, 'EURUSD', first);
    expect(missed.map(({ sequence, bid }) => [sequence, bid])).toEqual([
      [first.sequence + 1, '1.07111'],
      [first.sequence + 2, '1.0711'],
    ]);
    expect(await connector.ticks(account, 'EURUSD', { sequence: 0, time: 0 })).toHaveLength(first.sequence + 2);
    expect(await connector.ticks(account, 'EURUSD', missed[1] ?? first)).toEqual([]);
  });

  test('a tick stream that breaks in the middle is thrown', async () => {
    await simulator.fault({ kind: 'fail-read', on: 'GetTicks', times: 1 });
    await expect(connector.ticks(account, 'EURUSD', { sequence: 0, time: 0 })).rejects.toThrow(Unavailable);
  });

  test('reads candles and margin', async () => {
    const now = Date.now();
    const candles = await connector.candles(account, 'EURUSD', 60, now - 600_000, now + 60_000);
    expect(candles.length).toBeGreaterThan(0);
    expect(Number(await connector.margin(account, 'EURUSD', 'BUY', lots('0.3')))).toBeGreaterThan(0);
  });
});

describe('a trade at the simulated broker', () => {
  test('is opened, protected, partly closed and closed, each proved by its tag', async () => {
    const { positionId, tag } = await opened();
    expect(await connector.evidence(account, { tag, positionId: null, claimedAt: 0 })).toMatchObject({
      orders: [{ tag, state: 'FILLED', positionId }],
      deals: [{ tag, entry: 'IN', lots: '0.3', positionId }],
      position: { positionId, lots: '0.3', stopLoss: '1.05' },
    });

    const protect = {
      kind: 'MODIFY_PROTECTION',
      positionId,
      symbol: 'EURUSD',
      stopLoss: price('1.06'),
      takeProfit: price('1.09'),
    } as const;
    expect(await send(protect)).toMatchObject({ kind: 'accepted' });

    const part = await send(partOf(positionId, lots('0.1')));
    expect(part).toMatchObject({ kind: 'accepted' });
    const { positions } = await connector.snapshot(account);
    expect(positions.find((position) => position.positionId === positionId)).toMatchObject({
      lots: '0.2',
      stopLoss: '1.06',
      takeProfit: '1.09',
    });

    const closeTag = (nextTag += 1);
    expect(
      await send({ ...partOf(positionId, lots('0.2')), kind: 'FULL_CLOSE' } as WireCommand, closeTag),
    ).toMatchObject({ kind: 'accepted' });
    const evidence = await connector.evidence(account, { tag: closeTag, positionId, claimedAt: 0 });
    expect(evidence.position).toBeNull();
    expect(evidence.deals.map(({ entry, lots: volume }) => [entry, volume])).toEqual([
      ['IN', '0.3'],
      ['OUT', '0.1'],
      ['OUT', '0.2'],
    ]);
    expect(evidence.deals.filter((deal) => deal.tag === closeTag)).toHaveLength(1);
  });

  test('a pending order rests and can be cancelled', async () => {
    const tag = (nextTag += 1);
    const placed = await send(
      { ...openOf(), kind: 'PLACE_PENDING', type: 'LIMIT', price: price('1.06'), expiresAt: null } as WireCommand,
      tag,
    );
    if (placed.kind !== 'accepted' || placed.value.orderId === null) throw new Error(JSON.stringify(placed));
    const { workingOrders } = await connector.snapshot(account);
    expect(workingOrders).toMatchObject([{ orderId: placed.value.orderId, state: 'WORKING', price: '1.06', tag }]);
    expect(await send({ kind: 'CANCEL_PENDING', orderId: placed.value.orderId, symbol: 'EURUSD' })).toMatchObject({
      kind: 'accepted',
    });
    expect(await connector.orders(account, { by: 'tag', tag })).toMatchObject([{ state: 'CANCELLED' }]);
  });

  test.each([
    ['a volume off the step', openOf('0.015'), 'volume-off-step'],
    ['a volume that is too small', openOf('0.001'), 'volume-below-minimum'],
    ['more than the account can carry', openOf('90'), 'not-enough-money'],
    ['a stop on the wrong side', { ...openOf(), stopLoss: price('1.08') } as WireCommand, 'invalid-stops'],
    ['an unknown symbol', { ...openOf(), symbol: 'NOPE' } as WireCommand, 'unknown-symbol'],
    ['a position that is not there', partOf('999999' as PositionId, lots('0.1')), 'position-not-found'],
  ])('%s is refused', async (_, wire, reason) => {
    expect(await send(wire)).toMatchObject({ kind: 'rejected', reason, retry: 'never' });
  });

  test('closing more than there is comes back as a stale view', async () => {
    const { positionId } = await opened();
    expect(await send(partOf(positionId, lots('0.4')))).toMatchObject({
      kind: 'rejected',
      reason: 'volume-exceeds-position',
      retry: 'now',
    });
  });
});

describe('a reply that is lost', () => {
  const executions = async (tag: number) =>
    (await simulator.book('SIM-HEDGE')).effects.find((effect) => effect.tag === tag)?.executions ?? 0;

  test('after execution is unknown, done once, and found by its tag', async () => {
    await simulator.fault({ kind: 'lose-reply', on: 'market', times: 1 });
    const tag = (nextTag += 1);
    expect(await send(openOf(), tag)).toMatchObject({ kind: 'unknown' });
    expect(await connector.evidence(account, { tag, positionId: null, claimedAt: 0 })).toMatchObject({
      deals: [{ tag, entry: 'IN' }],
      position: { tag },
    });
    expect(await executions(tag)).toBe(1);
  });

  test('because the request was lost is unknown and leaves no trace', async () => {
    await simulator.fault({ kind: 'lose-request', on: 'market', times: 1 });
    const tag = (nextTag += 1);
    expect(await send(openOf(), tag)).toMatchObject({ kind: 'unknown' });
    expect(await connector.evidence(account, { tag, positionId: null, claimedAt: 0 })).toMatchObject({
      orders: [],
      deals: [],
      position: null,
    });
    expect(await executions(tag)).toBe(0);
  });

  test('for a moment only is delivered late', async () => {
    await simulator.fault({ kind: 'delay-reply', on: 'market', times: 1, ms: 500 });
    const arrived = new Promise<void>((resolve) => (onLate = resolve));
    const tag = (nextTag += 1);
    expect(await send(openOf(), tag)).toMatchObject({ kind: 'unknown' });
    await arrived;
    expect(late.at(-1)).toMatchObject({ outcome: { kind: 'accepted' } });
    expect(await executions(tag)).toBe(1);
  });

  test('and a request that is held up until the call is over is never carried out', async () => {
    await simulator.fault({ kind: 'park-request', on: 'market', times: 1 });
    const tag = (nextTag += 1);
    const hasty = { ...account, bounds: { replyWaitMs: 100, executionDelayMs: 200 } };
    expect(await connector.send(hasty, outgoing(openOf(), tag), openGate)).toMatchObject({ kind: 'unknown' });
    while ((await simulator.state()).requestsParked > 0) await systemClock.sleep(20);
    await simulator.clearFaults();
    expect(await executions(tag)).toBe(0);
  });

  test('by a cut line is unknown', async () => {
    await simulator.fault({ kind: 'disconnect', on: 'market', times: 1 });
    expect(await send(openOf())).toMatchObject({ kind: 'unknown' });
  });

  test('and whose tag the broker dropped is not proved by the tag', async () => {
    await simulator.fault({ kind: 'drop-tag', on: 'market', times: 1 });
    const tag = (nextTag += 1);
    expect(await send(openOf(), tag)).toMatchObject({ kind: 'accepted' });
    expect(await connector.evidence(account, { tag, positionId: null, claimedAt: 0 })).toMatchObject({ deals: [] });
  });

  test('of a repeat that the broker recognised is unknown, not refused', async () => {
    await simulator.fault({ kind: 'refuse-repeats', times: 0 });
    const tag = (nextTag += 1);
    await send(openOf(), tag);
    expect(await send(openOf(), tag)).toMatchObject({ kind: 'unknown' });
  });
});

describe('the live link', () => {
  test('brings quotes of the demand, stop-outs and what the trader did, and survives a kill of the broker', async () => {
    const state = await mkdtemp(join(tmpdir(), 'belay-connector-'));
    let broker = await startSimulatorProcess({ state });
    const own = createSimulatedConnector({ clock: systemClock });
    const sink = recordedSink();
    const stop = new AbortController();
    const at = accountAt(broker.endpoint);
    const session = { key: own.sessionKey(at), accounts: [at] };
    const held = own.hold(session, sink, changingDemand('EURUSD'), stop.signal);
    try {
      await broker.quote('1.07110', '1.07120');
      await sink.until(() => sink.quotes.length === 1);
      expect(sink.changes).toEqual(['connected']);

      const first = await own.send(at, outgoing(openOf(), 1), openGate);
      if (first.kind !== 'accepted' || first.value.positionId === null) throw new Error(JSON.stringify(first));
      await broker.traderCloses('SIM-HEDGE', first.value.positionId, '0.1');
      await broker.quote('1.04900', '1.04910');
      const facts = () => sink.taken.flatMap(([, taken]) => taken);
      const reasons = () => facts().flatMap((fact) => (fact.kind === 'deal' ? [`${fact.entry} ${fact.reason}`] : []));
      await sink.until(() => reasons().length === 3);
      expect(reasons()).toEqual(['IN EXPERT', 'OUT CLIENT', 'OUT SL']);
      await sink.until(() => facts().some((fact) => fact.kind === 'position' && fact.lots === '0'));

      await broker.kill();
      await sink.until(() => sink.changes.length === 2);
      broker = await startSimulatorProcess({ state, port: Number(at.endpoint.split(':')[1]) });
      await sink.until(() => sink.changes.length === 3);
      expect(sink.changes[2]).toBe('connected');
      const deals = await own.deals(at, { by: 'position', positionId: first.value.positionId });
      expect(deals).toHaveLength(3);
    } finally {
      stop.abort();
      await held;
      await own.close();
      await broker.kill();
      await rm(state, { recursive: true });
    }
  });
});
