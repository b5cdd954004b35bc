import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { price, toPoints } from '../../domain/decimal.ts';
import type { Listing } from '../exchange/listings.ts';
import type { QuoteSource, SourceQuote } from './quote-source.ts';

const HEADER = 'timestamp_ms,bid,ask';

/** A line of a quote file cannot be used; names the file, the line and the reason. */
export class BadQuoteLine extends Error {
  override readonly name = 'BadQuoteLine';
}

/**
 * The quotes of one symbol in a CSV file `timestamp_ms,bid,ask`, plain or gzip (by its name's `.gz`).
 *
 * @throws Error when the file cannot be read; reading on a bad line throws {@link BadQuoteLine}
 */
export async function quoteFile(path: string, listing: Listing): Promise<QuoteSource> {
  const { size } = await stat(path);
  const digest = createHash('sha256')
    .update(`${basename(path)} ${size} ${listing.symbol}`)
    .digest('hex');
  return {
    id: `file ${listing.symbol} ${digest.slice(0, 16)}`,
    ends: true,
    quotes: (from) => read(path, listing, from),
  };
}

async function* read(path: string, listing: Listing, from: number): AsyncGenerator<SourceQuote> {
  let line = 0;
  let before: number | null = null;
  for await (const text of lines(path)) {
    line += 1;
    if (line === 1 && text.trim() === HEADER) continue;
    if (text === '') continue;
    const { time, bid, ask } = parse(text, listing, before, `${path}:${line}`);
    const pauseMs = before === null ? 0 : time - before;
    before = time;
    if (from > 0) from -= 1;
    else yield { symbol: listing.symbol, bid, ask, sourceTime: time, pauseMs };
  }
}

async function* lines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const text: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // Neither a pipe nor a line reader passes errors on; without this a damaged file would look like a short one.
  let failed: Error | null = null;
  file.on('error', (error) => text.destroy(error));
  text.on('error', (error) => {
    failed = error;
    reader.close();
  });
  const reader = createInterface({ input: text, crlfDelay: Infinity });
  try {
    yield* reader;
    if (failed !== null) throw failed;
  } finally {
    reader.close();
    file.destroy();
  }
}

function parse(text: string, listing: Listing, before: number | null, place: string) {
  const parts = text.split(',');
  const [stamp = '', bidText = '', askText = ''] = parts;
  if (parts.length !== 3) throw bad(place, text, `expected 3 fields, found ${parts.length}`);
  if (!/^\d{1,15}$/.test(stamp))
    throw bad(place, text, `timestamp_ms "${stamp}" is not a whole number of milliseconds`);
  const time = Number(stamp);
  if (before !== null && time < before) throw bad(place, text, `timestamp_ms ${stamp} is before the line above`);
  const bid = pointsIn(bidText, listing, place, text);
  const ask = pointsIn(askText, listing, place, text);
  if (ask < bid) throw bad(place, text, `ask ${askText} is below bid ${bidText}`);
  return { time, bid, ask };
}

function pointsIn(text: string, listing: Listing, place: string, line: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw bad(place, line, `price "${text}" is not a decimal`);
  const fast = quickPoints(text, listing.digits);
  if (fast > 0) return fast;
  try {
    const points = toPoints(price(text), listing.digits);
    if (points > 0) return points;
  } catch (error) {
    // What the decimal type refuses is a bad line here, so it is told with its place.
    throw bad(place, line, error instanceof Error ? error.message : String(error));
  }
  throw bad(place, line, `price "${text}" is not positive`);
}

/** Points of a short plain decimal without building a big number for each of many thousand lines; 0 = not that simple. */
function quickPoints(text: string, digits: number): number {
  const dot = text.indexOf('.');
  const fraction = dot < 0 ? '' : text.slice(dot + 1);
  if (fraction.length > digits || text.length > 12) return 0;
  const points = Number((dot < 0 ? text : text.slice(0, dot)) + fraction.padEnd(digits, '0'));
  return points <= 2_147_483_647 ? points : 0;
}

function bad(place: string, text: string, reason: string): BadQuoteLine {
  return new BadQuoteLine(`${place}: ${reason} in "${text.slice(0, 80)}"`);
}
