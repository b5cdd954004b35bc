import { describe, expect, test } from '@jest/globals';
import { price } from '../../src/domain/decimal.ts';
import type { PriceWatcher } from '../../src/market/price-watcher.ts';
import { watchNamed } from './book.ts';
import { EPOCH, settle } from './manual-clock.ts';
import { KEY, stand, told } from './stand.ts';

/** A stand with one watch that fires at a bid of 1.10000 and a watcher that has read it. */
async function watching() {
  const world = stand();
  world.book.arm({ watchId: watchNamed(1), armedAt: EPOCH });
  const watcher = await world.start();
  const hear = (bidPoints: number) => watcher.sink.quote(world.quoted(bidPoints));
  return { ...world, watcher, hear };
}

async function rearm(world: ReturnType<typeof stand>, name: string | number, armedAt: number, level = '1.1') {
  world.book.arm({ watchId: watchNamed(name), armedAt, price: price(level) });
  world.book.notify();
  await settle();
}

describe('a live crossing', () => {
  test('is recorded with price, time, sequence and source, then delivered once', async () => {
    const { book, clock, deliveries, hear } = await watching();
    hear(109_999);
    await clock.advance(10);
    hear(110_003);
    await clock.advance(3_000);
    expect(book.fired()).toEqual([
      expect.objectContaining({
        watchId: 'watch-1',
        price: '1.10003',
        at: EPOCH + 10,
        sequence: 2,
        source: 'live',
        late: false,
      }),
    ]);
    expect(told(deliveries)).toEqual(['watch-1@110003']);
    expect(book.delivered()).toEqual(new Set(['watch-1']));
  });

  test('of many levels by one quote is one step of the book', async () => {
    const world = stand();
    for (let name = 0; name < 50; name += 1) world.book.arm({ watchId: watchNamed(name), armedAt: EPOCH });
    const watcher = await world.start();
    watcher.sink.quote(world.quoted(110_000));
    await settle();
    expect(world.book.fireCalls().map((fires) => fires.length)).toEqual([50]);
    expect(watcher.snapshot().armed).toBe(0);
  });

  test('shorts are watched at the ask, falling levels from above', async () => {
    const world = stand();
    world.book.arm({
      watchId: watchNamed('short'),
      armedAt: EPOCH,
      quoteSide: 'ASK',
      crosses: 'DOWN',
      price: price('1.09'),
    });
    const watcher = await world.start();
    watcher.sink.quote(world.quoted(109_000));
    await settle();
    expect(world.book.fired()).toEqual([]);
    watcher.sink.quote(world.quoted(108_999));
    await settle();
    expect(world.book.fired()).toEqual([expect.objectContaining({ price: '1.09' })]);
  });

  test('by a quote that comes again changes nothing', async () => {
    const { book, clock, hear, quoted, watcher } = await watching();
    const first = quoted(110_000);
    watcher.sink.quote(first);
    await clock.advance(10);
    hear(109_000);
    watcher.sink.quote(first);
    await settle();
    expect(watcher.price('EURUSD')).toMatchObject({ bid: '1.09' });
    expect(book.fireCalls()).toHaveLength(1);
  });

  test('by one bad tick fires nothing', async () => {
    const { book, hear } = await watching();
    hear(109_000);
    hear(150_000);
    hear(109_001);
    await settle();
    expect(book.fired()).toEqual([]);
  });
});

describe('the moment of arming', () => {
  test('a quote before it does not count, the next one does', async () => {
    const world = await watching();
    await rearm(world, 2, EPOCH + 500);
    world.hear(110_000);
    await settle();
    expect(told(world.book.fired())).toEqual(['watch-1@110000']);
    await world.clock.advance(500);
    world.hear(110_001);
    await settle();
    expect(told(world.book.fired())).toEqual(['watch-1@110000', 'watch-2@110001']);
  });

  test('a spike between commit and load that came back is not lost', async () => {
    const world = await watching();
    world.hear(109_000);
    await world.clock.advance(100);
    world.book.arm({ watchId: watchNamed('late'), armedAt: EPOCH + 50, price: price('1.095') });
    world.hear(109_500);
    world.hear(109_000);
    world.book.notify();
    await settle();
    expect(world.book.fired()).toEqual([
      expect.objectContaining({ watchId: 'watch-late', price: '1.095', late: true, sequence: 2 }),
    ]);
  });

  test('a row without a notice is found by the regular read', async () => {
    const world = await watching();
    world.book.arm({ watchId: watchNamed(2), armedAt: EPOCH, price: price('1.2') });
    await world.clock.advance(10_000);
    expect(world.watcher.snapshot().armed).toBe(2);
  });

  test('a disarmed row fires nothing', async () => {
    const world = await watching();
    world.book.disarm(watchNamed(1));
    world.book.notify();
    await settle();
    expect(world.watcher.demand.symbols()).toEqual([]);
    world.hear(110_000);
    await settle();
    expect(world.book.fireCalls()).toEqual([]);
  });

  test('a row whose price has too many digits is shown, and the others are watched', async () => {
    const world = await watching();
    world.book.arm({ watchId: watchNamed('odd'), armedAt: EPOCH, price: price('1.1000001') });
    world.book.notify();
    await settle();
    expect(world.watcher.snapshot().unfit).toEqual([
      { watchId: 'watch-odd', reason: expect.stringContaining('1.1000001') },
    ]);
    world.hear(110_000);
    await settle();
    expect(told(world.book.fired())).toEqual(['watch-1@110000']);
  });
});

