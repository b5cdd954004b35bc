import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { positionId, protectStep } from '../../src/domain/ids.ts';
import { price } from '../../src/domain/decimal.ts';
import {
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  confirmed,
  cross,
  deal,
  fresh,
  longRequest,
  notExecuted,
  openPlan,
  openPosition,
  openWire,
  order,
  planFor,
  position,
  recorded,
  takeProfitPlan,
  verifiedAccount,
  type BookWorld,
  type OpenPosition,
} from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

async function closing(live: OpenPosition, volume = '0.6') {
  const plan = closePlan(live.request, `c${fresh()}`);
  return claimed(
    await world.records.claim(plan, closeWire(live.position, volume), before(volume, live.position), 2_000),
  );
}

async function opening(account = world.account) {
  const request = longRequest(account);
  await recorded(world, request);
  const command = claimed(await world.records.claim(openPlan(request), openWire, before(null), 2_000));
  return { request, command, tag: command.tag, id: command.commandId, n: `${fresh()}` };
}

const dealsOf = async (trade: string) => {
  const text =
    'select broker_deal_id, entry, lots::text, price::text from broker_deal where trade_id = $1 order by entry, broker_deal_id nulls last, lots';
  return (await world.records.pool.query({ text, values: [trade] })).rows as unknown[];
};

describe('settling an open', () => {
  test('refused by the broker rejects the trade and cancels its ladder', async () => {
    const { id } = await opening();
    const view = await world.records.settle(
      id,
      1,
      { state: 'REJECTED', code: 'not-enough-money', text: 'no money' },
      [],
    );
    expect(view).toMatchObject({ state: 'REJECTED', unsettled: null, openedLots: '0' });
    expect(await world.records.command(id)).toMatchObject({
      state: 'REJECTED',
      outcome: { code: 'not-enough-money', text: 'no money' },
    });
  });

  test('proven by order and position alone opens on a provisional deal, which the real ones replace', async () => {
    const { request, id, tag, n } = await opening();
    const facts = [
      order(`o${n}`, 'BUY', '0.6', '0.6', { tag, positionId: positionId(`p${n}`) }),
      position(`p${n}`, '0.6', '1.08', 1),
    ];
    const view = await world.records.settle(id, 1, confirmed(`o${n}`, `p${n}`), facts);
    expect(view).toMatchObject({ state: 'OPEN', entryPrice: '1.085', openedLots: '0.6', settling: true });
    expect(await dealsOf(request.tradeId)).toEqual([
      { broker_deal_id: null, entry: 'IN', lots: '0.6', price: '1.085' },
    ]);
    const real = [
      deal(`d1${n}`, `o${n}`, `p${n}`, 'IN', '0.2', { tag }),
      deal(`d2${n}`, `o${n}`, `p${n}`, 'IN', '0.4', { tag }),
    ];
    await world.records.ingest(world.account, real.slice(0, 1), 'sync', request.tradeId);
    expect(await world.records.trade(request.tradeId)).toMatchObject({ openedLots: '0.6', settling: true });
    await world.records.ingest(world.account, real, 'sync', request.tradeId);
    expect(await world.records.trade(request.tradeId)).toMatchObject({ openedLots: '0.6', settling: false });
    expect(await dealsOf(request.tradeId)).toHaveLength(2);
  });

  test('keeps an order whose tag the broker dropped', async () => {
    const { request, id, n } = await opening();
    await world.records.ingest(world.account, [deal(`d${n}`, `o${n}`, `p${n}`, 'IN', '0.6')], 'stream', null);
    expect((await world.records.trade(request.tradeId))?.openedLots).toBe('0');
    const view = await world.records.settle(id, 1, confirmed(`o${n}`, `p${n}`), []);
    expect(view).toMatchObject({ state: 'OPEN', openedLots: '0.6', positionId: `p${n}` });
  });

  test('placed as a resting order makes the trade WORKING until it fills, and wakes it then', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    const resting = {
      symbol: 'EURUSD',
      side: 'BUY',
      lots: request.volume,
      type: 'LIMIT',
      price: price('1.084'),
      takeProfit: null,
      expiresAt: null,
    } as const;
    const intent = { ...resting, kind: 'PLACE_PENDING', stopLoss: price('1.08') } as const;
    const command = claimed(
      await world.records.claim(planFor(request, openPlan(request).stepKey, intent), intent, before(null), 2_000),
    );
    const n = fresh();
    const { tag } = command;
    const placed = order(`o${n}`, 'BUY', '0.6', '0', { tag, type: 'LIMIT', state: 'WORKING', price: price('1.084') });
    const view = await world.records.settle(command.commandId, 1, confirmed(`o${n}`), [placed]);
    expect(view).toMatchObject({ state: 'WORKING', entryOrderId: `o${n}`, settling: false, unsettled: null });
    const wakes = await world.records.ingest(
      world.account,
      [deal(`d${n}`, `o${n}`, `p${n}`, 'IN', '0.6', { tag })],
      'stream',
      null,
    );
    expect(wakes).toMatchObject([{ tradeId: request.tradeId, type: 'trade.open' }]);
    expect(await world.records.trade(request.tradeId)).toMatchObject({ state: 'OPEN', entryOrderId: null });
  });

  test('that was placed and then cancelled at the broker ends CANCELLED', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    const intent = {
      kind: 'PLACE_PENDING',
      symbol: 'EURUSD',
      side: 'BUY',
      lots: request.volume,
      type: 'LIMIT',
      price: price('1.084'),
      stopLoss: price('1.08'),
      takeProfit: null,
      expiresAt: null,
    } as const;
    const command = claimed(
      await world.records.claim(planFor(request, openPlan(request).stepKey, intent), intent, before(null), 2_000),
    );
    const n = fresh();
    await world.records.settle(command.commandId, 1, confirmed(`o${n}`), []);
    const gone = order(`o${n}`, 'BUY', '0.6', '0', {
      tag: command.tag,
      type: 'LIMIT',
      state: 'CANCELLED',
      updatedAt: 5,
    });
    const wakes = await world.records.ingest(world.account, [gone], 'stream', null);
    expect(wakes).toMatchObject([{ type: 'trade.cancelled' }]);
    expect((await world.records.trade(request.tradeId))?.targets.map(({ state }) => state)).toEqual([
      'CANCELLED',
      'CANCELLED',
    ]);
  });
});

