declare const kind: unique symbol;
type Id<Kind extends string> = string & { readonly [kind]: Kind };

/** Our short account number as text, as in `prices_7_EURUSD`. Not the broker's login. */
export type AccountId = Id<'account'>;
/** `uuidv5(account, idempotency key)` of the request that opened the trade. */
export type TradeId = Id<'trade'>;
/** `uuidv5(trade id / step key)`. */
export type CommandId = Id<'command'>;
/** One armed level of one trade in one generation. */
export type WatchId = Id<'watch'>;

/** Broker ids are opaque text: 64-bit tickets must survive. */
export type PositionId = Id<'position'>;
export type OrderId = Id<'order'>;
export type DealId = Id<'deal'>;

/**
 * The business name of one step of a trade: `open`, `tp:{level}:{generation}`, `breakeven:{n}`, `edit:{request id}`,
 * `close:{request id}`. Never a run id, an attempt or a clock, so the same step asked twice is the same command.
 */
export type StepKey = Id<'step'>;

export const accountId = (text: string) => text as AccountId;
export const tradeId = (text: string) => text as TradeId;
export const commandId = (text: string) => text as CommandId;
export const watchId = (text: string) => text as WatchId;
export const positionId = (text: string) => text as PositionId;
export const orderId = (text: string) => text as OrderId;
export const dealId = (text: string) => text as DealId;

export const openStep = 'open' as StepKey;
export const targetStep = (level: number, generation: number) => `tp:${level}:${generation}` as StepKey;
export const breakevenStep = (n: number) => `breakeven:${n}` as StepKey;
export const editStep = (requestId: string) => `edit:${requestId}` as StepKey;
export const closeStep = (requestId: string) => `close:${requestId}` as StepKey;
export const protectStep = (n: number) => `protect:${n}` as StepKey;
export const cancelStep = (requestId: string) => `cancel:${requestId}` as StepKey;
