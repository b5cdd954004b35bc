import { systemClock } from '../src/clock.ts';
import { fromPoints } from '../src/domain/decimal.ts';
import type { Quote } from '../src/domain/facts.ts';
import { accountId, tradeId, watchId } from '../src/domain/ids.ts';
import { startPriceWatcher, type PriceWatcher } from '../src/market/price-watcher.ts';
import { BID_DOWN, BID_UP, createTriggerIndex, type TriggerIndex } from '../src/market/trigger-index.ts';
import type { ArmedWatch, FeedRecords, WatchRecords } from '../src/trading/records.ts';
import { exponent, figure, median, nanosecondsEach, type Figure } from './figure.ts';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const ROUNDS = 5;
const MIDDLE = 108_500;
const FAR = 20_000;
const SYMBOL = 'EURUSD';
/** A quiet walk, prepared so that only the tick is timed. Its length is a power of two. */
const WALK = Int32Array.from({ length: 4_096 }, (_, at) => MIDDLE + Math.round(300 * Math.sin(at / 37)) + (at % 7));

/** Cost of watching: quiet ticks, arming, memory, and how they grow with the number of levels. */
export async function* index(): AsyncGenerator<Figure> {
  yield* quietTicks();
  yield* armAndCancel();
  yield* memory();
  yield* publicEntry();
}

function levelAt(nth: number): number {
  const away = FAR + (nth % 40_000);
  return nth % 2 === 0 ? MIDDLE + away : MIDDLE - away;
}

function filled(size: number): { readonly index: TriggerIndex; readonly slots: Int32Array; readonly symbol: number } {
  const levels = createTriggerIndex();
  const symbol = levels.addSymbol();
  const slots = Int32Array.from({ length: size }, (_, nth) =>
    levels.arm(symbol, nth % 2 === 0 ? BID_UP : BID_DOWN, levelAt(nth)),
  );
  return { index: levels, slots, symbol };
}

function* quietTicks(): Generator<Figure> {
  const indexes = SIZES.map((size) => filled(size));
  const tick = ({ index: levels, symbol }: (typeof indexes)[number], count: number) => {
    for (let at = 0; at < count; at += 1)
      levels.tick(symbol, WALK[at & 4_095] ?? MIDDLE, (WALK[at & 4_095] ?? MIDDLE) + 1);
  };
  for (const filledIndex of indexes) tick(filledIndex, 1_000_000);
  const times = indexes.map(() => [] as number[]);
  const scans = SIZES.map(() => [] as number[]);
  for (let round = 0; round < ROUNDS; round += 1) {
    indexes.forEach((filledIndex, nth) =>
      times[nth]?.push(nanosecondsEach(4_000_000, (count) => tick(filledIndex, count))),
    );
    SIZES.forEach((size, nth) => scans[nth]?.push(scanTime(size)));
  }
  yield* grown('quiet tick, bare index', times.map(median), scans.map(median), 'loop over an Int32Array');
}

/** The design this replaces at its cheapest: every level compared with every tick. */
function scanTime(size: number): number {
  const levels = Int32Array.from({ length: size }, (_, nth) => levelAt(nth));
  let reached = 0;
  const time = nanosecondsEach(Math.max(4, Math.round(4_000_000 / size)), (count) => {
    for (let at = 0; at < count; at += 1) {
      const bid = WALK[at & 4_095] ?? MIDDLE;
      for (let nth = 0; nth < size; nth += 2) if ((levels[nth] ?? 0) <= bid) reached += 1;
      for (let nth = 1; nth < size; nth += 2) if ((levels[nth] ?? 0) >= bid) reached += 1;
    }
  });
  if (reached > 0) throw new Error(`a quiet walk reached ${reached} levels`);
  return time;
}

function* grown(name: string, costs: readonly number[], others: readonly number[], against: string): Generator<Figure> {
  for (const [nth, size] of SIZES.entries()) {
    const value = costs[nth] ?? Number.NaN;
    const other = others[nth] ?? Number.NaN;
    const compared = `${against}: ${other.toPrecision(4)} ns`;
    yield figure({
      name: `${name}, ${size} levels`,
      value,
      unit: 'ns',
      against: compared,
      ratio: value / other,
      rounds: ROUNDS,
    });
  }
  const slope = exponent(SIZES.map((size, nth) => ({ size, cost: costs[nth] ?? Number.NaN })));
  yield figure({
    name: `${name}, exponent in levels`,
    value: slope,
    unit: '',
    against: 'goal: 0.05',
    ratio: slope / 0.05,
    rounds: ROUNDS,
  });
}

function* armAndCancel(): Generator<Figure> {
  for (const size of [1_000, 1_000_000]) {
    const { index: levels, symbol, slots } = filled(size);
    const list = Int32Array.from(slots);
    const times: number[] = [];
    const listTimes: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      times.push(nanosecondsEach(200_000, (count) => rearm(levels, symbol, slots, count)));
      listTimes.push(nanosecondsEach(200_000, (count) => rewrite(list, count)));
    }
    const [value, other] = [median(times), median(listTimes)];
    const against = `write into an Int32Array: ${other.toPrecision(4)} ns`;
    yield figure({
      name: `cancel and arm, ${size} levels`,
      value,
      unit: 'ns',
      against,
      ratio: value / other,
      rounds: ROUNDS,
    });
  }
}

