import { status } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';

import type {
  CandlesReplySchema,
  CandlesRequest,
  HistoryRequest,
  InstrumentsReplySchema,
  InstrumentsRequest,
  MarginReplySchema,
  MarginRequest,
  QuoteReplySchema,
  QuoteRequest,
  SnapshotReplySchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Account, Deal, Order } from '../exchange/book.ts';
import { listingOf, listings, type Listing } from '../exchange/listings.ts';
import { marginOf } from '../exchange/margin.ts';
import { isRefusal, openingUnits } from '../exchange/rules.ts';
import { bars, marketTime } from '../quote-history.ts';
import type { Venue } from '../venue.ts';
import { refused } from './serving.ts';
import { hundredths, wireBalance, wireBar, wireInstrument, wireOrder, wirePosition, wireQuote } from './wire.ts';

/** The reads of one account, each at one instant of the book. */

export function snapshot(venue: Venue, account: Account): MessageInitShape<typeof SnapshotReplySchema> {
  const asOf = venue.now();
  return {
    asOf,
    balance: wireBalance(venue.exchange, account, asOf),
    positions: [...account.positions.values()].map((position) => wirePosition(venue.exchange, account, position)),
    workingOrders: [...account.working.values()].map(wireOrder),
  };
}

/** All instruments, or the ones asked for. `speed` of the market tells when, on the wall, a session will change; 0 = at once. */
export function instruments(
  venue: Venue,
  { symbols }: InstrumentsRequest,
  speed: number,
): MessageInitShape<typeof InstrumentsReplySchema> {
  const asked = symbols.length === 0 ? [...listings.values()] : symbols.map(known);
  const wallTimeOf = (sourceTime: number) => {
    const ahead = sourceTime - (venue.exchange.sourceTime ?? sourceTime);
    return venue.now() + (speed === 0 ? 0 : Math.round(ahead / speed));
  };
  return { instruments: asked.map((listing) => wireInstrument(venue.exchange, listing, wallTimeOf)) };
}

export function quote(venue: Venue, { symbol }: QuoteRequest): MessageInitShape<typeof QuoteReplySchema> {
  const tick = venue.exchange.ticks.get(known(symbol).symbol);
  if (tick === undefined) throw refused(status.UNAVAILABLE, `no quote of ${symbol} yet`);
  return wireQuote(tick);
}

export function candles(venue: Venue, request: CandlesRequest): MessageInitShape<typeof CandlesReplySchema> {
  const { symbol, seconds, from, to } = request;
  const listing = known(symbol);
  if (seconds === 0) throw refused(status.INVALID_ARGUMENT, 'candles need seconds above 0');
  inOrder(from, to);
  const tick = venue.exchange.ticks.get(symbol);
  const now = tick === undefined || tick.sourceTime === null ? venue.now() : marketTime(tick);
  const found = bars(venue.history, { symbol, seconds, from, to });
  return { candles: found.map((bar) => wireBar(bar, listing, bar.time + seconds * 1000 <= now)) };
}

export function orders(account: Account, request: HistoryRequest): Order[] {
  const wanted = historyFilter(request);
  return [...account.orders.values()].filter((order) => wanted(order, order.updatedAt));
}

export function deals(account: Account, request: HistoryRequest): Deal[] {
  const wanted = historyFilter(request);
  return account.deals.filter((deal) => wanted(deal, deal.executedAt));
}

/** By position and tag where given, else by time, both ends included. */
function historyFilter({ positionId, tag, from, to }: HistoryRequest) {
  if (positionId === undefined && tag === undefined) {
    inOrder(from, to);
    return (_: object, time: number) => time >= from && time <= to;
  }
  return (row: { readonly positionId: string | null; readonly tag: number | null }) =>
    (positionId === undefined || row.positionId === positionId) && (tag === undefined || row.tag === tag);
}

/** An empty or reversed window is a mistake of the client: answering it with an empty list would look like a fact. */
function inOrder(from: number, to: number): void {
  if (to === 0 || to < from) throw refused(status.INVALID_ARGUMENT, `window from ${from} to ${to} is empty`);
}

export function margin(
  venue: Venue,
  account: Account,
  request: MarginRequest,
): MessageInitShape<typeof MarginReplySchema> {
  const listing = known(request.symbol);
  const units = openingUnits(request.lots, listing);
  if (isRefusal(units)) throw refused(status.INVALID_ARGUMENT, units.text);
  return { margin: hundredths(marginOf(venue.exchange, listing, units, account)), currency: account.currency };
}

/** @throws Refused (NOT_FOUND) */
export function known(symbol: string): Listing {
  const listing = listingOf(symbol);
  if (listing === null) throw refused(status.NOT_FOUND, `symbol "${symbol}" is not listed`);
  return listing;
}
