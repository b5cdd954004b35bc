import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lots, price } from '../../src/domain/decimal.ts';
import { closeStep, editStep, positionId } from '../../src/domain/ids.ts';
import type { CommandPlan } from '../../src/domain/trade/intent.ts';
import { createRecords } from '../../src/db/records.ts';
import {
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  confirmed,
  cross,
  fresh,
  longRequest,
  newAccount,
  notExecuted,
  openPlan,
  openPosition,
  openWire,
  planFor,
  recorded,
  takeProfitPlan,
  type BookWorld,
  type OpenPosition,
} from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

const claimClose = (live: OpenPosition, plan: CommandPlan = closePlan(live.request, `c${fresh()}`), volume = '0.6') =>
  world.records.claim(plan, closeWire(live.position, volume), before(volume, live.position), 2_000);

describe('claiming a command', () => {
  test('stores deadline, tag, wire and snapshot and moves the trade', async () => {
    const live = await openPosition(world);
    const command = claimed(await claimClose(live));
    expect(command).toMatchObject({
      state: 'SENDING',
      attempt: 1,
      accountId: world.account,
      wire: { lots: '0.6' },
      before: { lots: '0.6' },
    });
    expect((command.sendBy ?? 0) - (command.claimedAt ?? 0)).toBeCloseTo(2_000, -1);
    expect(command.tag).toBeGreaterThanOrEqual(536_870_912);
    expect((await world.records.trade(live.trade))?.state).toBe('CLOSING');
    const unsettled = await world.records.unsettledCommands(world.account);
    expect(unsettled).toContainEqual({ ...command, asOf: expect.any(Number) });
    expect(command.asOf - (command.claimedAt ?? 0)).toBeLessThan(2_000);
  });

  test('twice answers what became of the first', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'twice');
    const first = claimed(await claimClose(live, plan));
    const row = { ...first, asOf: expect.any(Number) };
    expect(await claimClose(live, plan)).toEqual({ kind: 'already', command: row });
    expect(await claimClose(live, { ...plan, attempt: 2 })).toEqual({ kind: 'already', command: row });
  });

  test('from two sessions at once is won by one', async () => {
    const live = await openPosition(world);
    const other = createRecords({ url: world.url });
    const plan = closePlan(live.request, 'race');
    const both = [world.records, other, world.records, other];
    const answers = await Promise.all(
      both.map((records) => records.claim(plan, closeWire(live.position, '0.6'), before('0.6'), 2_000)),
    );
    await other.close();
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['already', 'already', 'already', 'claimed']);
  });

  test('of two different steps at once lets one through', async () => {
    const live = await openPosition(world);
    const answers = await Promise.all([claimClose(live), claimClose(live), claimClose(live)]);
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['claimed', 'denied', 'denied']);
  });

  test('is denied while another command of the trade is unsettled, but for an emergency close', async () => {
    const live = await openPosition(world);
    claimed(await claimClose(live));
    expect(await claimClose(live)).toMatchObject({ kind: 'denied', denial: { code: 'position-busy' } });
    const emergency = planFor(
      live.request,
      closeStep('now'),
      { kind: 'EMERGENCY_CLOSE' },
      { by: 'person', actor: 'trader' },
    );
    expect(await claimClose(live, emergency)).toMatchObject({ kind: 'claimed' });
  });

  test('says when the broker and the book differ', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'c');
    const answer = await world.records.claim(
      plan,
      closeWire(live.position, '0.4'),
      before('0.4', live.position),
      2_000,
    );
    expect(answer).toEqual({ kind: 'book-differs', bookLots: '0.6' });
    expect((await world.records.trade(live.trade))?.unsettled).toBeNull();
  });

  test('that was not executed counts the next attempt and keeps its tag', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'again');
    const first = claimed(await claimClose(live, plan));
    const view = await world.records.settle(first.commandId, 1, notExecuted, []);
    expect(view.state).toBe('OPEN');
    expect(await claimClose(live, plan)).toMatchObject({ kind: 'already', command: { state: 'NOT_EXECUTED' } });
    const second = claimed(await claimClose(live, { ...plan, attempt: 2 }));
    expect(second).toMatchObject({ commandId: first.commandId, attempt: 2, tag: first.tag, state: 'SENDING' });
  });

  test('again before its quiet window is over is denied', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'early');
    const first = claimed(await claimClose(live, plan));
    await world.records.settle(first.commandId, 1, { ...notExecuted, retryAfterMs: 60_000 }, []);
    expect(await claimClose(live, { ...plan, attempt: 2 })).toMatchObject({
      kind: 'denied',
      denial: { code: 'quiet-window' },
    });
  });

  test('of a target may take another volume in its second attempt', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const first = claimed(await claimClose(live, takeProfitPlan(live.request, 1, '0.3')));
    await world.records.settle(first.commandId, 1, notExecuted, []);
    const smaller = { ...takeProfitPlan(live.request, 1, '0'), attempt: 2 };
    const second = claimed(await claimClose(live, smaller));
    expect(second).toMatchObject({ attempt: 2, plan: { intent: { kind: 'FULL_CLOSE' } } });
  });

  test('with another intent under a step that was sent is denied', async () => {
    const live = await openPosition(world);
    const edit = (to: string, attempt: number) =>
      planFor(
        live.request,
        editStep('e'),
        {
          kind: 'MODIFY_PROTECTION',
          stopLoss: { to: price(to) },
          takeProfit: 'keep',
          mayLoosen: true,
          setsFloor: false,
        },
        { attempt, by: 'person' },
      );
    const send = (plan: CommandPlan) =>
      world.records.claim(
        plan,
        {
          kind: 'MODIFY_PROTECTION',
          positionId: positionId(live.position),
          symbol: 'EURUSD',
          stopLoss: price('1.079'),
          takeProfit: null,
        },
        before('0.6', live.position),
        2_000,
      );
    const first = claimed(await send(edit('1.079', 1)));
    await world.records.settle(first.commandId, 1, notExecuted, []);
    expect(await send(edit('1.078', 2))).toMatchObject({ kind: 'denied', denial: { code: 'intent-changed' } });
    expect(await send(edit('1.079', 2))).toMatchObject({ kind: 'claimed' });
  });

  test('for an account that is not verified is denied and leaves the row PLANNED', async () => {
    const { id } = await world.records.addAccount(newAccount('UNVERIFIED'));
    const request = longRequest(id);
    await recorded(world, request);
    const answer = await world.records.claim(openPlan(request), openWire, before(null), 2_000);
    expect(answer).toMatchObject({ kind: 'denied', denial: { code: 'account-not-active', value: 'UNVERIFIED' } });
    expect((await world.records.trade(request.tradeId))?.state).toBe('PENDING');
  });

  test.each([
    ['off', 'execution-mode-off'],
    ['shadow', 'shadow'],
  ] as const)('to open in execution mode %s is denied', async (executionMode, code) => {
    const request = longRequest(world.account);
    await recorded(world, request);
    await world.records.switchAccount(world.account, { executionMode }, 'trader');
    const answer = await world.records.claim(openPlan(request), openWire, before(null), 2_000);
    await world.records.switchAccount(world.account, { executionMode: 'live' }, 'trader');
    expect(answer).toMatchObject({ kind: 'denied', denial: { code } });
  });

  test('in mode off passes for a person who closes, not for automation', async () => {
    const [live, other] = [await openPosition(world), await openPosition(world)];
    await cross(world, other.trade, 1);
    await world.records.switchAccount(world.account, { executionMode: 'off' }, 'trader');
    const [byPerson, byAutomation] = [
      await claimClose(live),
      await claimClose(other, takeProfitPlan(other.request, 1, '0.3')),
    ];
    await world.records.switchAccount(world.account, { executionMode: 'live' }, 'trader');
    expect(byPerson.kind).toBe('claimed');
    expect(byAutomation).toMatchObject({ kind: 'denied', denial: { code: 'execution-mode-off' } });
  });

  test('is denied to the automation of a paused trade', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    await world.records.changeTrade(live.trade, { kind: 'pause', reason: 'lunch' }, 'trader');
    expect(await claimClose(live, takeProfitPlan(live.request, 1, '0.3'))).toMatchObject({
      kind: 'denied',
      denial: { code: 'paused' },
    });
    expect((await claimClose(live)).kind).toBe('claimed');
  });

  test('is denied to the automation of a trade in review, not to a person', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    await world.records.changeTrade(live.trade, { kind: 'needs-review', reason: 'odd' }, 'trader');
    expect(await claimClose(live, takeProfitPlan(live.request, 1, '0.3'))).toMatchObject({
      kind: 'denied',
      denial: { code: 'trade-state', value: 'NEEDS_REVIEW' },
    });
    expect((await claimClose(live)).kind).toBe('claimed');
  });

  test.each(['REDUCING', 'HALTED'] as const)('to open while trading is %s is denied', async (tradingState) => {
    const request = longRequest(world.account);
    await recorded(world, request);
    await world.records.switchAccount(world.account, { tradingState }, 'trader');
    const answer = await world.records.claim(openPlan(request), openWire, before(null), 2_000);
    await world.records.switchAccount(world.account, { tradingState: 'ACTIVE' }, 'trader');
    expect(answer).toMatchObject({ kind: 'denied', denial: { code: 'trading-state', value: tradingState } });
  });

  test('for a trade that is closed is denied', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    expect(
      await world.records.claim(closePlan(request, 'x'), closeWire('p', '0.1'), before(null), 2_000),
    ).toMatchObject({
      kind: 'denied',
      denial: { code: 'trade-state', value: 'PENDING' },
    });
  });
});

