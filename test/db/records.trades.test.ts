import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { price } from '../../src/domain/decimal.ts';
import { tradeId } from '../../src/domain/ids.ts';
import type { Rung } from '../../src/domain/trade/change.ts';
import {
  before,
  bookWorld,
  claimed,
  closeWire,
  cross,
  deal,
  eurusd,
  fresh,
  longRequest,
  notExecuted,
  openPlan,
  openPosition,
  openWire,
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

const change = (live: OpenPosition, wanted: Parameters<BookWorld['records']['changeTrade']>[1]) =>
  world.records.changeTrade(live.trade, wanted, 'trader');
const armedLevels = async (live: OpenPosition) =>
  (await world.records.armedWatches([world.account]))
    .filter(({ tradeId: id }) => id === live.trade)
    .map(({ targetLevel, generation }) => [targetLevel, generation]);

describe('a requested trade', () => {
  test('is recorded PENDING with a ladder that has neither price nor watch', async () => {
    const request = longRequest(world.account);
    const view = await recorded(world, request);
    expect(view).toMatchObject({
      state: 'PENDING',
      requestHash: 'hash-1',
      initialStop: '1.08',
      intendedStop: '1.08',
      stopLoss: null,
    });
    expect(view.targets).toMatchObject([
      {
        level: 1,
        rule: { pips: '10' },
        late: 'act-if-beyond',
        price: null,
        closeBps: 5_000,
        state: 'ARMED',
        generation: 1,
      },
      { level: 2, rule: { pips: '20' }, late: 'act', price: null, closeBps: 5_000, state: 'ARMED', generation: 1 },
    ]);
    expect(view.breakeven).toEqual({ rule: { afterLevel: 1, offset: { pips: '1' } }, state: 'WAITING' });
    expect(await world.records.trade(request.tradeId)).toEqual(view);
  });

  test('asked again is the same trade, with another body it is refused', async () => {
    const request = longRequest(world.account);
    const view = await recorded(world, request);
    const again = (hash: string) =>
      world.records.openTrade({ ...request, requestHash: hash }, price('1.07'), eurusd, [5_000, 5_000]);
    expect(await again('hash-1')).toEqual({ kind: 'recorded', view });
    expect(await again('hash-2')).toEqual({ kind: 'another-body', view });
  });

  test('that is denied is one event and no trade', async () => {
    const request = longRequest(world.account);
    const denial = { code: 'unknown-symbol', field: 'symbol', value: 'X', rule: 'listed', fix: 'use another' };
    await world.records.denyTrade(request, denial);
    await world.records.denyTrade(request, denial);
    expect(await world.records.trade(request.tradeId)).toBeNull();
    const events = await world.records.pool.query({
      text: 'select type, body->>$2 as code from event_log where trade_id = $1',
      values: [request.tradeId, 'code'],
    });
    expect(events.rows).toEqual([{ type: 'trade.denied', code: 'unknown-symbol' }]);
  });

  test('that nobody asked for is null', async () => {
    expect(await world.records.trade(tradeId('00000000-0000-5000-8000-000000000000'))).toBeNull();
  });
});

describe('the price of a target', () => {
  test('follows the volume-weighted entry until it fires', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    const { tag } = claimed(await world.records.claim(openPlan(request), openWire, before(null), 2_000));
    const n = fresh();
    const part = (id: string, volume: string, at: string) =>
      deal(`${id}${n}`, `o${n}`, `p${n}`, 'IN', volume, { tag, price: price(at) });
    await world.records.ingest(world.account, [part('d1', '0.2', '1.085')], 'stream', null);
    expect((await world.records.trade(request.tradeId))?.targets[0]?.price).toBe('1.086');
    await world.records.ingest(world.account, [part('d2', '0.4', '1.0856')], 'stream', null);
    expect(await world.records.trade(request.tradeId)).toMatchObject({
      entryPrice: '1.0854',
      targets: [{ price: '1.0864' }, { price: '1.0874' }],
    });
    const prices = (await world.records.armedWatches([world.account]))
      .filter(({ tradeId: id }) => id === request.tradeId)
      .map((watch) => watch.price);
    expect(prices.toSorted()).toEqual(['1.0864', '1.0874']);
  });
});