describe('settling a close', () => {
  test('whose deals lag closes on a provisional row that is replaced in place', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    const n = fresh();
    const filled = order(`c${n}`, 'SELL', '0.6', '0.6', { tag: command.tag, positionId: positionId(live.position) });
    const view = await world.records.settle(command.commandId, 1, confirmed(`c${n}`), [filled]);
    expect(view).toMatchObject({ state: 'CLOSED', settling: true, closeReason: 'MANUAL', closeSubreason: 'FULL' });
    const first = deal(`d7${n}`, `c${n}`, live.position, 'OUT', '0.5', { tag: command.tag });
    const rest = deal(`d8${n}`, `c${n}`, live.position, 'OUT', '0.1', { tag: command.tag });
    expect(await world.records.ingest(world.account, [first], 'sync', null)).toEqual([]);
    expect(await dealsOf(live.trade)).toMatchObject([
      { entry: 'IN' },
      { lots: '0.5' },
      { lots: '0.1', broker_deal_id: null },
    ]);
    await world.records.ingest(world.account, [rest, first], 'sync', null);
    expect(await dealsOf(live.trade)).toMatchObject([
      { entry: 'IN' },
      { lots: '0.5' },
      { lots: '0.1', broker_deal_id: `d8${n}` },
    ]);
    expect(await world.records.trade(live.trade)).toMatchObject({ state: 'CLOSED', settling: false });
  });

  test('twice changes once', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    const facts = [
      order(`c${fresh()}`, 'SELL', '0.6', '0.6', { tag: command.tag, positionId: positionId(live.position) }),
    ];
    const first = await world.records.settle(command.commandId, 1, confirmed(), facts);
    expect(await world.records.settle(command.commandId, 1, notExecuted, facts)).toEqual(first);
  });

  test('of an attempt that is over leaves the next one alone', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    await world.records.settle(command.commandId, 1, notExecuted, []);
    claimed(
      await world.records.claim({ ...command.plan, attempt: 2 }, closeWire(live.position, '0.6'), before('0.6'), 2_000),
    );
    const view = await world.records.settle(command.commandId, 1, confirmed(), []);
    expect(view.unsettled).toMatchObject({ state: 'SENDING', attempt: 2 });
  });

  test('filled in part opens the trade again with what is left', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    const n = fresh();
    const view = await world.records.settle(command.commandId, 1, confirmed(`c${n}`), [
      order(`c${n}`, 'SELL', '0.6', '0.4', { tag: command.tag, state: 'CANCELLED' }),
      deal(`d${n}`, `c${n}`, live.position, 'OUT', '0.4', { tag: command.tag }),
    ]);
    expect(view).toMatchObject({ state: 'OPEN', remainingLots: '0.2', settling: false });
  });

  test('of a target that the broker refuses fails the target', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const plan = takeProfitPlan(live.request, 1, '0.3');
    const command = claimed(await world.records.claim(plan, closeWire(live.position, '0.3'), before('0.6'), 2_000));
    const view = await world.records.settle(
      command.commandId,
      1,
      { state: 'REJECTED', code: 'frozen', text: 'frozen' },
      [],
    );
    expect(view.targets.map(({ state }) => state)).toEqual(['FAILED', 'ARMED']);
  });

  test('that came to nothing because the stop was faster skips the target', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const plan = takeProfitPlan(live.request, 1, '0.3');
    const command = claimed(await world.records.claim(plan, closeWire(live.position, '0.3'), before('0.6'), 2_000));
    const n = fresh();
    await world.records.ingest(
      world.account,
      [deal(`d${n}`, `s${n}`, live.position, 'OUT', '0.6', { reason: 'SL', tag: live.tag })],
      'stream',
      null,
    );
    const view = await world.records.settle(command.commandId, 1, notExecuted, []);
    expect(view).toMatchObject({ state: 'CLOSED', closeReason: 'STOP_LOSS', closeSubreason: 'INITIAL' });
    expect(view.targets.map(({ state }) => state)).toEqual(['SKIPPED', 'SKIPPED']);
  });
});

