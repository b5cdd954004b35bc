import { stat } from 'node:fs/promises';
import { BadQuoteLine, quoteFile } from '../../src/simulator/market/quote-file.ts';
import type { Listing } from '../../src/simulator/exchange/listings.ts';
import { QuotesRefused } from './refusals.ts';

/** What a file of quotes holds, as far as a plan needs it. Quotes are counted from 1, prices are in points. */
export interface QuoteScan {
  readonly quotes: number;
  /** Highest minus lowest bid of the whole file. */
  readonly rangePoints: number;
  readonly widestSpreadPoints: number;
  /** The stretch with the largest move. */
  readonly move: { readonly from: number; readonly to: number };
}

/** The fast move is looked for among this many stretches of equally many quotes. */
const stretches = 100;

/**
 * Reads the file once, every line of it.
 *
 * @throws QuotesRefused naming file, line and reason when it cannot be played
 */
export async function scanQuotes(file: string, listing: Listing): Promise<QuoteScan> {
  const bids: number[] = [];
  let widestSpreadPoints = 0;
  try {
    if (!(await stat(file)).isFile()) throw new QuotesRefused(file, `${file} is not a file`, formatFix);
    const source = await quoteFile(file, listing);
    for await (const { bid, ask } of source.quotes(0)) {
      bids.push(bid);
      widestSpreadPoints = Math.max(widestSpreadPoints, ask - bid);
    }
  } catch (error) {
    throw error instanceof QuotesRefused ? error : refusalOf(file, error);
  }
  if (bids.length === 0) throw new QuotesRefused(file, `${file} holds no quotes`, formatFix);
  return { quotes: bids.length, rangePoints: spanOf(bids, 0, bids.length), widestSpreadPoints, move: fastMove(bids) };
}

const formatFix = 'name a file with lines of timestamp_ms,bid,ask';

function refusalOf(file: string, error: unknown): QuotesRefused {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof BadQuoteLine) return new QuotesRefused(file, why, 'correct or remove that line');
  return new QuotesRefused(file, `${file} cannot be read: ${why}`, formatFix);
}

function fastMove(bids: readonly number[]): QuoteScan['move'] {
  const size = Math.max(1, Math.ceil(bids.length / stretches));
  let best = { from: 1, span: -1 };
  for (let from = 0; from < bids.length; from += size) {
    const span = spanOf(bids, from, from + size);
    if (span > best.span) best = { from: from + 1, span };
  }
  return { from: best.from, to: Math.min(bids.length, best.from + size * 3 - 1) };
}

function spanOf(bids: readonly number[], from: number, to: number): number {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let at = from; at < Math.min(to, bids.length); at += 1) {
    low = Math.min(low, bids[at] as number);
    high = Math.max(high, bids[at] as number);
  }
  return high - low;
}