describe('a hole in the sequence', () => {
  test('is filled before anything later is evaluated', async () => {
    const { book, hear, quoted } = await watching();
    hear(109_000);
    quoted(110_007);
    hear(109_001);
    await settle();
    expect(book.fired()).toEqual([
      expect.objectContaining({ price: '1.10007', sequence: 2, late: true, source: 'catch-up:ticks' }),
    ]);
  });

  test('shows as catching up while history cannot be read, and nothing is skipped', async () => {
    const { book, clock, hear, quoted, state, watcher } = await watching();
    hear(109_000);
    state.historyAway = true;
    quoted(110_007);
    hear(110_001);
    await clock.advance(60_000);
    expect(watcher.snapshot().catchingUp).toEqual(['EURUSD']);
    expect(book.fired()).toEqual([]);
    state.historyAway = false;
    await clock.advance(1_000);
    expect(told(book.fired())).toEqual(['watch-1@110007']);
    expect(watcher.snapshot().catchingUp).toEqual([]);
  });

  test('behind a reconnect is found although the symbol stays quiet', async () => {
    const { book, hear, quoted, watcher } = await watching();
    hear(109_000);
    watcher.sink.disconnected('line');
    quoted(110_007);
    quoted(109_000);
    watcher.sink.connected();
    await settle();
    expect(told(book.fired())).toEqual(['watch-1@110007']);
  });
});

describe('a book that is away', () => {
  test('gets the crossing when it is back, and quotes go on meanwhile', async () => {
    const { book, clock, deliveries, hear, watcher } = await watching();
    hear(109_000);
    book.away(true);
    hear(110_000);
    await clock.advance(30_000);
    hear(109_000);
    expect(deliveries).toEqual([]);
    expect(watcher.snapshot()).toMatchObject({ inFlight: 1, armed: 0 });
    expect(watcher.price('EURUSD')).toMatchObject({ bid: '1.09' });
    book.away(false);
    await clock.advance(2_000);
    expect(told(book.fired())).toEqual(['watch-1@110000']);
    expect(told(deliveries)).toEqual(['watch-1@110000']);
  });

  test('that lost its answer has the crossing, and it is delivered all the same', async () => {
    const { book, clock, deliveries, hear } = await watching();
    book.loseNextAnswer();
    hear(110_000);
    await clock.advance(2_000);
    expect(book.fired()).toHaveLength(1);
    expect(told(deliveries)).toEqual(['watch-1@110000']);
  });

  test('keeps the cursor before a crossing that is not durable', async () => {
    const { book, clock, hear, start, watcher } = await watching();
    hear(109_000);
    await clock.advance(1_000);
    book.refuseFires(true);
    hear(110_000);
    hear(109_000);
    await clock.advance(3_000);
    expect(book.cursors(KEY).get('EURUSD')).toMatchObject({ sequence: 1 });
    await watcher.stop();
    expect(book.cursors(KEY).get('EURUSD')).toMatchObject({ sequence: 1 });
    expect((await start()).snapshot().inFlight).toBe(1);
  });
});

describe('a delivery', () => {
  test('that was not heard is made again each second', async () => {
    const { book, clock, deliveries, hear, state } = await watching();
    state.answer = 'retry';
    hear(110_000);
    await clock.advance(2_500);
    const before = deliveries.length;
    expect(before).toBeGreaterThan(1);
    expect(book.delivered().size).toBe(0);
    state.answer = 'delivered';
    await clock.advance(2_000);
    expect(book.delivered().size).toBe(1);
    await clock.advance(5_000);
    expect(deliveries.length).toBe(before + 1);
  });

  test('to a trade that has ended is not made again', async () => {
    const { book, clock, deliveries, hear, state } = await watching();
    state.answer = 'gone';
    hear(110_000);
    await clock.advance(5_000);
    expect(deliveries).toHaveLength(1);
    expect(book.delivered().size).toBe(1);
  });

  test('left over by a dead watcher is made at the next start', async () => {
    const { book, deliveries, hear, start, watcher, state } = await watching();
    state.answer = 'retry';
    hear(110_000);
    await settle();
    await watcher.stop();
    state.answer = 'delivered';
    await start();
    expect(told(deliveries)).toEqual(['watch-1@110000', 'watch-1@110000']);
    expect(told(book.fired())).toEqual(['watch-1@110000']);
  });
});

