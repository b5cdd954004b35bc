import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { lots } from '../../src/domain/decimal.ts';
import { backdateClaim, proveInOrder } from './endings.ts';
import {
  ask,
  basePoints,
  closeAll,
  command,
  open,
  quote,
  raiseStage,
  result,
  until,
  untilView,
  type Opened,
  type OpenWith,
  type Stage,
} from './stage.ts';

const accounts = ['unsettled', 'lost-reply', 'in-review', 'plain-in-review'] as const;
const urgently = { ...closeAll, emergency: true } as const;
const confirmed = { kind: 'answered', value: { reply: { kind: 'confirmed' } } };

describe('the way out', () => {
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
    expect(trade.answer).toMatchObject(confirmed);
    return trade;
  };
  const fault = (trade: Opened, kind: string, on: string, times: number) =>
    stage.stack.simulator.addFault({ kind, login: trade.account.login, on, times });
  const crossed = async (trade: Opened) => {
    await quote(stage, 'EURUSD', basePoints('EURUSD') + 111);
    const { unsettled } = await untilView(stage, trade, 'unknown', ({ unsettled: open }) => open?.state === 'UNKNOWN');
    return unsettled?.commandId ?? '';
  };
  const isFlat = async (trade: Opened) =>
    expect((await stage.stack.simulator.getBook({ login: trade.account.login })).positions).toEqual([]);

  test('is open beside a command whose outcome is unknown', async () => {
    const trade = await opened('unsettled');
    await fault(trade, 'lose-request', 'close', 1);
    await crossed(trade);
    expect(await ask(stage, trade, 'out', urgently)).toMatchObject(confirmed);
    await isFlat(trade);
    expect(await command(stage, trade, 'close:out')).toMatchObject({ state: 'CONFIRMED', attempt: 1 });
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED', closeReason: 'MANUAL' });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('whose own reply is lost is confirmed and taken once', async () => {
    const trade = await opened('lost-reply');
    await fault(trade, 'lose-reply', 'close', 1);
    expect(await ask(stage, trade, 'out', urgently)).toMatchObject(confirmed);
    await isFlat(trade);
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED', closeReason: 'MANUAL' });
    expect(await command(stage, trade, 'close:out')).toMatchObject({ state: 'CONFIRMED', attempt: 1 });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('is open beside a command that waits for a person, and again when its own request is lost', async () => {
    const trade = await opened('in-review');
    await fault(trade, 'lose-request', 'close', 2);
    await fault(trade, 'fail-read', 'GetOrders', 0);
    const stuck = await crossed(trade);
    await backdateClaim(stage, stuck);
    await untilView(stage, trade, 'in review', ({ unsettled }) => unsettled?.state === 'REVIEW', 40_000);

    const first = ask(stage, trade, 'first', urgently, 40_000);
    await until(
      stage,
      'the first emergency close is lost',
      () => command(stage, trade, 'close:first'),
      (row) => row?.state === 'UNKNOWN',
    );
    expect(await ask(stage, trade, 'second', urgently)).toMatchObject(confirmed);
    await isFlat(trade);
    await stage.stack.simulator.clearFaults({});
    expect(await first).toMatchObject({ kind: 'answered' });
    await until(
      stage,
      'the first emergency close is proved absent',
      () => command(stage, trade, 'close:first'),
      (row) => row?.state === 'NOT_EXECUTED' && row.attempt === 1,
      // Looks whose reads failed come ever later, up to half a minute apart.
      45_000,
    );
    expect((await command(stage, trade, 'tp:1:1'))?.state).toBe('REVIEW');
  }, 90_000);

  test('of a trade in review is an ordinary close, too', async () => {
    const targets = [{ at: { pips: '10' }, size: { share: '30' }, late: 'act' }] as const;
    const trade = await opened('plain-in-review', { order: { volume: lots('0.9'), targets } });
    await fault(trade, 'execute-twice', 'close', 1);
    await quote(stage, 'EURUSD', basePoints('EURUSD') + 111);
    await untilView(stage, trade, 'in review', ({ state }) => state === 'NEEDS_REVIEW');
    expect(await ask(stage, trade, 'out', closeAll)).toMatchObject(confirmed);
    await isFlat(trade);
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED' });
  }, 40_000);
});
