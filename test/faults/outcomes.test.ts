import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TradeView } from '../../src/domain/trade/view.ts';
import { lots } from '../../src/domain/decimal.ts';
import { bothBooks, firesPerLevel } from './proofs.ts';
import { backdateClaim, proveInOrder, settleAndClose } from './endings.ts';
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
  type OpenWith,
  type Stage,
} from './stage.ts';

const accounts = [
  'lost-reply',
  'lost-open-reply',
  'lost-request',
  'lost-open',
  'lagging',
  'doubled',
  'disconnected',
  'cut-off',
  'twice',
  'opened-twice',
  'unreadable',
  'decided',
  'reviewed',
  'gap',
] as const;

/** Send deadline to proof of absence on the simulated broker: P + D + L. */
const quietWindowMs = 1_500;
const firstTarget = 111;

describe('the outcome of a command', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts });
  }, 60_000);
  afterEach(async () => {
    await stage.stack.simulator.clearFaults({});
  });
  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  const opened = async (name: (typeof accounts)[number], how: OpenWith = {}): Promise<Opened> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, name, how);
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    return trade;
  };
  const fault = (
    trade: Pick<Opened, 'account'>,
    kind: string,
    more: { on?: string; times?: number; ms?: number; code?: string } = {},
  ) => stage.stack.simulator.addFault({ kind, login: trade.account.login, ...more });
  const cross = (points = firstTarget) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);
  const firstDone = (trade: Opened) =>
    untilView(stage, trade, 'first target done', (seen) => targetState(seen, 1) === 'DONE' && isQuiet(seen));

  test('whose reply is lost is confirmed by its tag and not sent again', async () => {
    const trade = await opened('lost-reply');
    await fault(trade, 'lose-reply', { on: 'close', times: 1 });
    await cross();
    await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    expect((await firstDone(trade)).remainingLots).toBe('0.3');
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({
      state: 'CONFIRMED',
      attempt: 1,
      outcome: { evidence: { by: 'read' } },
    });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('whose reply is lost on an open finds the position and opens no second one', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    await fault({ account: stage.account('lost-open-reply') }, 'lose-reply', { on: 'market', times: 1 });
    const trade = await open(stage, 'lost-open-reply');
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    await untilView(stage, trade, 'settled', isQuiet);
    expect(await command(stage, trade, 'open')).toMatchObject({ state: 'CONFIRMED', attempt: 1 });
    expect((await stage.stack.simulator.getBook({ login: 'lost-open-reply' })).positions).toHaveLength(1);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('whose request is lost is "not executed" only after the quiet window, and then sent as attempt 2', async () => {
    const trade = await opened('lost-request');
    await fault(trade, 'lose-request', { on: 'close', times: 1 });
    await cross();
    await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    const lost = await command(stage, trade, 'tp:1:1');
    expect((lost?.retryNotBefore ?? 0) - (lost?.sendBy ?? 0)).toBe(quietWindowMs);
    await firstDone(trade);
    const sent = await command(stage, trade, 'tp:1:1');
    expect(sent).toMatchObject({ state: 'CONFIRMED', attempt: 2 });
    expect(sent?.claimedAt).toBeGreaterThanOrEqual(lost?.retryNotBefore ?? Infinity);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('whose request is lost on an open is not sent again', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    await fault({ account: stage.account('lost-open') }, 'lose-request', { on: 'market', times: 1 });
    const trade = await open(stage, 'lost-open');
    expect(trade.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'not-executed', code: 'absent' } },
    });
    expect(await command(stage, trade, 'open')).toMatchObject({ state: 'NOT_EXECUTED', attempt: 1 });
    expect(await result(stage, trade)).toMatchObject({ state: 'REJECTED' });
    expect((await stage.stack.simulator.getBook({ login: 'lost-open' })).effects).toEqual([]);
  }, 40_000);

  test('whose deals lag is a provisional row that the real deal replaces in place', async () => {
    const trade = await opened('lagging');
    await fault(trade, 'lag-deals', { ms: 5_000, times: 1 });
    await cross();
    await untilView(stage, trade, 'confirmed and settling', (seen) => targetState(seen, 1) === 'DONE' && seen.settling);
    const closing = async () =>
      (await bothBooks(stage, trade.account)).ours.filter(({ lots: volume }) => volume === '0.3');
    expect(await closing()).toMatchObject([{ dealId: null, price: null }]);
    await until(
      stage,
      'the real deal, never two',
      async () => {
        const rows = await closing();
        expect(rows).toHaveLength(1);
        return rows;
      },
      ([deal]) => deal?.dealId !== null,
      15_000,
    );
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 1 });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('that is told twice counts once', async () => {
    const trade = await opened('doubled');
    await fault(trade, 'duplicate-event');
    await cross();
    expect((await firstDone(trade)).closedLots).toBe('0.3');
    await settleAndClose(stage, trade);
  }, 40_000);

  test('survives a cut connection: the crossing right after it fires once', async () => {
    const trade = await opened('disconnected');
    await fault(trade, 'disconnect');
    await cross();
    await firstDone(trade);
    expect(await firesPerLevel(stage, trade.tradeId)).toMatchObject({ 1: 1 });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('is unknown when the line is cut at the send, and settled by reading', async () => {
    const trade = await opened('cut-off');
    await fault(trade, 'disconnect', { on: 'close', times: 1 });
    await cross();
    await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    await firstDone(trade);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 2 });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('stays unknown while its evidence cannot be read, whatever the window says', async () => {
    const trade = await opened('unreadable');
    await fault(trade, 'lose-reply', { on: 'close', times: 1 });
    await fault(trade, 'fail-read', { on: 'GetDeals' });
    await cross();
    await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    await until(
      stage,
      'a look after the window',
      () => command(stage, trade, 'tp:1:1'),
      (row) => (row?.asOf ?? 0) > (row?.retryNotBefore ?? Infinity) + 1_000,
    );
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'UNKNOWN', attempt: 1 });
    await stage.stack.simulator.clearFaults({});
    await firstDone(trade);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 1 });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('that evidence cannot tell is decided by a person, and the trade goes on', async () => {
    const trade = await opened('decided');
    await fault(trade, 'lose-request', { on: 'close', times: 1 });
    await fault(trade, 'fail-read', { on: 'GetOrders' });
    await cross();
    const { unsettled } = await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    const verdict = {
      commandId: unsettled!.commandId,
      by: 'test',
      verdict: 'not-executed',
      evidence: 'the terminal shows no such order',
    } as const;
    await stage.steering.decideCommand(trade.account.id, trade.tradeId, verdict, 10_000);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({
      outcome: { decided_by: 'test' },
      state: 'NOT_EXECUTED',
    });
    await stage.stack.simulator.clearFaults({});
    await firstDone(trade);
    expect(await command(stage, trade, 'tp:1:1')).toMatchObject({ state: 'CONFIRMED', attempt: 2 });
    await settleAndClose(stage, trade);
  }, 60_000);

  test('that evidence cannot tell for ten minutes waits for a person, and nothing is sent meanwhile', async () => {
    const trade = await opened('reviewed');
    await fault(trade, 'lose-reply', { on: 'close', times: 1 });
    await fault(trade, 'fail-read', { on: 'GetOrders' });
    await cross();
    const { unsettled } = await untilView(stage, trade, 'unknown', isUnknown('tp:1:1'));
    await backdateClaim(stage, unsettled!.commandId);
    await untilView(
      stage,
      trade,
      'in review',
      ({ state, unsettled: open }) => state === 'NEEDS_REVIEW' && open?.state === 'REVIEW',
      40_000,
    );
    await cross(211);
    await until(
      stage,
      'target 2 crossed',
      () => firesPerLevel(stage, trade.tradeId),
      (fires) => fires[2] === 1,
    );
    await stage.stack.simulator.clearFaults({});

    const verdict = {
      commandId: unsettled!.commandId,
      by: 'test',
      verdict: 'executed',
      evidence: 'deal seen in the terminal',
    } as const;
    await stage.steering.decideCommand(trade.account.id, trade.tradeId, verdict, 10_000);
    await untilView(
      stage,
      trade,
      'both targets done',
      (seen) => isQuiet(seen) && targetState(seen, 1) === 'DONE' && targetState(seen, 2) === 'DONE',
      15_000,
    );
    expect((await view(stage, trade)).closedLots).toBe('0.48');
    await settleAndClose(stage, trade);
  }, 90_000);

  test('of two targets crossed in one tick is two closes, each once', async () => {
    const trade = await opened('gap');
    await cross(250);
    const seen = await untilView(
      stage,
      trade,
      'both done',
      ({ targets, ...rest }) =>
        isQuiet({ targets, ...rest }) && targets.slice(0, 2).every(({ state }) => state === 'DONE'),
    );
    expect(seen.closedLots).toBe('0.48');
    await untilView(stage, trade, 'breakeven', ({ breakeven }) => breakeven.state === 'DONE');
    await cross(600);
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
    expect(await firesPerLevel(stage, trade.tradeId)).toEqual({ 1: 1, 2: 1, 3: 1 });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('carried out twice by the broker is put before a person, never merged', async () => {
    const trade = await opened('twice', {
      order: { volume: lots('0.9'), targets: [{ at: { pips: '10' }, size: { share: '30' }, late: 'act' }] },
    });
    await fault(trade, 'execute-twice', { on: 'close', times: 1 });
    await cross();
    await untilView(stage, trade, 'in review', ({ state }) => state === 'NEEDS_REVIEW');
    expect(await casesOf(stage, trade)).toEqual(['second-order']);
    expect((await bothBooks(stage, trade.account)).ours).toEqual((await bothBooks(stage, trade.account)).brokers);
    expect((await view(stage, trade)).remainingLots).toBe('0.36');
  }, 40_000);

  test('of an open carried out twice is put before a person', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    await fault({ account: stage.account('opened-twice') }, 'execute-twice', { on: 'market', times: 1 });
    const trade = await open(stage, 'opened-twice');
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'review' } } });
    expect(await casesOf(stage, trade)).toEqual(['second-order']);
    expect((await view(stage, trade)).openedLots).toBe('0.6');
  }, 40_000);
});

const isUnknown =
  (stepKey: string) =>
  ({ unsettled }: TradeView) =>
    unsettled?.stepKey === stepKey && unsettled.state === 'UNKNOWN';

async function casesOf({ stack }: Stage, { tradeId }: Opened): Promise<readonly string[]> {
  const { rows } = await stack.parts.records.pool.query<{ kind: string }>(
    `select kind from discrepancy_case where trade_id = $1 and state = 'OPEN'`,
    [tradeId],
  );
  return rows.map(({ kind }) => kind);
}
