import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { price } from '../../src/domain/decimal.ts';
import type { Quote } from '../../src/domain/facts.ts';
import type { PriceWatcher } from '../../src/market/price-watcher.ts';
import type { ArmedWatch, FeedRecords, WatchRecords } from '../../src/trading/records.ts';
import { watchNamed } from './book.ts';
import { settle } from './manual-clock.ts';
import { stand } from './stand.ts';

type Book = WatchRecords & FeedRecords;

/** A book that answers nothing any more once its process is dead. */
function mortal(book: Book): { readonly records: Book; kill(): void } {
  let dead = false;
  const unanswered = new Promise<never>(() => undefined);
  const alive =
    <A extends readonly unknown[], R>(step: (...args: A) => Promise<R>) =>
    async (...args: A) =>
      dead ? unanswered : step(...args).then((answer) => (dead ? unanswered : answer));
  return {
    records: {
      armedWatches: alive(book.armedWatches),
      fire: alive(book.fire),
      undeliveredFires: alive(book.undeliveredFires),
      fireDelivered: alive(book.fireDelivered),
      onWatchesChanged: alive(book.onWatchesChanged),
      takeSession: alive(book.takeSession),
      saveCursors: alive(book.saveCursors),
    },
    kill: () => {
      dead = true;
    },
  };
}

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('quote' as const),
      by: fc.integer({ min: -40, max: 40 }),
      heard: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('arm' as const),
      by: fc.integer({ min: -60, max: 60 }),
      ask: fc.boolean(),
      told: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 20, 300, 1_000, 12_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('book' as const), away: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fires' as const), away: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('history' as const), away: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function town() {
  const world = stand();
  world.state.historyTakesMs = 15;
  const armed: ArmedWatch[] = [];
  let bid = 110_000;
  let running: { readonly watcher: PriceWatcher; readonly kill: () => void } | null = null;

  async function start(): Promise<void> {
    if (running !== null) return;
    const body = mortal(world.book);
    const watcher = await world.start(body.records).catch(() => null);
    if (watcher !== null) running = { watcher, kill: body.kill };
  }

  function arm(by: number, ask: boolean): void {
    const level = price(((bid + by) / 100_000).toFixed(5));
    const crosses = by > 0 ? 'UP' : 'DOWN';
    const watchId = watchNamed(armed.length);
    armed.push(
      world.book.arm({ watchId, armedAt: world.clock.now(), price: level, crosses, quoteSide: ask ? 'ASK' : 'BID' }),
    );
  }

  async function take(action: Step): Promise<void> {
    if (action.do === 'quote') {
      bid += action.by;
      const quote = world.quoted(bid);
      if (action.heard) running?.watcher.sink.quote(quote);
    } else if (action.do === 'arm') {
      arm(action.by, action.ask);
      if (action.told) world.book.notify();
    } else if (action.do === 'wait') await world.clock.advance(action.ms);
    else if (action.do === 'repeat') {
      const quote = world.history[action.which % Math.max(1, world.history.length)];
      if (quote !== undefined) running?.watcher.sink.quote(quote);
    } else if (action.do === 'kill') {
      running?.kill();
      running = null;
    } else if (action.do === 'stop') {
      const stopping = running?.watcher.stop();
      await world.clock.advance(3_000);
      await stopping;
      running = null;
    } else if (action.do === 'start') await start();
    else if (action.do === 'reconnect') running?.watcher.sink.connected();
    else if (action.do === 'book') world.book.away(action.away);
    else if (action.do === 'fires') world.book.refuseFires(action.away);
    else world.state.historyAway = action.away;
  }

  async function rest(): Promise<void> {
    world.book.away(false);
    world.book.refuseFires(false);
    world.state.historyAway = false;
    await start();
    running?.watcher.sink.connected();
    await world.clock.advance(25_000);
  }

  return { ...world, armed, take, rest };
}

/** What one watcher that never missed anything would have fired: the first quote that counts and has reached the level. */
function uninterrupted(armed: readonly ArmedWatch[], history: readonly Quote[]): readonly string[] {
  return armed.flatMap((watch) => {
    const reached = history.find((quote) => quote.time >= watch.armedAt && hasReached(watch, quote));
    return reached === undefined ? [] : [`${watch.watchId}#${reached.sequence}`];
  });
}

function hasReached({ quoteSide, crosses, price: level }: ArmedWatch, quote: Quote): boolean {
  const now = Number(quoteSide === 'BID' ? quote.bid : quote.ask);
  return crosses === 'UP' ? now >= Number(level) : now <= Number(level);
}

test('kills, holes, repeats and outages change nothing of what fires and at which quote', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async (steps) => {
      const { armed, book, deliveries, history, rest, take } = town();
      await take({ do: 'start' });
      for (const action of steps) await take(action);
      await settle();
      await rest();
      const fired = book.fired().map((fire) => `${fire.watchId}#${fire.sequence}`);
      expect(fired.toSorted()).toEqual(uninterrupted(armed, history).toSorted());
      expect(new Set(deliveries.map((fire) => fire.watchId))).toEqual(
        new Set(book.fired().map((fire) => fire.watchId)),
      );
      expect(book.delivered().size).toBe(fired.length);
    }),
    { numRuns: 300 },
  );
}, 60_000);
