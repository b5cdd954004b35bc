import { status, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { MessageInitShape } from '@bufbuild/protobuf';

import type { ControlHandlers } from '../../proto/belay/simulator/v1/service.ts';
import type {
  BookReplySchema,
  CreateAccountRequest,
  Fault as WireFault,
  PushQuoteRequest,
  QuoteReplySchema,
  SendReplySchema,
  SendRequest,
  StateReplySchema,
} from '../../proto/belay/simulator/v1/simulator_pb.js';
import { price, toPoints } from '../domain/decimal.ts';
import { addAccount } from './accounts.ts';
import type { CallCounts } from './doors/calls.ts';
import { commandOf } from './doors/parse.ts';
import { known } from './doors/reads.ts';
import { sendByTrader, type Dealing } from './doors/send.ts';
import { refused, statusOf } from './doors/serving.ts';
import { wireBalance, wireDeal, wireOrder, wirePosition, wireQuote } from './doors/wire.ts';
import type { Account } from './exchange/book.ts';
import { faultKinds, readNames, sendNames, type Fault } from './faults.ts';
import type { Market } from './market/market.ts';
import { refusalCode } from './refusal-codes.ts';

export interface ControlDeps extends Dealing {
  readonly market: Market;
  readonly counts: CallCounts;
  readonly hangUp: () => void;
}

/** Rehearsals: the market, the faults and the person at the terminal. */
export function controlHandlers(deps: ControlDeps): ControlHandlers {
  const { venue, market, faults } = deps;
  const armed = () => ({ armed: faults.counts().armed });
  return {
    getState: answer(() => state(deps)),
    holdMarket: answer(({ afterQuotes }) => {
      market.holdAfter(afterQuotes ?? 0);
      return state(deps);
    }),
    releaseMarket: answer(() => {
      market.release();
      return state(deps);
    }),
    pushQuote: answer((request) => pushQuote(deps, request)),
    addFault: answer((request) => {
      arm(deps, request);
      return armed();
    }),
    clearFaults: answer(() => {
      faults.clear();
      return armed();
    }),
    traderSend: answer((request) => traderSend(deps, request)),
    getBook: answer(({ login }) => book(deps, accountOf(deps, login))),
    createAccount: answer((request: CreateAccountRequest) => ({ created: addAccount(venue, request) })),
  };
}

function answer<Request, Reply>(work: (request: Request) => Reply) {
  return (call: ServerUnaryCall<Request, Reply>, reply: sendUnaryData<Reply>) => {
    try {
      reply(null, work(call.request));
    } catch (error) {
      // The edge of the process: every error becomes the status the client sees.
      reply(statusOf(error));
    }
  };
}

function state({ venue, market, faults, counts }: ControlDeps): MessageInitShape<typeof StateReplySchema> {
  const { armed, hit, parked } = faults.counts();
  const { sourceTime, ticks } = venue.exchange;
  return {
    held: market.held,
    ended: market.ended,
    quotes: [...ticks.values()].reduce((total, { sequence }) => total + sequence, 0),
    time: venue.now(),
    ...(sourceTime === null ? {} : { sourceTime }),
    calls: Object.fromEntries(counts),
    faultsArmed: armed,
    faultsHit: hit,
    requestsParked: parked,
  };
}

/** A quote by hand takes the market's source time as it stands. */
function pushQuote({ venue }: ControlDeps, request: PushQuoteRequest): MessageInitShape<typeof QuoteReplySchema> {
  const { symbol, digits } = known(request.symbol);
  const bid = pointsOf(request.bid, digits);
  const ask = pointsOf(request.ask, digits);
  if (bid <= 0 || ask < bid)
    throw refused(status.INVALID_ARGUMENT, `quote ${request.bid}/${request.ask} is crossed or zero`);
  const { sourceTime } = venue.exchange;
  const { events } = venue.submit({ kind: 'quote', symbol, bid, ask, sourceTime, taken: false });
  const pushed = events.find((event) => event.kind === 'quote');
  if (pushed === undefined) throw refused(status.INTERNAL, 'the exchange took no quote');
  return wireQuote(pushed.tick);
}

function pointsOf(text: string, digits: number): number {
  try {
    return toPoints(price(text), digits);
  } catch (error) {
    // The decimal type refuses what the person typed: said back as a bad argument.
    throw refused(status.INVALID_ARGUMENT, error instanceof Error ? error.message : String(error));
  }
}

function arm({ faults, hangUp }: ControlDeps, wire: WireFault): void {
  const fault = faultOf(wire);
  if (fault.kind === 'disconnect' && fault.on === '') hangUp();
  else faults.add(fault);
}

function faultOf(wire: WireFault): Fault {
  const kind = faultKinds.find((one) => one === wire.kind);
  if (kind === undefined)
    throw refused(status.INVALID_ARGUMENT, `fault kind "${wire.kind}" is none of ${faultKinds.join(', ')}`);
  const on = wire.on === '' ? '' : [...sendNames, ...readNames].find((name) => name === wire.on);
  if (on === undefined) throw refused(status.INVALID_ARGUMENT, `fault on "${wire.on}" names no call`);
  if (!(wire.probability >= 0 && wire.probability <= 1)) {
    throw refused(status.INVALID_ARGUMENT, `fault probability ${wire.probability} is not within 0 and 1`);
  }
  if (kind === 'refuse' && refusalCode(wire.code) === null) {
    throw refused(status.INVALID_ARGUMENT, `fault code "${wire.code}" is no refusal code`);
  }
  const { times, probability, ms, login } = wire;
  return { kind, on, times, probability, ms, login, code: refusalCode(wire.code) ?? 'other' };
}

function traderSend(deps: ControlDeps, request: SendRequest): MessageInitShape<typeof SendReplySchema> {
  return sendByTrader(deps, accountOf(deps, request.account?.login ?? ''), request.comment, commandOf(request));
}

/** The control door asks for no password. */
function accountOf({ venue }: ControlDeps, login: string): Account {
  const account = venue.exchange.accounts.get(login);
  if (account === undefined) throw refused(status.NOT_FOUND, `no account "${login}"`);
  return account;
}

function book({ venue }: ControlDeps, account: Account): MessageInitShape<typeof BookReplySchema> {
  return {
    balance: wireBalance(venue.exchange, account, venue.now()),
    positions: [...account.positions.values()].map((position) => wirePosition(venue.exchange, account, position)),
    orders: [...account.orders.values()].map(wireOrder),
    deals: account.deals.map(wireDeal),
    effects: [...account.effects.values()],
  };
}