describe('changing a target', () => {
  test('skips one that was crossed, once', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const skip = { kind: 'skip-target', level: 1, generation: 1, reason: 'came late' } as const;
    const view = await change(live, skip);
    expect(view.targets[0]?.state).toBe('SKIPPED');
    expect(await change(live, skip)).toEqual(view);
  });

  test('skipping one that is armed disarms its watch', async () => {
    const live = await openPosition(world);
    await change(live, { kind: 'skip-target', level: 2, generation: 1, reason: 'not wanted' });
    expect(await armedLevels(live)).toEqual([[1, 1]]);
  });

  test('re-arms one that was crossed, one generation higher, and keeps the crossing', async () => {
    const live = await openPosition(world);
    const [crossing] = await cross(world, live.trade, 1);
    const rearm = { kind: 'rearm-target', level: 1, generation: 1, reason: 'price came back' } as const;
    const view = await change(live, rearm);
    expect(view.targets[0]).toMatchObject({ state: 'ARMED', generation: 2, price: '1.086' });
    expect(await change(live, rearm)).toEqual(view);
    expect(await armedLevels(live)).toContainEqual([1, 2]);
    expect(await world.records.undeliveredFires([world.account])).toContainEqual(crossing);
    expect(await cross(world, live.trade, 1)).toMatchObject([{ generation: 2 }]);
  });

  test('re-arms one whose close was tried, after failing it', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const plan = takeProfitPlan(live.request, 1, '0.3');
    const command = claimed(await world.records.claim(plan, closeWire(live.position, '0.3'), before('0.6'), 2_000));
    await world.records.settle(command.commandId, 1, notExecuted, []);
    expect(
      (await change(live, { kind: 'rearm-target', level: 1, generation: 1, reason: 'again' })).targets[0],
    ).toMatchObject({ state: 'ARMED', generation: 2 });
  });

  test('fails one whose close cannot be done', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const plan = takeProfitPlan(live.request, 1, '0.3');
    const command = claimed(await world.records.claim(plan, closeWire(live.position, '0.3'), before('0.6'), 2_000));
    await world.records.settle(command.commandId, 1, notExecuted, []);
    expect(
      (await change(live, { kind: 'fail-target', level: 1, generation: 1, reason: 'no use' })).targets[0]?.state,
    ).toBe('FAILED');
  });
});

describe('pausing', () => {
  test('disarms the ladder, and resuming arms it one generation higher, both once', async () => {
    const live = await openPosition(world);
    const paused = await change(live, { kind: 'pause', reason: 'lunch' });
    expect(paused.automation).toBe('PAUSED');
    expect(await armedLevels(live)).toEqual([]);
    expect(await change(live, { kind: 'pause', reason: 'lunch' })).toEqual(paused);
    const resumed = await change(live, { kind: 'resume' });
    expect(resumed).toMatchObject({ automation: 'RUNNING', targets: [{ generation: 2 }, { generation: 2 }] });
    expect(await armedLevels(live)).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(await change(live, { kind: 'resume' })).toEqual(resumed);
  });
});

describe('replacing the ladder', () => {
  const rung = (pips: string, share: string, bps: number): Rung => ({
    rule: { at: { pips }, size: { share }, late: 'act' },
    price: null,
    closeBps: bps,
  });

  test('cancels what has not triggered, numbers the new levels after the old ones, and happens once', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const edit = { kind: 'edit-ladder', rungs: [rung('15', '20', 2_000), rung('25', '30', 3_000)] } as const;
    const view = await change(live, edit);
    expect(view.targets.map(({ level, state, price: at }) => [level, state, at])).toEqual([
      [1, 'TRIGGERED', '1.086'],
      [2, 'CANCELLED', '1.087'],
      [3, 'ARMED', '1.0865'],
      [4, 'ARMED', '1.0875'],
    ]);
    expect(await armedLevels(live)).toEqual([
      [3, 1],
      [4, 1],
    ]);
    expect(await change(live, edit)).toEqual(view);
  });

  test('beyond 100 percent is refused by the book itself', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    await expect(change(live, { kind: 'edit-ladder', rungs: [rung('15', '60', 6_000)] })).rejects.toThrow(
      'exceed 100 percent',
    );
  });
});

describe('other changes', () => {
  test('make a refused breakeven visible', async () => {
    const live = await openPosition(world);
    expect((await change(live, { kind: 'breakeven-pending', reason: 'too near' })).breakeven.state).toBe('PENDING');
  });

  test('put a trade before a person, whose resume takes it back', async () => {
    const live = await openPosition(world);
    expect((await change(live, { kind: 'needs-review', reason: 'odd' })).state).toBe('NEEDS_REVIEW');
    await world.records.ingest(
      world.account,
      [deal(`d${fresh()}`, `x${fresh()}`, live.position, 'OUT', '0.1', { reason: 'CLIENT' })],
      'stream',
      null,
    );
    expect((await world.records.trade(live.trade))?.state).toBe('NEEDS_REVIEW');
    expect(await change(live, { kind: 'resume' })).toMatchObject({ state: 'OPEN', remainingLots: '0.5' });
  });
});
