import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { money } from '../../src/domain/decimal.ts';
import { accountsOverview, listTrades, tradeStory, unsettled } from '../../src/db/queries.ts';
import { sweep } from '../../src/db/sweep.ts';
import {
  balance,
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  confirmed,
  cross,
  deal,
  longRequest,
  openPosition,
  order,
  recorded,
  type BookWorld,
} from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

describe('what people look at', () => {
  test('lists trades newest first in pages, by account, symbol and state', async () => {
    const requests = [
      longRequest(world.account),
      longRequest(world.account, { symbol: 'GBPUSD' }),
      longRequest(world.account),
    ];
    for (const request of requests) await recorded(world, request);
    const first = await listTrades(world.records.pool, { account: world.account, states: ['PENDING'], limit: 2 });
    expect(first.trades.map(({ tradeId }) => tradeId)).toEqual([requests[2]?.tradeId, requests[1]?.tradeId]);
    const second = await listTrades(world.records.pool, {
      account: world.account,
      states: ['PENDING'],
      limit: 2,
      cursor: first.cursor,
    });
    expect(second).toMatchObject({
      trades: [{ tradeId: requests[0]?.tradeId, accountName: 'SIM-HEDGE', currency: 'EUR' }],
      cursor: null,
    });
    expect((await listTrades(world.records.pool, { symbol: 'GBPUSD' })).trades).toHaveLength(1);
  });

  test('tells a trade’s story', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    const command = claimed(
      await world.records.claim(closePlan(live.request, 'c'), closeWire(live.position, '0.6'), before('0.6'), 1_000),
    );
    const facts = [
      order('story', 'SELL', '0.6', '0.6', { tag: command.tag }),
      deal('d900', 'story', live.position, 'OUT', '0.6', { tag: command.tag, profit: money('60') }),
    ];
    await world.records.settle(command.commandId, 1, confirmed(), facts);
    const story = await tradeStory(world.records.pool, live.trade);
    expect(story?.view.state).toBe('CLOSED');
    expect(story?.commands.map(({ stepKey, state }) => [stepKey, state])).toEqual([
      ['open', 'CONFIRMED'],
      ['close:c', 'CONFIRMED'],
    ]);
    expect(story?.deals).toMatchObject([
      { dealId: live.openDeal, entry: 'IN', side: 'BUY', lots: '0.6', closeReason: null },
      {
        dealId: 'd900',
        entry: 'OUT',
        side: 'SELL',
        profit: '60',
        closeReason: 'MANUAL',
        closeSubreason: 'FULL',
        inferred: false,
        closureText: 'trader closed it',
      },
    ]);
    expect(story?.triggers).toMatchObject([{ level: 1, generation: 1, price: '1.086', source: 'live', late: false }]);
    expect(story?.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'trade.requested',
        'trade.open',
        'target.crossed',
        'deal.added',
        'command.settled',
        'trade.closed',
      ]),
    );
    const [row] = (await listTrades(world.records.pool, { states: ['CLOSED'] })).trades;
    expect(row).toMatchObject({ tradeId: live.trade, profit: '60', commission: '-2', swap: '0' });
  });

  test('shows accounts with their last figures and without credentials', async () => {
    await world.records.ingest(world.account, [balance('1000.5', 5)], 'stream', null);
    const [account] = await accountsOverview(world.records.pool);
    expect(account).toMatchObject({
      accountId: world.account,
      name: 'SIM-HEDGE',
      balance: '1000.5',
      equity: '1000.5',
      asOf: 5,
    });
    expect(JSON.stringify(account)).not.toContain('sealed');
  });

  test('counts what is not at rest', async () => {
    const live = await openPosition(world);
    const quiet = await unsettled(world.records.pool);
    claimed(
      await world.records.claim(closePlan(live.request, 'c'), closeWire(live.position, '0.6'), before('0.6'), 1_000),
    );
    expect(await unsettled(world.records.pool)).toEqual({ ...quiet, unsettledCommands: quiet.unsettledCommands + 1 });
  });
});

describe('sweeping', () => {
  test('removes old delivered rows of finished trades and nothing else', async () => {
    const [over, live] = [await openPosition(world), await openPosition(world)];
    await cross(world, over.trade, 1);
    await world.records.changeTrade(
      over.trade,
      { kind: 'rearm-target', level: 1, generation: 1, reason: 'price came back' },
      'automation',
    );
    await world.records.fireDelivered(
      (await world.records.undeliveredFires([world.account])).map(({ watchId }) => watchId),
    );
    await world.records.ingest(
      world.account,
      [deal('d950', 'x950', over.position, 'OUT', '0.6', { reason: 'CLIENT' })],
      'stream',
      null,
    );
    await ageEverything(world.url);
    const counts = async (trade: string) => {
      const text = `select (select count(*)::int from event_log where trade_id = $1) as events, (select count(*)::int from price_watch where trade_id = $1) as watches`;
      return (await world.records.pool.query({ text, values: [trade] })).rows[0] as { events: number; watches: number };
    };
    const before = { over: await counts(over.trade), live: await counts(live.trade) };
    await sweep(world.records.pool, { eventLogDays: 30, firedWatchDays: 30 });
    expect(await counts(live.trade)).toEqual(before.live);
    // Its closing still has to wake it; of its watches only the superseded crossing goes.
    expect(await counts(over.trade)).toEqual({ events: 1, watches: before.over.watches - 1 });
    expect(await sweep(world.records.pool, { eventLogDays: 30, firedWatchDays: 30 })).toEqual({
      events: 0,
      watches: 0,
    });
  });
});

/** As the owner of the tables, with the guards off: the application itself cannot do this. */
async function ageEverything(url: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(`set session_replication_role = replica`);
  await owner.query(`update event_log set created_at = created_at - interval '31 days'`);
  await owner.query(
    `update price_watch set fired_at = coalesce(fired_at, now()) - interval '31 days', armed_at = armed_at - interval '31 days' where state = 'FIRED'`,
  );
  await owner.end();
}
