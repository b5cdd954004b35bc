import type { Wish } from '../domain/trade/desk.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { FoundTrade } from '../db/find.ts';
import { failureOfReply, failureOfWaiting, finalView, keyReused, tradeOver, type About } from './answer.ts';
import type { Belay } from './connection.ts';

/** How long a command waits, and for what. */
export interface Patience {
  /** Milliseconds for each request. */
  readonly timeoutMs: number;
  /** Also wait until the broker's final figures are in the book. */
  readonly untilFinal: boolean;
}

/** One request to a running trade. */
export interface Request {
  /** The word of the command: `close`, `edit` …; part of the request's id, so that a key used with two words asks twice. */
  readonly verb: string;
  readonly key: string;
  readonly wish: WishBody;
}

type Unnamed<One> = One extends Wish ? Omit<One, 'requestId' | 'by'> : never;
export type WishBody = Unnamed<Wish>;

/**
 * Asks a trade and waits for what comes of it.
 *
 * @throws CliFailure for every end but a confirmed one
 */
export async function ask(belay: Belay, trade: FoundTrade, request: Request, patience: Patience): Promise<TradeView> {
  const { verb, key } = request;
  const about: About = { accountId: trade.accountId, tradeId: trade.tradeId, verb };
  const until = belay.clock.monotonic() + patience.timeoutMs;
  const wish: Wish = { ...request.wish, requestId: `${verb}.${key}`, by: belay.by };
  const answer = await belay.steering.ask(trade.accountId, trade.tradeId, wish, patience.timeoutMs);
  switch (answer.kind) {
    case 'answered': {
      const failure = failureOfReply(answer.value.reply, about);
      if (failure !== null) throw failure;
      const latest = (await belay.records.trade(trade.tradeId)) ?? answer.value.view;
      return patience.untilFinal ? finalView(belay, latest, about, until) : latest;
    }
    case 'waiting':
      throw await failureOfWaiting(belay, about, patience.timeoutMs);
    case 'another-body':
      throw keyReused(about, key);
    case 'gone':
      return overBefore(belay, about, request);
  }
}

/** A closed trade is what a close wants; everything else comes too late. */
async function overBefore({ records }: Belay, about: About, { wish }: Request): Promise<TradeView> {
  const view = await records.trade(about.tradeId);
  if (
    view !== null &&
    wish.kind === 'close' &&
    (view.state === 'CLOSED' || view.state === 'CANCELLED' || view.state === 'EXPIRED')
  )
    return view;
  throw tradeOver(about, view?.state ?? 'never opened');
}
