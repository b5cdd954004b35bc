import type { AccountId } from '../src/domain/ids.ts';
import type { BrokerSession, QuoteDemand } from '../src/trading/connector.ts';

/** A symbol of an account that is streamed from now on, or not any more. */
export interface SubscriptionChange {
  readonly flow: 'subscribe_price' | 'unsubscribe_price';
  readonly accountId: AccountId;
  readonly symbol: string;
  readonly ok: boolean;
}

/** Tells each change of what the session streams, until the returned function is called; then it tells the release of the rest. */
export function tellSubscriptions(
  demand: QuoteDemand,
  session: BrokerSession,
  tell: (change: SubscriptionChange) => void,
): () => void {
  let streamed: readonly string[] = [];
  const tellAll = (flow: SubscriptionChange['flow'], symbols: readonly string[]) => {
    for (const symbol of symbols)
      for (const { id } of session.accounts) tell({ flow, accountId: id, symbol, ok: true });
  };
  const follow = (wanted: readonly string[]) => {
    tellAll(
      'subscribe_price',
      wanted.filter((symbol) => !streamed.includes(symbol)),
    );
    tellAll(
      'unsubscribe_price',
      streamed.filter((symbol) => !wanted.includes(symbol)),
    );
    streamed = [...wanted];
  };
  const stop = demand.onChange(() => follow(demand.symbols()));
  follow(demand.symbols());
  return () => {
    stop();
    follow([]);
  };
}
