import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { systemClock } from '../../src/clock.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import { proveInOrder, settleAndClose } from './endings.ts';
import {
  ask,
  basePoints,
  closeAll,
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

const accounts = ['off', 'shadow', 'halted', 'reducing', 'frozen', 'disabled'] as const;

describe('what may not be sent', () => {
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

  const opened = async (name: (typeof accounts)[number]): Promise<Opened> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, name);
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    return trade;
  };
  const cross = (points = 111) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);
  const switched = (
    account: AccountRecord,
    change: Parameters<Stage['stack']['parts']['records']['switchAccount']>[1],
  ) => stage.stack.parts.records.switchAccount(account.id, change, 'test');
  const effects = async (account: AccountRecord) =>
    (await stage.stack.simulator.getBook({ login: account.login })).effects.length;

  test('mode off: no open, a crossing waits, a close of a person passes', async () => {
    const trade = await opened('off');
    await switched(trade.account, { executionMode: 'off' });
    const refused = await open(stage, 'off', { key: 'second' });
    expect(refused.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { code: 'execution-mode-off' } } },
    });
    await cross();
    await untilView(stage, trade, 'crossed', (seen) => targetState(seen, 1) === 'TRIGGERED');
    await settleAndClose(stage, trade);
    expect((await view(stage, trade)).targets.map(({ state }) => state)).toEqual(['SKIPPED', 'SKIPPED', 'SKIPPED']);
    expect(await effects(trade.account)).toBe(2);
  }, 40_000);

  test('mode shadow: the intended open is written down and nothing is sent', async () => {
    const account = stage.account('shadow');
    await switched(account, { executionMode: 'shadow' });
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, 'shadow');
    expect(trade.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'not-executed', code: 'shadow' } },
    });
    expect(await command(stage, trade, 'open')).toMatchObject({ state: 'NOT_EXECUTED', outcome: { code: 'shadow' } });
    expect(await result(stage, trade)).toMatchObject({ state: 'REJECTED' });
    expect(await effects(account)).toBe(0);
  }, 40_000);

  test('trading halted: opens and closes are refused, an emergency close passes', async () => {
    const trade = await opened('halted');
    await switched(trade.account, { tradingState: 'HALTED' });
    const refused = await open(stage, 'halted', { key: 'second' });
    expect(refused.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { code: 'trading-state' } } },
    });
    expect(await ask(stage, trade, 'plain', closeAll)).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { code: 'trading-state' } } },
    });
    expect(await ask(stage, trade, 'urgent', { ...closeAll, emergency: true })).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'confirmed' } },
    });
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED', closeReason: 'MANUAL' });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('trading reducing: opens are refused, targets and closes pass', async () => {
    const trade = await opened('reducing');
    await switched(trade.account, { tradingState: 'REDUCING' });
    const refused = await open(stage, 'reducing', { key: 'second' });
    expect(refused.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { code: 'trading-state' } } },
    });
    await cross();
    await untilView(stage, trade, 'first target done', (seen) => targetState(seen, 1) === 'DONE' && isQuiet(seen));
    await settleAndClose(stage, trade);
  }, 40_000);

  test('a symbol the broker closed for new business is refused before anything is sent', async () => {
    await quote(stage, 'USDCNH', 710_000);
    const trade = await open(stage, 'disabled', { order: { symbol: 'USDCNH' } });
    expect(trade.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { code: 'trade-disabled', field: 'symbol' } } },
    });
    expect(await effects(trade.account)).toBe(0);
  }, 40_000);

  test('an engine that stood still past the send deadline does not send; the next attempt does, once', async () => {
    const trade = await opened('frozen');
    const engine = stage.stack.part('engine')?.pid() ?? 0;
    await stage.stack.simulator.addFault({ kind: 'park-request', on: 'GetSnapshot', login: 'frozen' });
    await cross();
    await untilView(stage, trade, 'crossed', (seen) => targetState(seen, 1) === 'TRIGGERED');
    const lock = await lockAccount(stage, trade.account);
    try {
      await stage.stack.simulator.clearFaults({});
      await until(stage, 'the claim waits for the account', lock.waiting, (count) => count > 0, 10_000);
      process.kill(engine, 'SIGSTOP');
    } finally {
      await lock.release();
    }
    await systemClock.sleep(pastDeadlineMs);
    process.kill(engine, 'SIGCONT');
    await untilView(stage, trade, 'first target done', (seen) => targetState(seen, 1) === 'DONE' && isQuiet(seen));
    expect(await settledAttempts(stage, trade, 'tp:1:1')).toEqual([
      { attempt: 1, state: 'NOT_EXECUTED', code: 'never-written' },
      { attempt: 2, state: 'CONFIRMED', code: 'confirmed' },
    ]);
    await settleAndClose(stage, trade);
  }, 60_000);
});

/** Longer than the send deadline, shorter than the heartbeat of a command that still runs. */
const pastDeadlineMs = 3_000;

/** Holds the account's row, so that the next claim waits for it. */
async function lockAccount({ stack }: Stage, account: AccountRecord) {
  const owner = new Client({ connectionString: stack.parts.config.databaseUrl ?? '' });
  await owner.connect();
  await owner.query('begin');
  await owner.query('select 1 from account where id = $1 for update', [account.id]);
  return {
    waiting: async () => {
      const { rows } = await owner.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock'`,
      );
      return rows[0]?.count ?? 0;
    },
    release: async () => {
      await owner.query('rollback');
      await owner.end();
    },
  };
}

interface Settled {
  readonly attempt: number;
  readonly state: string;
  readonly code: string;
}

/** How each attempt of the step ended, in order. */
async function settledAttempts({ stack }: Stage, { tradeId }: Opened, stepKey: string): Promise<readonly Settled[]> {
  const { rows } = await stack.parts.records.pool.query<Settled>(
    `select (body->>'attempt')::int as attempt, body->>'state' as state, body->>'code' as code from event_log
     where trade_id = $1 and type = 'command.settled' and body->>'stepKey' = $2 order by id`,
    [tradeId, stepKey],
  );
  return rows;
}
