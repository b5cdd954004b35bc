import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import { commandActivities } from '../../activities/command.activities.ts';
import { systemClock } from '../../src/clock.ts';
import { lots } from '../../src/domain/decimal.ts';
import { closeStep, type StepKey } from '../../src/domain/ids.ts';
import type { CommandPlan } from '../../src/domain/trade/intent.ts';
import type { TradeRequest } from '../../src/domain/trade/request.ts';
import { tradeIdOf } from '../../src/identity.ts';
import { request } from '../domain/trade/book-model.ts';
import { tradingWorld, type TradingWorld } from '../trading/trading-world.ts';

let world: TradingWorld;
let activities: ReturnType<typeof commandActivities>;
beforeAll(async () => {
  world = await tradingWorld();
  activities = commandActivities({ trading: world.trading, clock: systemClock });
});
afterEach(() => world.control.clearFaults({}));
afterAll(() => world.end());

/** A failed try is part of these tests, and its log line is not. */
const quietly = (info: { readonly attempt?: number } = {}) =>
  new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });

/** Runs an activity as a worker would, once. */
const run = <In, Out>(activity: (input: In) => Promise<Out>, input: In, env = quietly()) =>
  env.run(activity, input) as Promise<Out>;

let counter = 0;
const asked = (): TradeRequest => {
  const tradeId = tradeIdOf(world.hedge, `activity-${++counter}`);
  return request({ accountId: world.hedge, tradeId, volume: lots('0.1'), targets: [], breakeven: null });
};

const closePlan = ({ tradeId, accountId }: TradeRequest): CommandPlan => ({
  tradeId,
  accountId,
  stepKey: closeStep('out'),
  intent: { kind: 'FULL_CLOSE' },
  attempt: 1,
  targetLevel: null,
  onlyIfBeyond: null,
  closeReason: { reason: 'MANUAL', subreason: 'FULL', text: 'asked' },
  by: 'person',
  actor: 'ada',
});

const opened = async (): Promise<TradeRequest> => {
  const order = asked();
  const { report } = await run(activities.openTrade, { request: order, attempt: 1 });
  expect(report.kind).toBe('confirmed');
  return order;
};
const send = (plan: CommandPlan, env?: MockActivityEnvironment) => run(activities.sendCommand, plan, env);
const look = ({ tradeId, accountId }: TradeRequest, stepKey: StepKey, attempt = 1) =>
  run(activities.resolveCommand, { tradeId, accountId, stepKey }, quietly({ attempt }));
const sends = async () => (await world.control.getState({})).calls['Send'] ?? 0;
const lose = (kind: string) => world.control.addFault({ kind, on: 'close', times: 1 });

describe('a command activity that is run again', () => {
  test('after its outcome was settled answers what was settled and sends nothing', async () => {
    const plan = closePlan(await opened());
    const first = await send(plan);
    const before = await sends();
    expect(await send(plan)).toEqual(first);
    expect(await sends()).toBe(before);
  });

  test('while its outcome is open says so and sends nothing', async () => {
    await lose('lose-reply');
    const plan = closePlan(await opened());
    expect((await send(plan)).report.kind).toBe('unknown');
    const before = await sends();
    expect((await send(plan)).report.kind).toBe('unknown');
    expect(await sends()).toBe(before);
  });

  test('for an opening meets the trade it opened', async () => {
    const order = await opened();
    const before = await sends();
    const again = await run(activities.openTrade, { request: order, attempt: 1 });
    expect(again).toMatchObject({ kind: 'open-reported', report: { kind: 'confirmed' }, view: { openedLots: '0.1' } });
    expect(await sends()).toBe(before);
  });
});

describe('a command activity that was cancelled', () => {
  test('before the claim is through does not send, and its row says that nothing was written', async () => {
    const plan = closePlan(await opened());
    const env = quietly();
    env.cancel();
    const before = await sends();
    expect((await send(plan, env)).report).toMatchObject({ kind: 'not-executed', code: 'never-written' });
    expect(await sends()).toBe(before);
  });
});

describe('the look-up of an outcome', () => {
  test('finds the effect of a command whose reply was lost', async () => {
    await lose('lose-reply');
    const order = await opened();
    await send(closePlan(order));
    expect(await look(order, closeStep('out'))).toMatchObject({
      kind: 'reported',
      report: { kind: 'confirmed' },
      attempt: 1,
    });
  });

  test('that shows nothing yet fails on purpose, and the next look is no later than the end of the window', async () => {
    await lose('lose-request');
    const order = await opened();
    await send(closePlan(order));
    const open = await look(order, closeStep('out'), 9).catch((error: unknown) => error);
    expect(open).toBeInstanceOf(ApplicationFailure);
    expect(open).toMatchObject({ type: 'OutcomeOpen', nonRetryable: false });
    expect((open as ApplicationFailure).nextRetryDelay).toBeLessThanOrEqual(4_500);
  });

  test('of a step that was never claimed says that nothing was sent', async () => {
    const order = await opened();
    expect((await look(order, closeStep('never'))).report).toMatchObject({
      kind: 'not-executed',
      code: 'never-claimed',
    });
  });

  test('of a trade that was never recorded says that nothing was recorded', async () => {
    expect(await look(asked(), 'open' as StepKey)).toMatchObject({
      kind: 'open-reported',
      view: null,
      report: { code: 'never-claimed' },
    });
  });
});
