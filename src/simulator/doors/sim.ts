import { status, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';

import type { BrokerHandlers } from '../../../proto/belay/simulator/v1/service.ts';
import type {
  AccountRequest,
  CandlesRequest,
  HistoryRequest,
  InstrumentsRequest,
  MarginRequest,
  QuoteReplySchema,
  QuoteRequest,
  TicksRequest,
  VerifyReplySchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Account } from '../exchange/book.ts';
import { listings } from '../exchange/listings.ts';
import type { readNames } from '../faults.ts';
import { quotesAfter, sequenceAt, QuotesForgotten } from '../quote-history.ts';
import { authenticated, count, takeCall, type CallDesk } from './calls.ts';
import { commandOf, sideOf } from './parse.ts';
import * as reads from './reads.ts';
import { sendByRobot, type Dealing } from './send.ts';
import { refused, statusOf } from './serving.ts';
import type { Streams } from './stream.ts';
import { wireDeal, wireOrder, wireQuote } from './wire.ts';

export interface SimDoor extends CallDesk, Dealing {
  readonly streams: Streams;
  readonly stateLagMs: number;
  readonly historyLagMs: number;
  /** The market's present speed; 0 = no pauses. */
  readonly speed: () => number;
}

/** The broker's own protocol, for the simulated connector. */
export function simHandlers(door: SimDoor): BrokerHandlers {
  const { venue } = door;
  return {
    verify: read(door, 'Verify', own, (account) => verified(door, account)),
    getSnapshot: read(door, 'GetSnapshot', own, (account) => reads.snapshot(venue, account)),
    getInstruments: read(door, 'GetInstruments', within, (_, request: InstrumentsRequest) =>
      reads.instruments(venue, request, door.speed()),
    ),
    getQuote: read(door, 'GetQuote', within, (_, request: QuoteRequest) => reads.quote(venue, request)),
    getTicks: (call) => void streamTicks(door, call),
    getCandles: read(door, 'GetCandles', within, (_, request: CandlesRequest) => reads.candles(venue, request)),
    getOrders: read(door, 'GetOrders', within, (account, request: HistoryRequest) => ({
      orders: reads.orders(account, request).map(wireOrder),
    })),
    getDeals: read(door, 'GetDeals', within, (account, request: HistoryRequest) => ({
      deals: reads
        .deals(account, request)
        .filter((deal) => door.feed.isVisible(deal))
        .map(wireDeal),
    })),
    getMargin: read(door, 'GetMargin', within, (account, request: MarginRequest) => {
      sideOf(request.side);
      return reads.margin(venue, account, request);
    }),
    send: sendHandler(door),
    stream: (call) => {
      count(door.counts, 'Stream');
      door.streams.accept(call);
    },
  };
}

const own = (request: AccountRequest): AccountRequest => request;

interface ForAccount {
  readonly account?: AccountRequest | undefined;
}
const within = (request: ForAccount): AccountRequest | undefined => request.account;

function read<Request, Reply>(
  door: SimDoor,
  name: (typeof readNames)[number],
  credentials: (request: Request) => AccountRequest | undefined,
  answer: (account: Account, request: Request) => Reply,
): (call: ServerUnaryCall<Request, Reply>, reply: sendUnaryData<Reply>) => void {
  return (call, reply) => {
    count(door.counts, name);
    const login = credentials(call.request)?.login ?? '';
    const work = () => answer(authenticated(door.venue, credentials(call.request)), call.request);
    void takeCall(door, call, reply, { name, login, work });
  };
}

function sendHandler(door: SimDoor): BrokerHandlers['send'] {
  return (call, reply) => {
    count(door.counts, 'Send');
    try {
      const account = authenticated(door.venue, call.request.account);
      const command = commandOf(call.request);
      count(door.counts, `Send.${command.kind}`);
      const work = () => sendByRobot(door, account, call.request, command);
      void takeCall(door, call, reply, { name: command.kind, login: account.login, work });
    } catch (error) {
      // A request nobody can read ends here, before any fault.
      reply(statusOf(error));
    }
  };
}

function verified(door: SimDoor, account: Account): MessageInitShape<typeof VerifyReplySchema> {
  return {
    login: account.login,
    currency: account.currency,
    hedging: account.hedging,
    tradeAllowed: true,
    leverage: account.leverage,
    symbols: [...listings.keys()],
    maxExecutionDelayMs: door.maxExecutionDelayMs,
    stateLagMs: door.stateLagMs,
    historyLagMs: door.historyLagMs,
  };
}

type TicksCall = ServerWritableStream<TicksRequest, MessageInitShape<typeof QuoteReplySchema>>;

async function streamTicks(door: SimDoor, call: TicksCall): Promise<void> {
  const { venue, faults, counts } = door;
  const { account, symbol, afterSequence, afterTime } = call.request;
  count(counts, 'GetTicks');
  try {
    const { login } = authenticated(venue, account);
    const listed = reads.known(symbol).symbol;
    const after = afterSequence === 0 ? sequenceAt(venue.history, listed, afterTime) : afterSequence;
    const ticks = [...quotesAfter(venue.history, listed, after)];
    const fails = faults.strike('fail-read', { name: 'GetTicks', login }) !== null;
    for (const tick of fails ? ticks.slice(0, ticks.length / 2) : ticks) {
      if (call.cancelled) return;
      if (!call.write(wireQuote(tick))) await taken(call);
    }
    if (fails) throw refused(status.UNAVAILABLE, 'the read failed in the middle');
    call.end();
  } catch (error) {
    // The edge of the process: a read cut short ends with an error, never like a complete one.
    const known = error instanceof QuotesForgotten ? refused(status.OUT_OF_RANGE, error.message) : error;
    call.emit('error', statusOf(known));
  }
}

function taken(call: TicksCall): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      call.off('drain', go);
      call.off('cancelled', go);
      resolve();
    };
    call.once('drain', go);
    call.once('cancelled', go);
  });
}
