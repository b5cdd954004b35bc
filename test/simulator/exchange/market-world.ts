import {
  emptyExchange,
  type Account,
  type Exchange,
  type ExchangeEvent,
} from '../../../src/simulator/exchange/book.ts';
import { apply } from '../../../src/simulator/exchange/exchange.ts';
import type { Answer, Command, Input } from '../../../src/simulator/exchange/inputs.ts';

/** A bare exchange with one account and a hand on the clock. */
export interface World {
  readonly exchange: Exchange;
  readonly account: Account;
  readonly events: ExchangeEvent[];
  now: number;
  feed(input: Input): readonly ExchangeEvent[];
  quote(symbol: string, bid: number, ask: number, sourceTime?: number | null): readonly ExchangeEvent[];
  send(command: Command, tag?: number): Answer;
}

export interface Terms {
  readonly hedging?: boolean;
  readonly currency?: string;
  readonly deposit?: number;
  readonly leverage?: number;
}

export function world({ hedging = true, currency = 'USD', deposit = 1_000_000, leverage = 500 }: Terms = {}): World {
  const exchange = emptyExchange();
  const events: ExchangeEvent[] = [];
  const made = { kind: 'account', login: 'A', password: 'p', currency, hedging, deposit, leverage } as const;
  apply(exchange, 1, made);
  const account = exchange.accounts.get('A');
  if (account === undefined) throw new Error('the account was not made');
  const self: World = {
    exchange,
    account,
    events,
    now: 1000,
    feed: (input) => {
      self.now += 10;
      const outcome = apply(exchange, self.now, input);
      events.push(...outcome.events);
      return outcome.events;
    },
    quote: (symbol, bid, ask, sourceTime = null) =>
      self.feed({ kind: 'quote', symbol, bid, ask, sourceTime, taken: true }),
    send: (command, tag = 7) => {
      self.now += 10;
      const sender = {
        login: 'A',
        tag,
        shownTag: tag,
        comment: 'c',
        commandId: `id-${tag}`,
        reason: 'EXPERT',
      } as const;
      const { events: happened, answer } = apply(exchange, self.now, { kind: 'send', sender, command });
      events.push(...happened);
      if (answer === null) throw new Error('a send was not answered');
      return answer;
    },
  };
  return self;
}

export const buy = (lots: string, levels: Partial<{ stopLoss: string; takeProfit: string; symbol: string }> = {}) =>
  marketOrder('BUY', lots, levels);

export const sell = (lots: string, levels: Partial<{ stopLoss: string; takeProfit: string; symbol: string }> = {}) =>
  marketOrder('SELL', lots, levels);

function marketOrder(
  side: 'BUY' | 'SELL',
  lots: string,
  { symbol = 'EURUSD', stopLoss, takeProfit }: Partial<{ stopLoss: string; takeProfit: string; symbol: string }>,
): Command {
  return { kind: 'market', symbol, side, lots, stopLoss: stopLoss ?? null, takeProfit: takeProfit ?? null };
}

/** The only open position. */
export function onlyPosition({ account }: World) {
  const [position, ...others] = account.positions.values();
  if (position === undefined || others.length > 0) throw new Error(`${account.positions.size} positions are open`);
  return position;
}
