import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Fire } from '../../src/trading/records.ts';
import { createRecords } from '../../src/db/records.ts';
import { bookWorld, cross, openPosition, verifiedAccount, type BookWorld, type OpenPosition } from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

async function fireOf(live: OpenPosition, level: number, account = world.account): Promise<Fire> {
  const watch = (await world.records.armedWatches([account])).find(
    (one) => one.tradeId === live.trade && one.targetLevel === level,
  );
  if (watch === undefined) throw new Error('not armed');
  return {
    watchId: watch.watchId,
    price: watch.price,
    at: 1_700_000_000_500,
    source: 'live',
    sequence: 9,
    late: false,
  };
}

describe('armed watches', () => {
  test('of a long stand at the bid above, of a short at the ask below', async () => {
    const live = await openPosition(world);
    const [first] = (await world.records.armedWatches([world.account])).filter(({ tradeId }) => tradeId === live.trade);
    expect(first).toMatchObject({
      symbol: 'EURUSD',
      digits: 5,
      quoteSide: 'BID',
      crosses: 'UP',
      price: '1.086',
      generation: 1,
      targetLevel: 1,
    });
    expect(Date.now() - (first?.armedAt ?? 0)).toBeLessThan(60_000);
  });

  test('come in the order they were armed in, whatever their side', async () => {
    await openPosition(world);
    const watches = await world.records.armedWatches([world.account]);
    expect(watches.length).toBeGreaterThan(1);
    expect(watches.map(({ armedAt }) => armedAt)).toEqual(
      watches.map(({ armedAt }) => armedAt).toSorted((a, b) => a - b),
    );
  });

  test('of other accounts are not listed', async () => {
    await openPosition(world);
    expect(await world.records.armedWatches([await verifiedAccount(world.records, 'QUIET')])).toEqual([]);
  });
});

describe('firing', () => {
  test('triggers the target, is durable and is told until delivered', async () => {
    const live = await openPosition(world);
    const [fired] = await cross(world, live.trade, 1);
    expect(fired).toMatchObject({
      accountId: world.account,
      tradeId: live.trade,
      targetLevel: 1,
      generation: 1,
      sequence: 7,
      late: false,
    });
    expect((await world.records.trade(live.trade))?.targets[0]?.state).toBe('TRIGGERED');
    expect(await world.records.undeliveredFires([world.account])).toContainEqual(fired);
    if (fired !== undefined) await world.records.fireDelivered([fired.watchId]);
    expect(await world.records.undeliveredFires([world.account])).not.toContainEqual(fired);
  });

  test('by two watchers at once happens once', async () => {
    const live = await openPosition(world);
    const other = createRecords({ url: world.url });
    const fire = await fireOf(live, 1);
    const answers = await Promise.all(
      [world.records, other, world.records, other].map((records) => records.fire([fire])),
    );
    await other.close();
    expect(answers.flat()).toHaveLength(1);
  });

  test('many trades of two accounts in one quote, by two watchers in opposite order, does not deadlock', async () => {
    const second = { ...world, account: await verifiedAccount(world.records, 'SECOND') };
    const lives = [
      await openPosition(world),
      await openPosition(second),
      await openPosition(world),
      await openPosition(second),
    ];
    const accounts = [world.account, second.account, world.account, second.account];
    const fires = await Promise.all(
      lives.flatMap((live, index) => [fireOf(live, 1, accounts[index]), fireOf(live, 2, accounts[index])]),
    );
    const answers = await Promise.all([world.records.fire(fires), world.records.fire(fires.toReversed())]);
    expect(answers.flat()).toHaveLength(8);
  });

  test('a level that was disarmed meanwhile does nothing', async () => {
    const live = await openPosition(world);
    const fire = await fireOf(live, 1);
    await world.records.changeTrade(live.trade, { kind: 'pause', reason: 'lunch' }, 'trader');
    expect(await world.records.fire([fire])).toEqual([]);
    expect((await world.records.trade(live.trade))?.targets[0]?.state).toBe('ARMED');
  });

  test('grows the revision of the trade', async () => {
    const live = await openPosition(world);
    await cross(world, live.trade, 1);
    expect((await world.records.trade(live.trade))?.revision).toBeGreaterThan(live.view.revision);
  });
});

describe('listening for changes', () => {
  test('hears of a commit that armed or disarmed, and at the start', async () => {
    const stop = new AbortController();
    const heard = { count: 0, wait: null as (() => void) | null };
    const next = () => new Promise<void>((resolve) => (heard.wait = resolve));
    const connected = next();
    const listening = world.records.onWatchesChanged(() => {
      heard.count += 1;
      heard.wait?.();
    }, stop.signal);
    await connected;
    const told = next();
    await openPosition(world);
    await told;
    expect(heard.count).toBeGreaterThanOrEqual(2);
    stop.abort();
    await listening;
  });

  test('comes back after its connection was cut', async () => {
    const stop = new AbortController();
    let wait: (() => void) | null = null;
    const next = () => new Promise<void>((resolve) => (wait = resolve));
    const connected = next();
    const listening = world.records.onWatchesChanged(() => wait?.(), stop.signal);
    await connected;
    const again = next();
    await cutListeners(world.url);
    await again;
    stop.abort();
    await listening;
  });
});

async function cutListeners(url: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  const cut = await owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen belay_watches' and datname = current_database()`,
  );
  await owner.end();
  expect(cut.rowCount).toBe(1);
}
