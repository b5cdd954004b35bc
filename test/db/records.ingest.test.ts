import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { money, price } from '../../src/domain/decimal.ts';
import { positionId } from '../../src/domain/ids.ts';
import {
  balance,
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  confirmed,
  deal,
  fresh,
  openPosition,
  order,
  planFor,
  position,
  verifiedAccount,
  type BookWorld,
  type OpenPosition,
} from './book-world.ts';
import { breakevenStep } from '../../src/domain/ids.ts';

let world: BookWorld;
let live: OpenPosition;
const later = 1_700_000_100_000;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());
beforeEach(async () => {
  live = await openPosition(world);
});

const ingest = (...facts: Parameters<BookWorld['records']['ingest']>[1]) =>
  world.records.ingest(world.account, facts, 'stream', null);
const view = async () => {
  const found = await world.records.trade(live.trade);
  if (found === null) throw new Error('no such trade');
  return found;
};
const one = async (text: string, values: readonly unknown[]) =>
  (await world.records.pool.query({ text, values: [...values] })).rows[0] as Record<string, unknown> | undefined;

describe('a fact told twice', () => {
  test('changes nothing and wakes nobody', async () => {
    const fact = deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' });
    expect(await ingest(fact)).toMatchObject([{ tradeId: live.trade, type: 'trade.reduced' }]);
    const after = await view();
    expect(await ingest(fact)).toEqual([]);
    expect(await view()).toEqual(after);
  });

  test('may bring a later commission', async () => {
    const fact = deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' });
    await ingest(fact);
    await ingest({ ...fact, commission: money('-2.5') });
    expect(await one('select commission::text from broker_deal where broker_deal_id = $1', [fact.dealId])).toEqual({
      commission: '-2.5',
    });
  });
});