describe('a watcher', () => {
  const ended = async (watcher: PriceWatcher) => watcher.stopped;

  test('whose session was taken stops within a second and fires no more', async () => {
    const { book, clock, quoted, start, watcher } = await watching();
    const second = await start();
    await clock.advance(1_000);
    expect(await ended(watcher)).toBe('fenced');
    const quote = quoted(110_000);
    watcher.sink.quote(quote);
    await settle();
    expect(book.fireCalls()).toEqual([]);
    second.sink.quote(quote);
    await settle();
    expect(book.fireCalls()).toHaveLength(1);
  });

  test('that stood still stops', async () => {
    const { clock, watcher } = await watching();
    await clock.advance(2_000);
    clock.freeze(6_000);
    await clock.advance(1_000);
    expect(await ended(watcher)).toBe('stalled');
  });

  test('and a second one beside it fire a level once', async () => {
    const { book, clock, deliveries, quoted, start, watcher } = await watching();
    const second = await start();
    const quote = quoted(110_000);
    watcher.sink.quote(quote);
    second.sink.quote(quote);
    await clock.advance(5_000);
    expect(told(book.fired())).toEqual(['watch-1@110000']);
    expect(new Set(told(deliveries))).toEqual(new Set(['watch-1@110000']));
    expect(second.snapshot()).toMatchObject({ armed: 0, inFlight: 0 });
  });

  test('that is told to stop saves how far it came', async () => {
    const { book, hear, watcher } = await watching();
    hear(109_000);
    hear(109_001);
    expect(await watcher.stop()).toBe('asked');
    expect(book.cursors(KEY).get('EURUSD')).toEqual({ sequence: 2, time: EPOCH });
  });

  test('wants quotes of armed symbols and of what others ask for', async () => {
    const { watcher } = await watching();
    const release = watcher.demand.want('GBPUSD');
    expect(watcher.snapshot().symbols).toEqual(['EURUSD', 'GBPUSD']);
    release();
    expect(watcher.snapshot().symbols).toEqual(['EURUSD']);
  });

  test('catches up by time after a broker came back without its count', async () => {
    const world = stand();
    const { epoch } = await world.book.takeSession(KEY, 'before');
    await world.book.saveCursors(KEY, epoch, new Map([['EURUSD', { sequence: 900, time: EPOCH }]]));
    await world.clock.advance(10);
    world.book.arm({ watchId: watchNamed(1), armedAt: EPOCH + 5 });
    world.quoted(110_003);
    const watcher = await world.start();
    await world.clock.advance(10);
    watcher.sink.quote(world.quoted(109_000));
    await world.clock.advance(1_000);
    expect(told(world.book.fired())).toEqual(['watch-1@110003']);
  });

  test('goes on when a feed numbers its quotes anew', async () => {
    const { book, clock, hear, quoted, watcher } = await watching();
    for (let nth = 0; nth < 5; nth += 1) hear(109_000);
    await clock.advance(100);
    watcher.sink.quote({ ...quoted(110_000), sequence: 1 });
    await settle();
    expect(told(book.fired())).toEqual(['watch-1@110000']);
  });
});

describe('a watcher killed before it read a row', () => {
  test('leaves the crossing to its successor, although the cursor passed it', async () => {
    const world = await watching();
    world.hear(109_000);
    await world.clock.advance(100);
    world.book.arm({ watchId: watchNamed('late'), armedAt: EPOCH + 50, price: price('1.095') });
    world.hear(109_500);
    world.hear(109_000);
    await world.clock.advance(1_000);
    expect(world.book.cursors(KEY).get('EURUSD')).toMatchObject({ sequence: 3 });
    await world.start();
    expect(told(world.book.fired())).toEqual(['watch-late@109500']);
  });

  test('and so it does when the cursor stands within the millisecond of arming', async () => {
    const world = await watching();
    world.hear(109_500);
    world.hear(109_600);
    world.book.refuseFires(true);
    await rearm(world, 'first', EPOCH, '1.096');
    world.book.arm({ watchId: watchNamed('second'), armedAt: EPOCH, price: price('1.095'), crosses: 'DOWN' });
    await world.clock.advance(1_000);
    expect(world.book.cursors(KEY).get('EURUSD')).toMatchObject({ sequence: 1 });
    world.book.refuseFires(false);
    await world.watcher.stop();
    await world.start();
    expect(told(world.book.fired())).toContain('watch-second@109500');
  });
});
