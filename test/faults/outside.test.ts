import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TradeView } from '../../src/domain/trade/view.ts';
import { proveInOrder, settleAndClose } from './endings.ts';
import { brokerStops, firesPerLevel } from './proofs.ts';
import {
  basePoints,
  command,
  isQuiet,
  open,
  quote,
  raiseStage,
  result,
  targetState,
  until,
  untilView,
  view,
  type Opened,
  type Stage,
} from './stage.ts';

const accounts = [
  'stopped',
  'same-size',
  'all-closed',
  'stop-removed',
  'tightened-before',
  'tightened-during',
  'refused',
  'refused-stop',
  'too-near',
  'loosened',
] as const;

/** Breakeven of {@link ladder}: 10 points above an entry at 1.08500. */
const breakeven = 1.0851;

describe('what others do to a position', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts, bounds: { replyWaitMs: 3_000, executionDelayMs: 3_000 } });
  }, 60_000);
  afterEach(async () => {
    await stage.stack.simulator.clearFaults({});
  });
  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  const opened = async (name: (typeof accounts)[number]): Promise<Opened> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, name, { timing: { commandTimeoutMs: 10_000 } });
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    return trade;
  };
  const fault = (trade: Opened, kind: string, more: { on?: string; times?: number; ms?: number; code?: string } = {}) =>
    stage.stack.simulator.addFault({ kind, login: trade.account.login, ...more });
  const cross = (points: number) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);
  const parked = () =>
    until(
      stage,
      'a call parked',
      () => stage.stack.simulator.getState({}),
      ({ requestsParked }) => requestsParked > 0,
    );
  const positionOf = async (trade: Opened) => (await view(stage, trade)).positionId ?? '';
  const trader = async (
    trade: Opened,
    command: Parameters<Stage['stack']['simulator']['traderSend']>[0]['command'],
  ) => {
    const reply = await stage.stack.simulator.traderSend({
      account: { login: trade.account.login },
      comment: 'by hand',
      command: command!,
    });
    expect(reply.code).toBe('done');
  };
  const protectedAt = (trade: Opened, stop: number) =>
    until(
      stage,
      `stop at ${stop}`,
      () => brokerStops(stage, trade.account),
      (stops) => stops.length === 1 && stops[0] === stop,
    );

  test('the stop takes the position while a partial close is under way: closed by the stop, the ladder skipped', async () => {
    const trade = await opened('stopped');
    await fault(trade, 'park-request', { on: 'close', times: 1 });
    await cross(111);
    await parked();
    await cross(-210);
    await stage.stack.simulator.clearFaults({});
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED', closeReason: 'STOP_LOSS' });
    expect((await view(stage, trade)).targets.map(({ state }) => state)).toEqual(['SKIPPED', 'SKIPPED', 'SKIPPED']);
    expect(await origins(stage, trade)).toEqual(['ENGINE 0.6', 'SERVER_SL 0.6']);
    await proveInOrder(stage, trade);
  }, 40_000);

  test('the trader closes the same size by hand while our request is lost: theirs is theirs, and ours is planned anew', async () => {
    const trade = await opened('same-size');
    await fault(trade, 'lose-request', { on: 'close', times: 1 });
    await cross(111);
    await untilView(stage, trade, 'claimed', ({ unsettled }) => unsettled?.stepKey === 'tp:1:1');
    await trader(trade, { case: 'close', value: { positionId: await positionOf(trade), lots: '0.3' } });
    expect(await result(stage, trade, 30_000)).toMatchObject({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
    expect(await origins(stage, trade)).toEqual(['ENGINE 0.6', 'EXTERNAL 0.3', 'ENGINE 0.3']);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 2 });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('the trader closes all: the trade ends and its ladder is skipped', async () => {
    const trade = await opened('all-closed');
    await trader(trade, { case: 'close', value: { positionId: await positionOf(trade), lots: '0.6' } });
    expect(await result(stage, trade, 5_000)).toMatchObject({ state: 'CLOSED', closeReason: 'EXTERNAL' });
    expect((await view(stage, trade)).targets.map(({ state }) => state)).toEqual(['SKIPPED', 'SKIPPED', 'SKIPPED']);
    await cross(500);
    expect(await firesPerLevel(stage, trade.tradeId)).toEqual({ 1: 0, 2: 0, 3: 0 });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('the trader removes the stop: it is put back', async () => {
    const trade = await opened('stop-removed');
    await trader(trade, { case: 'modify', value: { positionId: await positionOf(trade) } });
    await protectedAt(trade, 1.083);
    await untilView(stage, trade, 'known in the book', ({ stopLoss }) => stopLoss === '1.083');
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the trader tightens the stop before the breakeven is read: the tighter one stays', async () => {
    const trade = await opened('tightened-before');
    await fault(trade, 'delay-reply', { on: 'close', times: 1, ms: 500 });
    await cross(111);
    await untilView(stage, trade, 'closing', ({ unsettled }) => unsettled?.stepKey === 'tp:1:1');
    await trader(trade, { case: 'modify', value: { positionId: await positionOf(trade), stopLoss: '1.0855' } });
    await untilView(stage, trade, 'breakeven done', isProtected);
    expect(await brokerStops(stage, trade.account)).toEqual([1.0855]);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the trader tightens the stop while our breakeven is on its way: the tighter one is put back', async () => {
    const trade = await opened('tightened-during');
    await fault(trade, 'park-request', { on: 'modify', times: 1 });
    await cross(111);
    await untilView(stage, trade, 'breakeven sent', ({ unsettled }) => unsettled?.stepKey === 'breakeven:1');
    await parked();
    await trader(trade, { case: 'modify', value: { positionId: await positionOf(trade), stopLoss: '1.0855' } });
    await untilView(stage, trade, 'seen', ({ stopLoss }) => stopLoss === '1.0855');
    await stage.stack.simulator.clearFaults({});
    await untilView(stage, trade, 'breakeven done', isProtected);
    await protectedAt(trade, 1.0855);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the trader loosens the stop below the breakeven floor: shown, never tightened silently below it', async () => {
    const trade = await opened('loosened');
    await cross(111);
    await untilView(stage, trade, 'breakeven done', isProtected);
    await trader(trade, { case: 'modify', value: { positionId: await positionOf(trade), stopLoss: '1.0840' } });
    const seen = await untilView(stage, trade, 'seen', ({ stopLoss }) => stopLoss === '1.084');
    expect(seen.intendedStop).toBe('1.0851');
    expect(await events(stage, trade)).toContain('stop.loosened-outside');
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the broker refuses the breakeven: it is shown as pending and asked again', async () => {
    const trade = await opened('refused');
    await fault(trade, 'refuse', { on: 'modify', code: 'invalid-stops', times: 2 });
    await cross(111);
    await untilView(stage, trade, 'pending', (seen) => seen.breakeven.state === 'PENDING');
    await untilView(stage, trade, 'done', isProtected);
    expect(await brokerStops(stage, trade.account)).toEqual([breakeven]);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the broker refuses a close for now: the same step is asked again as the next attempt', async () => {
    const trade = await opened('refused-stop');
    await fault(trade, 'refuse', { on: 'close', code: 'requote', times: 2 });
    await cross(111);
    await untilView(stage, trade, 'done', isProtected);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 3 });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('the price falls back on the breakeven before it is placed: pending, and placed when there is room again', async () => {
    const trade = await opened('too-near');
    await fault(trade, 'park-reply', { on: 'close', times: 1 });
    await cross(111);
    await parked();
    await cross(22);
    await stage.stack.simulator.clearFaults({});
    await untilView(stage, trade, 'first target done', (seen) => targetState(seen, 1) === 'DONE');
    await untilView(stage, trade, 'pending', (seen) => seen.breakeven.state === 'PENDING');
    expect(await brokerStops(stage, trade.account)).toEqual([1.083]);
    await cross(150);
    await untilView(stage, trade, 'breakeven done', isProtected);
    expect(await brokerStops(stage, trade.account)).toEqual([breakeven]);
    await settleAndClose(stage, trade);
  }, 40_000);
});

function isProtected(seen: TradeView): boolean {
  return targetState(seen, 1) === 'DONE' && seen.breakeven.state === 'DONE' && isQuiet(seen);
}

/** The trade's executed orders in the broker's order: whose they are and how much they filled. */
async function origins({ stack }: Stage, { tradeId }: Opened): Promise<readonly string[]> {
  const { rows } = await stack.parts.records.pool.query<{ line: string }>(
    `select origin || ' ' || trim_scale(filled_lots)::text as line from trade_order where trade_id = $1 and filled_lots > 0 order by broker_order_id::bigint`,
    [tradeId],
  );
  return rows.map(({ line }) => line);
}

async function events({ stack }: Stage, { tradeId }: Opened): Promise<readonly string[]> {
  const { rows } = await stack.parts.records.pool.query<{ type: string }>(
    'select type from event_log where trade_id = $1 order by id',
    [tradeId],
  );
  return rows.map(({ type }) => type);
}