describe('a close that is not ours', () => {
  test.each([
    ['CLIENT', 'EXTERNAL', 'TERMINAL'],
    ['MOBILE', 'EXTERNAL', 'MOBILE'],
    ['WEB', 'EXTERNAL', 'WEB'],
    ['EXPERT', 'EXTERNAL', 'OTHER_EXPERT'],
    ['OTHER', 'EXTERNAL', 'OTHER_APP'],
    ['SL', 'STOP_LOSS', 'INITIAL'],
    ['TP', 'TAKE_PROFIT', 'BROKER_TP'],
    ['STOP_OUT', 'STOP_OUT', 'MARGIN'],
  ] as const)('for %s ends the trade as %s %s, inferred', async (reason, closeReason, closeSubreason) => {
    const close = `x${fresh()}`;
    const wakes = await ingest(deal(`d${fresh()}`, close, live.position, 'OUT', '0.6', { reason }));
    expect(wakes).toMatchObject([{ tradeId: live.trade, type: 'trade.closed' }]);
    const closed = await view();
    expect(closed).toMatchObject({ state: 'CLOSED', closeReason, closeSubreason, settling: false });
    expect(closed.targets.map(({ state }) => state)).toEqual(['SKIPPED', 'SKIPPED']);
    const row = await one('select reason_inferred, closure_text from trade_order where broker_order_id = $1', [close]);
    expect(row).toMatchObject({ reason_inferred: true, closure_text: expect.any(String) });
  });

  test('wakes the trade unless it hears of it from its caller', async () => {
    const fact = deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' });
    expect(await world.records.ingest(world.account, [fact], 'sync', live.trade)).toEqual([]);
    expect((await view()).remainingLots).toBe('0.5');
  });

  test('by the broker counts as its stop although it carries our tag', async () => {
    await ingest(deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.6', { reason: 'SL', tag: live.tag }));
    expect(await view()).toMatchObject({ state: 'CLOSED', closeReason: 'STOP_LOSS' });
  });

  test('at a stop that a person moved is told apart', async () => {
    await ingest(position(live.position, '0.6', '1.0812', later));
    await ingest(deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.6', { reason: 'SL' }));
    expect(await view()).toMatchObject({ closeReason: 'STOP_LOSS', closeSubreason: 'MANUAL_LEVEL' });
  });

  test('of somebody else’s position belongs to no trade', async () => {
    expect(await ingest(deal(`d${fresh()}`, `x${fresh()}`, 'foreign', 'OUT', '3', { reason: 'CLIENT' }))).toEqual([]);
    expect((await view()).remainingLots).toBe('0.6');
  });
});

describe('a fact that our own command explains', () => {
  test('wakes nobody', async () => {
    const plan = closePlan(live.request, 'mine');
    const command = claimed(await world.records.claim(plan, closeWire(live.position, '0.6'), before('0.6'), 2_000));
    const n = fresh();
    expect(await ingest(deal(`d${n}`, `c${n}`, live.position, 'OUT', '0.6', { tag: command.tag }))).toEqual([]);
    expect(await view()).toMatchObject({ state: 'CLOSED', closeReason: 'MANUAL', unsettled: { state: 'SENDING' } });
  });
});

describe('more closed than is known to be open', () => {
  test('needs review until the missing deal arrives', async () => {
    const n = fresh();
    await ingest(deal(`d1${n}`, `x${n}`, live.position, 'OUT', '0.7', { reason: 'CLIENT' }));
    expect(await view()).toMatchObject({ state: 'NEEDS_REVIEW', openedLots: '0.6', closedLots: '0.6' });
    await ingest(deal(`d2${n}`, live.openOrder, live.position, 'IN', '0.2', { tag: live.tag }));
    expect(await view()).toMatchObject({ state: 'OPEN', openedLots: '0.8', closedLots: '0.7', remainingLots: '0.1' });
  });
});

describe('levels', () => {
  test('follow the broker and wake the trade when somebody else moved them', async () => {
    expect(await ingest(position(live.position, '0.6', '1.0805', later))).toMatchObject([
      { type: 'levels.moved-outside' },
    ]);
    expect(await view()).toMatchObject({ stopLoss: '1.0805', intendedStop: '1.0805' });
  });

  test('of an older look never overwrite newer ones', async () => {
    await ingest(position(live.position, '0.6', '1.0805', later));
    expect(await ingest(position(live.position, '0.6', '1.07', later - 1))).toEqual([]);
    expect((await view()).stopLoss).toBe('1.0805');
  });

  test('that disappeared set a deadline, keep the intended stop and wake the trade', async () => {
    expect(await ingest(position(live.position, '0.6', null, later))).toMatchObject([{ type: 'stop.missing' }]);
    expect(await view()).toMatchObject({ stopLoss: null, intendedStop: '1.08' });
    const row = await one(
      `select protect_by > now() as waiting, protect_by < now() + interval '11 s' as soon from trade where id = $1`,
      [live.trade],
    );
    expect(row).toEqual({ waiting: true, soon: true });
  });

  test('loosened below the breakeven floor by somebody else are recorded and wake the trade', async () => {
    const intent = {
      kind: 'MODIFY_PROTECTION',
      stopLoss: { to: price('1.0851') },
      takeProfit: 'keep',
      mayLoosen: false,
      setsFloor: true,
    } as const;
    const wire = {
      kind: 'MODIFY_PROTECTION',
      positionId: positionId(live.position),
      symbol: 'EURUSD',
      stopLoss: price('1.0851'),
      takeProfit: null,
    } as const;
    const edit = claimed(
      await world.records.claim(planFor(live.request, breakevenStep(1), intent), wire, before('0.6'), 2_000),
    );
    expect(await ingest(position(live.position, '0.6', '1.0851', later))).toEqual([]);
    await world.records.settle(edit.commandId, 1, confirmed(), []);
    expect(await ingest(position(live.position, '0.6', '1.07', later + 1))).toMatchObject([
      { type: 'stop.loosened-outside' },
    ]);
    expect(await view()).toMatchObject({ stopLoss: '1.07', breakevenFloor: '1.0851', intendedStop: '1.0851' });
    await ingest(deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' }));
    expect(await view()).toMatchObject({ remainingLots: '0.5', stopLoss: '1.07' });
  });
});

describe('a second order with one command’s tag', () => {
  test('is kept apart, opens a case and needs review', async () => {
    const account = await verifiedAccount(world.records, `SECOND-${fresh()}`);
    live = await openPosition({ ...world, account });
    const n = fresh();
    const twin = [
      order(`o${n}`, 'BUY', '0.6', '0.6', { tag: live.tag }),
      deal(`d${n}`, `o${n}`, `p${n}`, 'IN', '0.6', { tag: live.tag }),
    ];
    const wakes = await world.records.ingest(account, twin, 'reconcile', null);
    expect(wakes.map(({ type }) => type)).toContain('order.second');
    expect(await view()).toMatchObject({ state: 'NEEDS_REVIEW', openedLots: '0.6' });
    expect(
      await one('select origin, trade_id, command_id from trade_order where broker_order_id = $1', [`o${n}`]),
    ).toEqual({
      origin: 'EXTERNAL',
      trade_id: null,
      command_id: null,
    });
    expect(await one('select kind, state from discrepancy_case where trade_id = $1', [live.trade])).toEqual({
      kind: 'second-order',
      state: 'OPEN',
    });
    expect(await world.records.ingest(account, twin, 'reconcile', null)).toEqual([]);
  });
});

describe('a balance', () => {
  test('is kept as the newest look', async () => {
    await ingest(balance('1000', later), balance('900', later - 5));
    expect(await one('select balance::text from account_balance where account_id = $1', [world.account])).toEqual({
      balance: '1000',
    });
  });
});

describe('wakes', () => {
  test('are told again until they are delivered', async () => {
    const [wake] = await ingest(deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' }));
    expect(await world.records.undeliveredWakes([world.account])).toContainEqual(wake);
    await world.records.wakeDelivered([wake?.eventId ?? '']);
    expect(await world.records.undeliveredWakes([world.account])).not.toContainEqual(wake);
  });
});

describe('trades that may have something at the broker', () => {
  test('are listed with position and volume', async () => {
    expect(await world.records.liveTrades(world.account)).toContainEqual({
      tradeId: live.trade,
      positionId: live.position,
      remainingLots: '0.6',
    });
  });
});
