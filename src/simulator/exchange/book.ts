import {
  opposite,
  type DealReason,
  type OrderState,
  type OrderType,
  type Side,
  type UtcMs,
} from '../../domain/facts.ts';

/**
 * The broker's book, in integers: prices in points (10^-digits), volume in hundredths of a lot, money in hundredths of the
 * account's currency. Records are replaced, never changed, so an event may carry one.
 */
export interface Position {
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly units: number;
  /** Sum of points × units over what is still open. */
  readonly cost: number;
  /** Average entry to the nearest point; closing does not change it. */
  readonly entry: number;
  readonly stop: number | null;
  readonly target: number | null;
  readonly openedAt: UtcMs;
  /** Strictly grows with each change of this position. */
  readonly updatedAt: UtcMs;
  readonly tag: number | null;
  readonly comment: string;
  /** Accrued and not yet booked. */
  readonly swap: number;
}

export interface Order {
  readonly id: string;
  readonly positionId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly state: OrderState;
  readonly units: number;
  readonly filledUnits: number;
  readonly price: number | null;
  readonly stop: number | null;
  readonly target: number | null;
  readonly expiresAt: UtcMs | null;
  readonly reason: DealReason;
  readonly tag: number | null;
  readonly comment: string;
  readonly updatedAt: UtcMs;
}

export interface Deal {
  readonly id: string;
  readonly orderId: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly entry: 'IN' | 'OUT';
  readonly units: number;
  readonly price: number;
  readonly executedAt: UtcMs;
  readonly commission: number;
  readonly swap: number;
  readonly profit: number;
  readonly reason: DealReason;
  readonly tag: number | null;
  readonly comment: string;
}

/** How often one tag was carried out; more than once is a duplicate effect. */
export interface Effect {
  readonly tag: number;
  readonly commandId: string;
  readonly executions: number;
}

export interface Account {
  readonly login: string;
  readonly password: string;
  readonly currency: string;
  readonly hedging: boolean;
  readonly leverage: number;
  readonly deposit: number;
  balance: number;
  /** Open positions by id, oldest first. */
  readonly positions: Map<string, Position>;
  /** Every order ever, in its latest state. */
  readonly orders: Map<string, Order>;
  readonly working: Map<string, Order>;
  readonly deals: Deal[];
  readonly effects: Map<number, Effect>;
  /** Command ids that were carried out, for the knob that refuses repeats. */
  readonly carriedOut: Set<string>;
}

export interface Tick {
  readonly symbol: string;
  readonly bid: number;
  readonly ask: number;
  readonly sequence: number;
  readonly time: UtcMs;
  readonly sourceTime: UtcMs | null;
}

/** Price range of one symbol inside which no resting level is touched. */
export interface QuietBand {
  readonly bidLow: number;
  readonly bidHigh: number;
  readonly askLow: number;
  readonly askHigh: number;
}

/** The whole market. Changed only by `apply`. */
export interface Exchange {
  time: UtcMs;
  /** The file's time of the last quote; `null` while the market has none of its own. */
  sourceTime: UtcMs | null;
  lastId: number;
  readonly accounts: Map<string, Account>;
  readonly ticks: Map<string, Tick>;
  readonly bands: Map<string, QuietBand>;
  /** Earliest expiry among the working orders. */
  nextExpiry: UtcMs;
  /** Which market feeds the quotes, and how many of them were taken: where it goes on after a restart. */
  source: { readonly id: string; readonly taken: number };
}

export type ExchangeEvent =
  | { readonly kind: 'quote'; readonly tick: Tick }
  | { readonly kind: 'order'; readonly login: string; readonly order: Order }
  | { readonly kind: 'deal'; readonly login: string; readonly deal: Deal }
  | { readonly kind: 'position'; readonly login: string; readonly position: Position };

/** One call of `apply` under way: the market, and what happened so far. */
export interface Step {
  readonly exchange: Exchange;
  readonly events: ExchangeEvent[];
}

export function emptyExchange(): Exchange {
  return {
    time: 0,
    sourceTime: null,
    lastId: 100_000,
    accounts: new Map(),
    ticks: new Map(),
    bands: new Map(),
    nextExpiry: Infinity,
    source: { id: '', taken: 0 },
  };
}

/** A new id; orders, positions and deals share one growing series. */
export function newId(step: Step): string {
  step.exchange.lastId += 1;
  return String(step.exchange.lastId);
}

export function recordOrder(step: Step, account: Account, order: Order): Order {
  const before = account.orders.get(order.id);
  const dated = { ...order, updatedAt: Math.max(step.exchange.time, (before?.updatedAt ?? 0) + 1) };
  account.orders.set(order.id, dated);
  if (dated.state === 'WORKING') account.working.set(order.id, dated);
  else account.working.delete(order.id);
  if (dated.expiresAt !== null && dated.state === 'WORKING') {
    step.exchange.nextExpiry = Math.min(step.exchange.nextExpiry, dated.expiresAt);
  }
  step.exchange.bands.delete(order.symbol);
  step.events.push({ kind: 'order', login: account.login, order: dated });
  return dated;
}

/** Stores the position in its new shape; with no units left it is gone, and the event still tells so. */
export function recordPosition(step: Step, account: Account, position: Position): Position {
  const before = account.positions.get(position.id);
  const dated = { ...position, updatedAt: Math.max(step.exchange.time, (before?.updatedAt ?? 0) + 1) };
  if (dated.units > 0) account.positions.set(dated.id, dated);
  else account.positions.delete(dated.id);
  step.exchange.bands.delete(position.symbol);
  step.events.push({ kind: 'position', login: account.login, position: dated });
  return dated;
}

/** Books the deal: the balance changes by commission, swap and profit, and by nothing else. */
export function recordDeal(step: Step, account: Account, deal: Deal): Deal {
  account.deals.push(deal);
  account.balance += deal.commission + deal.swap + deal.profit;
  step.events.push({ kind: 'deal', login: account.login, deal });
  return deal;
}

/** Points an order of this side trades at: a buy at the ask, a sell at the bid. */
export const tradePoints = (side: Side, tick: Tick): number => (side === 'BUY' ? tick.ask : tick.bid);

/** Points a position of this side closes at. */
export const exitPoints = (side: Side, tick: Tick): number => tradePoints(opposite(side), tick);
