import type { Deal, ExchangeEvent, Order, Position, Tick } from './exchange/book.ts';
import type { Faults } from './faults.ts';
import type { Venue } from './venue.ts';

/** What one input changed for one account. A position that is gone is told with no units. */
export interface AccountChanges {
  readonly orders: readonly Order[];
  readonly deals: readonly Deal[];
  readonly positions: readonly Position[];
}

export type FeedItem =
  | { readonly kind: 'quote'; readonly tick: Tick }
  | { readonly kind: 'facts'; readonly login: string; readonly changes: AccountChanges };

/** What the broker tells by itself, in the order it may be known: faults make deals late and facts double here. */
export interface Feed {
  listen(listener: (item: FeedItem) => void): () => void;
  /** `false` while the deal lags. */
  isVisible(deal: Deal): boolean;
}

export function openFeed(venue: Venue, faults: Faults, stopped: AbortSignal): Feed {
  const listeners = new Set<(item: FeedItem) => void>();
  const lagging = new Set<string>();

  const tell = (item: FeedItem) => {
    for (const listener of listeners) listener(item);
  };
  const showLater = async (login: string, deals: readonly Deal[], ms: number) => {
    for (const deal of deals) lagging.add(deal.id);
    if (!(await faults.delay(ms, stopped))) return;
    for (const deal of deals) lagging.delete(deal.id);
    tell({ kind: 'facts', login, changes: { orders: [], deals, positions: [] } });
  };
  const tellFacts = (login: string, changes: AccountChanges) => {
    const lag = changes.deals.length === 0 ? null : faults.strike('lag-deals', { name: null, login });
    const now = lag === null ? changes : { ...changes, deals: [] };
    if (lag !== null) void showLater(login, changes.deals, lag.ms);
    const item = { kind: 'facts', login, changes: now } as const;
    tell(item);
    if (faults.strike('duplicate-event', { name: null, login }) !== null) tell(item);
  };

  venue.listen((events) => {
    for (const event of events) if (event.kind === 'quote') tell({ kind: 'quote', tick: event.tick });
    for (const [login, changes] of changesByLogin(events)) tellFacts(login, changes);
  });
  return {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isVisible: (deal) => !lagging.has(deal.id),
  };
}

/** The changes of one account among the events of one input. */
export function changesOf(login: string, events: readonly ExchangeEvent[]): AccountChanges {
  return changesByLogin(events).get(login) ?? { orders: [], deals: [], positions: [] };
}

function changesByLogin(events: readonly ExchangeEvent[]): Map<string, AccountChanges> {
  const changes = new Map<string, { orders: Order[]; deals: Deal[]; positions: Position[] }>();
  for (const event of events) {
    if (event.kind === 'quote') continue;
    const own = changes.get(event.login) ?? { orders: [], deals: [], positions: [] };
    changes.set(event.login, own);
    if (event.kind === 'order') own.orders.push(event.order);
    else if (event.kind === 'deal') own.deals.push(event.deal);
    else own.positions.push(event.position);
  }
  return changes;
}
