import type { Lots, Money, Price } from './decimal.ts';
import type { DealId, OrderId, PositionId } from './ids.ts';

export type Side = 'BUY' | 'SELL';

export const opposite = (side: Side): Side => (side === 'BUY' ? 'SELL' : 'BUY');

/** UTC milliseconds. Broker times are shown, never trusted for safety. */
export type UtcMs = number;

/** Who asked for an order, as the broker tells it. */
export type DealReason = 'CLIENT' | 'MOBILE' | 'WEB' | 'EXPERT' | 'SL' | 'TP' | 'STOP_OUT' | 'OTHER';

export type OrderType = 'MARKET' | 'LIMIT' | 'STOP';

export type OrderState = 'WORKING' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELLED' | 'EXPIRED' | 'REJECTED';

/** One execution. `OUT` closes; a netting reversal arrives as an OUT and an IN. */
export interface DealFact {
  readonly kind: 'deal';
  readonly dealId: DealId;
  readonly orderId: OrderId;
  readonly positionId: PositionId;
  readonly symbol: string;
  /** Side of the deal itself: closing a BUY position is a SELL deal. */
  readonly side: Side;
  readonly entry: 'IN' | 'OUT';
  readonly lots: Lots;
  readonly price: Price;
  readonly executedAt: UtcMs;
  readonly commission: Money;
  readonly swap: Money;
  readonly profit: Money;
  readonly reason: DealReason;
  /** The wire tag of the command that caused it, `null` when the broker does not carry one. */
  readonly tag: number | null;
  readonly comment: string;
}

/** The state of one broker order, ours or not. */
export interface OrderFact {
  readonly kind: 'order';
  readonly orderId: OrderId;
  /** Position it opened or acts on; `null` for a resting entry order. */
  readonly positionId: PositionId | null;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly state: OrderState;
  readonly lots: Lots;
  readonly filledLots: Lots;
  /** Order price for LIMIT and STOP; `null` for MARKET. */
  readonly price: Price | null;
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  readonly expiresAt: UtcMs | null;
  readonly reason: DealReason;
  readonly tag: number | null;
  readonly comment: string;
  readonly updatedAt: UtcMs;
}

/** An open position as one read or event showed it. */
export interface PositionFact {
  readonly kind: 'position';
  readonly positionId: PositionId;
  readonly symbol: string;
  readonly side: Side;
  readonly lots: Lots;
  readonly entryPrice: Price;
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  readonly openedAt: UtcMs;
  /** Broker time of the last change; strictly grows per position, so an older fact never overwrites a newer one. */
  readonly updatedAt: UtcMs;
  readonly tag: number | null;
  readonly comment: string;
}

/** Account figures in the account's currency. */
export interface BalanceFact {
  readonly kind: 'balance';
  readonly balance: Money;
  readonly equity: Money;
  readonly margin: Money;
  readonly freeMargin: Money;
  readonly asOf: UtcMs;
}

/** What a broker reports. Enters the book through `ledger.ingest` and no other way. */
export type Fact = DealFact | OrderFact | PositionFact | BalanceFact;
export type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** One quote of one symbol on one feed. `sequence` grows by one per quote and symbol, without holes. */
export interface Quote {
  readonly symbol: string;
  readonly bid: Price;
  readonly ask: Price;
  readonly sequence: number;
  /** Broker's clock: now, also when a file of old quotes is played. */
  readonly time: UtcMs;
  /** The file's own time, `null` on a live market. */
  readonly sourceTime: UtcMs | null;
}

/** The price a position of this side would close at: bid for a long, ask for a short. */
export const exitPrice = (side: Side, quote: Pick<Quote, 'bid' | 'ask'>): Price =>
  side === 'BUY' ? quote.bid : quote.ask;

/** The price a position of this side would open at. */
export const entryPrice = (side: Side, quote: Pick<Quote, 'bid' | 'ask'>): Price =>
  side === 'BUY' ? quote.ask : quote.bid;