function rearm(levels: TriggerIndex, symbol: number, slots: Int32Array, count: number): void {
  for (let at = 0; at < count; at += 1) {
    const which = (at * 7_919) % slots.length;
    levels.cancel(slots[which] ?? -1);
    slots[which] = levels.arm(symbol, which % 2 === 0 ? BID_UP : BID_DOWN, levelAt(which + at));
  }
}

function rewrite(list: Int32Array, count: number): void {
  for (let at = 0; at < count; at += 1) list[(at * 7_919) % list.length] = levelAt(at);
}

function* memory(): Generator<Figure> {
  for (const size of [100_000, 1_000_000]) {
    const value = filled(size).index.bytes() / size;
    yield figure({
      name: `bytes per level, ${size} levels`,
      value,
      unit: 'B',
      against: 'goal: 32 B',
      ratio: value / 32,
      rounds: 1,
    });
  }
}

async function* publicEntry(): AsyncGenerator<Figure> {
  const times: number[][] = [];
  const scans: number[][] = [];
  let heapPerWatch = Number.NaN;
  let armTime = Number.NaN;
  for (const size of SIZES) {
    const rows = Array.from({ length: size }, (_, nth) => armedRow(nth));
    const before = heapNow();
    const startedAt = systemClock.monotonic();
    const watcher = await watching(rows);
    armTime = systemClock.monotonic() - startedAt;
    heapPerWatch = (heapNow() - before) / size;
    times.push(timedQuotes(watcher));
    scans.push([scanTime(size)]);
    await watcher.stop();
  }
  yield* grown('quiet tick, watcher', times.map(median), scans.map(median), 'loop over an Int32Array');
  yield figure({
    name: 'read and arm, 1000000 watches',
    value: armTime,
    unit: 'ms',
    against: 'goal: 1000 ms',
    ratio: armTime / 1_000,
    rounds: 1,
  });
  const against = 'goal: 160 B, the row included';
  yield figure({
    name: 'heap per armed watch beside its row',
    value: heapPerWatch,
    unit: 'B',
    against,
    ratio: heapPerWatch / 160,
    rounds: 1,
  });
}

function heapNow(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function timedQuotes(watcher: PriceWatcher): number[] {
  const prices = Array.from(WALK, (points) => ({ bid: fromPoints(points, 5), ask: fromPoints(points + 1, 5) }));
  const times: number[] = [];
  const block = 200_000;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const quotes = Array.from({ length: block }, (_, at) => quoteAt(round * block + at, prices));
    times.push(nanosecondsEach(block, () => quotes.forEach(watcher.sink.quote)));
  }
  return times.slice(1);
}

function quoteAt(nth: number, prices: readonly Pick<Quote, 'bid' | 'ask'>[]): Quote {
  const { bid, ask } = prices[nth & 4_095] ?? { bid: fromPoints(MIDDLE, 5), ask: fromPoints(MIDDLE, 5) };
  return { symbol: SYMBOL, bid, ask, sequence: nth + 1, time: 1_700_000_000_000 + nth, sourceTime: null };
}

function armedRow(nth: number): ArmedWatch {
  return {
    watchId: watchId(`watch-${nth}`),
    accountId: accountId('7'),
    tradeId: tradeId(`trade-${nth}`),
    symbol: SYMBOL,
    digits: 5,
    quoteSide: 'BID',
    crosses: nth % 2 === 0 ? 'UP' : 'DOWN',
    price: fromPoints(levelAt(nth), 5),
    generation: 1,
    targetLevel: 1,
    armedAt: 1_700_000_000_000,
  };
}

async function watching(rows: readonly ArmedWatch[]): Promise<PriceWatcher> {
  const nothing = () => undefined;
  const watcher = await startPriceWatcher({
    sessionKey: 'bench',
    holder: 'bench',
    accounts: [accountId('7')],
    records: bookOf(rows),
    deliver: async () => 'delivered',
    missedTicks: async () => [],
    clock: systemClock,
    log: { info: nothing, warn: nothing, error: nothing },
  });
  while (watcher.snapshot().catchingUp.length > 0) await systemClock.sleep(1);
  return watcher;
}

/** A book that only ever has these rows: the watcher is measured, not the database. */
function bookOf(rows: readonly ArmedWatch[]): WatchRecords & FeedRecords {
  return {
    armedWatches: async () => rows,
    fire: async () => [],
    undeliveredFires: async () => [],
    fireDelivered: async () => undefined,
    onWatchesChanged: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    takeSession: async () => ({ epoch: 1, cursors: new Map() }),
    saveCursors: async () => true,
  };
}
