import type { Clock } from '../../clock.ts';
import { InvariantViolated } from '../../domain/outcome.ts';
import {
  UnknownSymbol,
  type Bounds,
  type BrokerAccount,
  type BrokerSession,
  type Capabilities,
  type Connector,
  type HistoryQuery,
} from '../../trading/connector.ts';
import { BrokerChannel } from './client.ts';
import { gatherEvidence } from './evidence.ts';
import { holdLink } from './hold.ts';
import type { LinkLog } from './live-link.ts';
import { completely, read, saysNotFound } from './reads.ts';
import { accountRequest, historyRequest } from './request.ts';
import { sendOnce, type LateReply } from './send.ts';
import { readTicks } from './ticks.ts';
import {
  candleOf,
  dealFact,
  instrumentOf,
  marginOf,
  orderFact,
  quoteOf,
  snapshotOf,
  toWireSide,
  verifiedAccount,
} from './translate.ts';

/** What the simulated broker promises as it is delivered; an account may override each. */
export const simulatedBounds: Bounds = {
  sendWithinMs: 2000,
  pauseMs: 0,
  replyWaitMs: 1000,
  executionDelayMs: 1000,
  stateLagMs: 500,
  historyLagMs: 500,
};

const capabilities: Capabilities = {
  marginModes: ['HEDGING', 'NETTING'],
  orderTypes: ['MARKET', 'LIMIT', 'STOP'],
  quotes: { by: 'stream', staleMs: 0 },
  missedPrices: 'ticks',
  tagsOnClose: true,
  exclusive: false,
};

export interface SimulatedDeps {
  readonly clock: Clock;
  readonly log?: LinkLog;
  /** Called with an answer that came after `send` had answered `unknown`. */
  readonly onLateReply?: (late: LateReply) => void;
}

const silent: LinkLog = { warn: () => undefined, error: () => undefined };

/** The port to simulated brokers, one channel per endpoint. */
export function createSimulatedConnector(deps: SimulatedDeps): Connector {
  const { clock, log = silent, onLateReply = () => undefined } = deps;
  const channels = new Map<string, BrokerChannel>();

  const channelTo = ({ endpoint }: BrokerAccount): BrokerChannel => {
    const channel = channels.get(endpoint) ?? new BrokerChannel(endpoint, clock);
    channels.set(endpoint, channel);
    return channel;
  };

  return {
    platform: 'sim',
    capabilities,
    bounds: simulatedBounds,
    sessionKey,
    ...accountReads(channelTo),
    ...symbolReads(channelTo),
    ...historyReads(channelTo, clock),

    send: (account, command, gate) =>
      sendOnce(
        { clock, log, onLateReply },
        { channel: channelTo(account), account, bounds: boundsOf(account), command, gate },
      ),

    hold: async (session, sink, demand, signal) => {
      const channel = channelTo(soleEndpoint(session));
      await holdLink({ clock, log, channel, accounts: session.accounts, sink, demand }, signal);
    },

    close: async () => {
      for (const channel of channels.values()) channel.close();
      channels.clear();
    },
  };
}

type ChannelTo = (account: BrokerAccount) => BrokerChannel;

function sessionKey({ endpoint }: BrokerAccount): string {
  return `sim-${endpoint.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
}

function boundsOf(account: BrokerAccount): Bounds {
  return { ...simulatedBounds, ...account.bounds };
}

function accountReads(channelTo: ChannelTo): Pick<Connector, 'verify' | 'snapshot' | 'margin'> {
  return {
    verify: (account) =>
      read(channelTo(account), 'verify', accountRequest(account), (reply) => verifiedAccount(reply, boundsOf(account))),

    snapshot: (account) => read(channelTo(account), 'getSnapshot', accountRequest(account), snapshotOf),

    margin: (account, symbol, side, lots) => {
      const request = { account: accountRequest(account), symbol, side: toWireSide(side), lots };
      return read(channelTo(account), 'getMargin', request, marginOf);
    },
  };
}

type SymbolReads = Pick<Connector, 'instrument' | 'instruments' | 'quote' | 'ticks' | 'candles'>;

function symbolReads(channelTo: ChannelTo): SymbolReads {
  const instruments = (account: BrokerAccount, symbols: readonly string[]) => {
    const request = { account: accountRequest(account), symbols: [...symbols] };
    return read(channelTo(account), 'getInstruments', request, (reply) => reply.instruments.map(instrumentOf));
  };

  return {
    instruments: (account) => instruments(account, []),

    instrument: (account, symbol) =>
      orUnknownSymbol(symbol, async () =>
        (await instruments(account, [symbol])).find((instrument) => instrument.symbol === symbol),
      ),

    quote: (account, symbol) =>
      orUnknownSymbol(symbol, () =>
        read(channelTo(account), 'getQuote', { account: accountRequest(account), symbol }, quoteOf),
      ),

    ticks: (account, symbol, after) => {
      const channel = channelTo(account);
      const request = {
        account: accountRequest(account),
        symbol,
        afterSequence: after.sequence,
        afterTime: after.time,
      };
      return completely(channel, 'getTicks', () => readTicks(channel, request));
    },

    candles: (account, symbol, seconds, from, to) => {
      const request = { account: accountRequest(account), symbol, seconds, from, to };
      return read(channelTo(account), 'getCandles', request, (reply) => reply.candles.map(candleOf));
    },
  };
}

function historyReads(channelTo: ChannelTo, clock: Clock): Pick<Connector, 'orders' | 'deals' | 'evidence'> {
  const orders = (account: BrokerAccount, query: HistoryQuery) =>
    read(channelTo(account), 'getOrders', historyRequest(account, query), (reply) => reply.orders.map(orderFact));

  const deals = (account: BrokerAccount, query: HistoryQuery) =>
    read(channelTo(account), 'getDeals', historyRequest(account, query), (reply) => reply.deals.map(dealFact));

  const { snapshot } = accountReads(channelTo);
  return {
    orders,
    deals,
    evidence: (account, sent) => {
      const reads = {
        orders: (query: HistoryQuery) => orders(account, query),
        deals: (query: HistoryQuery) => deals(account, query),
        snapshot: () => snapshot(account),
      };
      return gatherEvidence(reads, sent, clock.now());
    },
  };
}

async function orUnknownSymbol<Value>(symbol: string, find: () => Promise<Value | undefined>): Promise<Value> {
  let found: Value | undefined;
  try {
    found = await find();
  } catch (error) {
    // "No such symbol" is an answer, not a failed read.
    if (!saysNotFound(error)) throw error;
  }
  if (found === undefined) throw new UnknownSymbol(`the broker does not list symbol "${symbol}"`);
  return found;
}

function soleEndpoint(session: BrokerSession): BrokerAccount {
  const [first, ...others] = session.accounts;
  if (first === undefined || others.some((account) => account.endpoint !== first.endpoint)) {
    throw new InvariantViolated(`session ${session.key} needs accounts of one endpoint`);
  }
  return first;
}
