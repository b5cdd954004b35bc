import type { MessageInitShape } from '@bufbuild/protobuf';

import type { TicksRequestSchema } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Quote } from '../../domain/facts.ts';
import type { BrokerChannel } from './client.ts';
import { Undecodable } from './decode.ts';
import { quoteOf } from './translate.ts';

/** Several days of a busy symbol; more than that is not a gap to catch up with in one read. */
const TICKS_MAX = 2_000_000;

const TICKS_WITHIN_MS = 60_000;

type TicksRequest = MessageInitShape<typeof TicksRequestSchema> & {
  readonly symbol: string;
  readonly afterSequence: number;
};

/**
 * Every quote after the cursor, oldest first and without a hole.
 *
 * @throws CallFailed when the stream was cut, Undecodable when it is not the complete answer it claims to be
 */
export async function readTicks(channel: BrokerChannel, request: TicksRequest): Promise<readonly Quote[]> {
  const quotes: Quote[] = [];
  await channel.ticks(request, TICKS_WITHIN_MS, (reply) => {
    const quote = quoteOf(reply);
    refuseGap(request, quotes.at(-1)?.sequence ?? request.afterSequence, quote);
    if (quotes.length >= TICKS_MAX) throw Undecodable.field('ticks', `at most ${TICKS_MAX} quotes`, 'more');
    quotes.push(quote);
  });
  return quotes;
}

function refuseGap(request: TicksRequest, previous: number, quote: Quote): void {
  if (quote.symbol !== request.symbol) throw Undecodable.field('ticks.symbol', request.symbol, quote.symbol);
  // A reader that has seen nothing yet takes the sequence as it begins.
  const expected = previous <= 0 ? quote.sequence : previous + 1;
  if (quote.sequence !== expected || quote.sequence <= previous) {
    throw Undecodable.field('ticks.sequence', `${expected} after ${previous}`, quote.sequence);
  }
}