describe('concluding without a send', () => {
  test('ends an open that is denied or shadowed and rejects its trade', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    const conclude = () =>
      world.records.concludeUnsent(openPlan(request), { state: 'NOT_EXECUTED', code: 'shadow', text: 'shadow mode' });
    const view = await conclude();
    expect(view).toMatchObject({ state: 'REJECTED', unsettled: null });
    expect(view.targets.map(({ state }) => state)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await conclude()).toEqual(view);
  });

  test('finds a target done whose close is not needed any more', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const view = await world.records.concludeUnsent(takeProfitPlan(live.request, 1, '0.3'), {
      state: 'CONFIRMED',
      code: 'goal-met',
      facts: [],
    });
    expect(view.targets[0]?.state).toBe('DONE');
    expect(view).toMatchObject({ state: 'OPEN', settling: false });
  });

  test('lets the next attempt be claimed', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'later');
    await world.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code: 'market-closed', text: 'closed' });
    expect(claimed(await claimClose(live, { ...plan, attempt: 2 }))).toMatchObject({ attempt: 2, state: 'SENDING' });
  });

  test('changes nothing about a command that was sent', async () => {
    const live = await openPosition(world);
    const plan = closePlan(live.request, 'sent');
    const command = claimed(await claimClose(live, plan));
    const view = await world.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code: 'shadow', text: '' });
    expect(view.unsettled).toMatchObject({ commandId: command.commandId, state: 'SENDING' });
    expect(view.remainingLots).toBe(lots('0.6'));
    await world.records.settle(command.commandId, 1, confirmed(), []);
  });
});
