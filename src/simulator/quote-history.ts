import type { Tick } from './exchange/book.ts';

const CHUNK = 65_536;
const FIELDS = 4;

/** At least this many of the newest quotes of a symbol can be asked for. */
export const QUOTES_KEPT = 8 * CHUNK;

/** The quotes asked for are no longer kept: an error for the client, never a shorter list. */
export class QuotesForgotten extends Error {
  override readonly name = 'QuotesForgotten';
}

interface Series {
  /** Sequence of the first quote in the first chunk. */
  first: number;
  last: number;
  readonly chunks: Float64Array[];
}

/** The emitted quotes of all symbols with the time they were emitted; old ones are forgotten in whole chunks. */
export interface QuoteHistory {
  readonly series: Map<string, Series>;
}

export function emptyHistory(): QuoteHistory {
  return { series: new Map() };
}

export function remember(history: QuoteHistory, tick: Tick): void {
  const series = history.series.get(tick.symbol) ?? begin(history, tick);
  const at = tick.sequence - series.first;
  if (at === series.chunks.length * CHUNK) series.chunks.push(new Float64Array(CHUNK * FIELDS));
  const offset = (at % CHUNK) * FIELDS;
  series.chunks.at(-1)?.set([tick.bid, tick.ask, tick.time, tick.sourceTime ?? NaN], offset);
  series.last = tick.sequence;
  if (series.chunks.length * CHUNK <= QUOTES_KEPT + CHUNK) return;
  series.chunks.shift();
  series.first += CHUNK;
}

function begin(history: QuoteHistory, tick: Tick): Series {
  const series = { first: tick.sequence, last: tick.sequence - 1, chunks: [] };
  history.series.set(tick.symbol, series);
  return series;
}

/**
 * The quotes after `sequence` up to now, oldest first.
 *
 * @throws QuotesForgotten when the next one is not kept any more
 */
export function* quotesAfter(history: QuoteHistory, symbol: string, sequence: number): Generator<Tick> {
  const series = history.series.get(symbol);
  if (series === undefined) return;
  if (sequence + 1 < series.first) {
    throw new QuotesForgotten(`quotes of ${symbol} are kept from ${series.first} on, asked for ${sequence + 1}`);
  }
  if (sequence > series.last) {
    throw new QuotesForgotten(`${symbol} has only quoted up to ${series.last}, asked for what follows ${sequence}`);
  }
  const { last } = series;
  for (let next = sequence + 1; next <= last; next += 1) {
    const tick = read(series, symbol, next);
    if (tick === null) throw new QuotesForgotten(`quote ${next} of ${symbol} was forgotten during the read`);
    yield tick;
  }
}

/** Sequence of the last kept quote that is not later than `time`: what follows it came after. */
export function sequenceAt(history: QuoteHistory, symbol: string, time: number): number {
  const series = history.series.get(symbol);
  if (series === undefined) return 0;
  let [low, high] = [series.first - 1, series.last];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((read(series, symbol, middle)?.time ?? 0) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

function read(series: Series, symbol: string, sequence: number): Tick | null {
  const at = sequence - series.first;
  const chunk = series.chunks[Math.floor(at / CHUNK)];
  if (chunk === undefined) return null;
  const offset = (at % CHUNK) * FIELDS;
  const [bid = NaN, ask = NaN, time = NaN, source = NaN] = chunk.subarray(offset, offset + FIELDS);
  return { symbol, bid, ask, sequence, time, sourceTime: Number.isNaN(source) ? null : source };
}

/** A bar of bids, in points. */
export interface Bar {
  readonly time: number;
  readonly open: number;
  high: number;
  low: number;
  close: number;
  tickVolume: number;
}

/** Bars of `seconds` by the market's own time (the file's, else the wall's) that open in `[from, to]`, oldest first. */
export function bars(history: QuoteHistory, query: BarQuery): Bar[] {
  const width = query.seconds * 1000;
  const found: Bar[] = [];
  const first = history.series.get(query.symbol)?.first ?? 1;
  for (const tick of quotesAfter(history, query.symbol, first - 1)) {
    const time = Math.floor(marketTime(tick) / width) * width;
    if (time < query.from || time > query.to) continue;
    const bar = found.at(-1);
    if (bar !== undefined && bar.time === time) extend(bar, tick.bid);
    else found.push({ time, open: tick.bid, high: tick.bid, low: tick.bid, close: tick.bid, tickVolume: 1 });
  }
  return found;
}

export interface BarQuery {
  readonly symbol: string;
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
}

export const marketTime = (tick: Tick): number => tick.sourceTime ?? tick.time;

function extend(bar: Bar, bid: number): void {
  bar.high = Math.max(bar.high, bid);
  bar.low = Math.min(bar.low, bid);
  bar.close = bid;
  bar.tickVolume += 1;
}
