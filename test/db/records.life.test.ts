import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { price } from '../../src/domain/decimal.ts';
import { breakevenStep, positionId } from '../../src/domain/ids.ts';
import type { WireCommand } from '../../src/trading/connector.ts';
import {
  before,
  bookWorld,
  claimed,
  closeWire,
  confirmed,
  cross,
  deal,
  openPosition,
  order,
  planFor,
  position,
  takeProfitPlan,
  type BookWorld,
} from './book-world.ts';

describe('a trade with two targets', () => {
  let world: BookWorld;
  beforeAll(async () => {
    world = await bookWorld();
  });
  afterAll(() => world.end());

  test('is priced and armed at the fill, reduced, protected at breakeven, and closed', async () => {
    const { records } = world;
    const { request, trade, position: id, view: opened } = await openPosition(world);
    expect(opened).toMatchObject({
      state: 'OPEN',
      positionId: id,
      openedLots: '0.6',
      remainingLots: '0.6',
      entryPrice: '1.085',
      stopLoss: '1.08',
    });
    expect(opened.targets.map((target) => [target.price, target.state, target.closeBps])).toEqual([
      ['1.086', 'ARMED', 5_000],
      ['1.087', 'ARMED', 5_000],
    ]);
    expect(opened.unsettled).toBeNull();
    expect(opened.settling).toBe(false);

    const fired = await cross(world, trade, 1);
    expect(fired).toMatchObject([{ tradeId: trade, targetLevel: 1, generation: 1, price: '1.086', source: 'live' }]);
    const close = claimed(
      await records.claim(takeProfitPlan(request, 1, '0.3'), closeWire(id, '0.3'), before('0.6', id), 2_000),
    );
    expect((await records.trade(trade))?.targets[0]?.state).toBe('EXECUTING');
    const tag = close.tag ?? 0;
    const reduced = await records.settle(close.commandId, 1, confirmed('c1', id), [
      order('c1', 'SELL', '0.3', '0.3', { positionId: positionId(id), tag }),
      deal('d101', 'c1', id, 'OUT', '0.3', { tag }),
      position(id, '0.3', '1.08', 1_700_000_001_000),
    ]);
    expect(reduced).toMatchObject({ state: 'OPEN', remainingLots: '0.3', breakeven: { state: 'WAITING' } });
    expect(reduced.targets.map(({ state }) => state)).toEqual(['DONE', 'ARMED']);

    const moved = await moveStop(world, request, id);
    expect(moved).toMatchObject({ stopLoss: '1.0851', breakevenFloor: '1.0851', breakeven: { state: 'DONE' } });

    await cross(world, trade, 2);
    const last = claimed(
      await records.claim(takeProfitPlan(request, 2, '0'), closeWire(id, '0.3'), before('0.3', id), 2_000),
    );
    expect((await records.trade(trade))?.state).toBe('CLOSING');
    const closed = await records.settle(last.commandId, 1, confirmed('c2', id), [
      order('c2', 'SELL', '0.3', '0.3', { tag: last.tag }),
      deal('d102', 'c2', id, 'OUT', '0.3', { tag: last.tag }),
    ]);
    expect(closed).toMatchObject({
      state: 'CLOSED',
      remainingLots: '0',
      closeReason: 'TAKE_PROFIT',
      closeSubreason: 'TP2',
      settling: false,
    });
    expect(closed.targets.map(({ state }) => state)).toEqual(['DONE', 'DONE']);
    expect(closed.revision).toBeGreaterThan(moved.revision);
    expect(await records.armedWatches([world.account])).toEqual([]);
    expect(await records.undeliveredWakes([world.account])).toEqual([]);
  });
});

async function moveStop(world: BookWorld, request: Parameters<typeof planFor>[0], id: string) {
  const intent = {
    kind: 'MODIFY_PROTECTION',
    stopLoss: { to: price('1.0851') },
    takeProfit: 'keep',
    mayLoosen: false,
    setsFloor: true,
  } as const;
  const wire: WireCommand = {
    kind: 'MODIFY_PROTECTION',
    positionId: positionId(id),
    symbol: 'EURUSD',
    stopLoss: price('1.0851'),
    takeProfit: null,
  };
  const plan = planFor(request, breakevenStep(1), intent);
  const edit = claimed(await world.records.claim(plan, wire, before('0.3', id), 2_000));
  return world.records.settle(edit.commandId, 1, confirmed(null, id), [
    position(id, '0.3', '1.0851', 1_700_000_002_000),
  ]);
}