describe('an outcome that is not known', () => {
  test('waits out its quiet window from the send deadline, then may be found or not executed', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    const unknown = await world.records.settle(
      command.commandId,
      1,
      { state: 'UNKNOWN', because: 'no reply', quietMs: 1_500 },
      [],
    );
    expect(unknown).toMatchObject({ state: 'CLOSING', unsettled: { state: 'UNKNOWN' } });
    const row = await world.records.command(command.commandId);
    expect((row?.retryNotBefore ?? 0) - (row?.sendBy ?? 0)).toBeCloseTo(1_500, -1);
    expect(await world.records.settle(command.commandId, 1, notExecuted, [])).toMatchObject({
      state: 'OPEN',
      unsettled: null,
    });
  });

  test('that nobody can tell needs review, and ends by a named verdict', async () => {
    const live = await openPosition(world);
    const command = await closing(live);
    const stuck = await world.records.settle(command.commandId, 1, { state: 'REVIEW', because: 'two candidates' }, []);
    expect(stuck).toMatchObject({ state: 'NEEDS_REVIEW', unsettled: { state: 'REVIEW' } });
    const decision = { by: 'ann', verdict: 'not-executed', evidence: 'asked the broker' } as const;
    const view = await world.records.decideCommand(command.commandId, decision);
    expect(view).toMatchObject({ state: 'OPEN', unsettled: null });
    expect(await world.records.decideCommand(command.commandId, { ...decision, verdict: 'executed' })).toEqual(view);
    expect(await world.records.command(command.commandId)).toMatchObject({
      state: 'NOT_EXECUTED',
      outcome: { decided_by: 'ann' },
    });
  });

  test('of an open, decided as not executed, rejects the trade', async () => {
    const { id } = await opening();
    await world.records.settle(id, 1, { state: 'REVIEW', because: 'two candidates' }, []);
    const view = await world.records.decideCommand(id, {
      by: 'ann',
      verdict: 'not-executed',
      evidence: 'terminal shows none',
    });
    expect(view).toMatchObject({ state: 'REJECTED', unsettled: null });
  });
});

describe('late evidence', () => {
  test('of a command that counts as not executed is recorded, needs review and stops opening', async () => {
    const account = await verifiedAccount(world.records, `LATE-${fresh()}`);
    const { request, id, tag, n } = await opening(account);
    await world.records.settle(id, 1, notExecuted, []);
    const wakes = await world.records.ingest(
      account,
      [deal(`d${n}`, `o${n}`, `p${n}`, 'IN', '0.6', { tag })],
      'stream',
      null,
    );
    expect(wakes.map(({ type }) => type)).toContain('command.contradicted');
    expect(await world.records.trade(request.tradeId)).toMatchObject({ state: 'NEEDS_REVIEW', openedLots: '0.6' });
    expect((await world.records.account(account))?.tradingState).toBe('REDUCING');
  });
});

describe('restoring a stop', () => {
  test('confirmed without a position to read back takes the levels that were sent', async () => {
    const live = await openPosition(world);
    await world.records.ingest(
      world.account,
      [position(live.position, '0.6', null, 1_700_000_009_000)],
      'stream',
      null,
    );
    expect((await world.records.trade(live.trade))?.stopLoss).toBeNull();
    const intent = {
      kind: 'MODIFY_PROTECTION',
      stopLoss: { to: price('1.08') },
      takeProfit: 'keep',
      mayLoosen: false,
      setsFloor: false,
    } as const;
    const wire = {
      kind: 'MODIFY_PROTECTION',
      positionId: positionId(live.position),
      symbol: 'EURUSD',
      stopLoss: price('1.08'),
      takeProfit: null,
    } as const;
    const command = claimed(
      await world.records.claim(planFor(live.request, protectStep(1), intent), wire, before('0.6'), 2_000),
    );
    expect(await world.records.settle(command.commandId, 1, confirmed(), [])).toMatchObject({
      stopLoss: '1.08',
      intendedStop: '1.08',
    });
  });
});
