import type { Lots, Money, Price } from '../domain/decimal.ts';
import type {
  BalanceFact,
  DealFact,
  Fact,
  OrderFact,
  OrderType,
  PositionFact,
  Quote,
  Side,
  UtcMs,
} from '../domain/facts.ts';
import type { AccountId, CommandId, OrderId, PositionId } from '../domain/ids.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { CommandOutcome } from '../domain/outcome.ts';

/** What a connector needs to reach one account. Credentials live in memory only. */
export interface BrokerAccount {
  readonly id: AccountId;
  readonly platform: string;
  /** Address of the broker's door, as the platform spells it: `127.0.0.1:4700`. */
  readonly endpoint: string;
  readonly login: string;
  readonly credentials: Readonly<Record<string, string>>;
  /** Per-account overrides of the connector's bounds; short in tests. */
  readonly bounds: Partial<Bounds>;
}

/** What a platform can do. A missing capability is refused at the start, never skipped. */
export interface Capabilities {
  readonly marginModes: readonly ('HEDGING' | 'NETTING')[];
  readonly orderTypes: readonly OrderType[];
  /** `stream`: quotes are pushed; `poll`: they may be as stale as `staleMs`. */
  readonly quotes: { readonly by: 'stream' | 'poll'; readonly staleMs: number };
  /** Missed quotes can be asked for one by one, or only as bars. */
  readonly missedPrices: 'ticks' | 'bars';
  /** Closes and edits carry our tag, so that they can be proved by it. */
  readonly tagsOnClose: boolean;
  /** One call at a time per terminal: commands run where the session lives. */
  readonly exclusive: boolean;
}

/** The time rule of effectively-once commands, in milliseconds. */
export interface Bounds {
  /** G: from the claim to the last byte written. */
  readonly sendWithinMs: number;
  /** P: longest pause between the gate's check and the write. */
  readonly pauseMs: number;
  /** How long a send waits for its answer. */
  readonly replyWaitMs: number;
  /** D: longest time a written request can still take effect. */
  readonly executionDelayMs: number;
  /** L: longest lag until positions and orders show an effect. */
  readonly stateLagMs: number;
  /** L: longest lag until the deal history shows an effect. */
  readonly historyLagMs: number;
}

/** Milliseconds after `send deadline` from which a complete read without trace proves absence: P + D + L. */
export function quietWindowMs(bounds: Bounds): number {
  return bounds.pauseMs + bounds.executionDelayMs + Math.max(bounds.stateLagMs, bounds.historyLagMs);
}

/** What we want a broker to do, in the broker's terms. Closing is always by position, both protection legs always travel. */
export type WireCommand =
  | {
      readonly kind: 'OPEN';
      readonly symbol: string;
      readonly side: Side;
      readonly lots: Lots;
      readonly stopLoss: Price | null;
      readonly takeProfit: Price | null;
    }
  | {
      readonly kind: 'PLACE_PENDING';
      readonly symbol: string;
      readonly side: Side;
      readonly lots: Lots;
      readonly type: 'LIMIT' | 'STOP';
      readonly price: Price;
      readonly stopLoss: Price | null;
      readonly takeProfit: Price | null;
      readonly expiresAt: UtcMs | null;
    }
  | {
      readonly kind: 'PARTIAL_CLOSE' | 'FULL_CLOSE' | 'EMERGENCY_CLOSE';
      readonly positionId: PositionId;
      readonly symbol: string;
      readonly lots: Lots;
    }
  | {
      readonly kind: 'MODIFY_PROTECTION';
      readonly positionId: PositionId;
      readonly symbol: string;
      readonly stopLoss: Price | null;
      readonly takeProfit: Price | null;
    }
  | { readonly kind: 'CANCEL_PENDING'; readonly orderId: OrderId; readonly symbol: string };

export type CommandKind = WireCommand['kind'];

/** One claimed command on its way out. */
export interface OutgoingCommand {
  readonly commandId: CommandId;
  /** Allocated per command and account; how the broker's records are recognised as ours. */
  readonly tag: number;
  /** A hint for people at the terminal; never evidence. */
  readonly comment: string;
  readonly wire: WireCommand;
}

/** What an accepted command brought back at once; the facts go through `ledger.ingest`. */
export interface Accepted {
  readonly orderId: OrderId | null;
  readonly positionId: PositionId | null;
  readonly facts: readonly Fact[];
}

/**
 * Called last before the bytes leave. Throws `SendWindowClosed` when the send deadline has passed, the clocks jumped apart
 * or the sender was cancelled: then nothing was written and the outcome is `unavailable`.
 */
export type SendGate = () => void;

export class SendWindowClosed extends Error {
  override readonly name = 'SendWindowClosed';
}

/** Positions, working orders and figures at one instant. */
export interface Snapshot {
  readonly balance: BalanceFact;
  readonly positions: readonly PositionFact[];
  readonly workingOrders: readonly OrderFact[];
  readonly asOf: UtcMs;
}

export interface VerifiedAccount {
  readonly login: string;
  readonly currency: string;
  readonly marginMode: 'HEDGING' | 'NETTING';
  /** `null` when trading is allowed, else the broker's reason. */
  readonly tradeRefusal: string | null;
  readonly symbols: readonly string[];
  readonly leverage: number;
}

/** Which command the evidence is for: its tag, and what the position looked like before. */
export interface SentCommand {
  readonly tag: number;
  readonly positionId: PositionId | null;
  /** Wall time before which nothing of this command can have happened. */
  readonly claimedAt: UtcMs;
}

/** Everything the broker shows that could prove or disprove a command; complete, or the read throws. */
export interface Evidence {
  readonly orders: readonly OrderFact[];
  readonly deals: readonly DealFact[];
  /** The position the command acts on or opened; `null` when the broker does not list it. */
  readonly position: PositionFact | null;
  readonly readAt: UtcMs;
}

/** The last quote a feed has evaluated. */
export interface QuoteCursor {
  readonly sequence: number;
  readonly time: UtcMs;
}

export interface Candle {
  /** Opening time of the bar, UTC milliseconds. */
  readonly time: UtcMs;
  readonly open: Price;
  readonly high: Price;
  readonly low: Price;
  readonly close: Price;
  readonly tickVolume: number;
  readonly closed: boolean;
}

/** The link that carries quotes and facts of all accounts behind one endpoint. */
export interface BrokerSession {
  readonly key: string;
  readonly accounts: readonly BrokerAccount[];
}

/** Where a live link delivers. Calls must return quickly; `quote` is the hot path and must not throw. */
export interface SessionSink {
  quote(quote: Quote): void;
  facts(account: AccountId, facts: readonly Fact[]): void;
  /** The feed is alive although nothing was quoted. */
  heartbeat(): void;
  /** The link is up (again): what happened meanwhile must be asked for. */
  connected(): void;
  disconnected(reason: string): void;
}

/** The symbols somebody needs quotes of, as broker names. */
export interface QuoteDemand {
  symbols(): readonly string[];
  /** Calls `changed` after each change until the returned function is called. */
  onChange(changed: () => void): () => void;
}

/**
 * The port every platform implements, and all that the rest of Belay knows of a platform.
 *
 * Reads are complete or throw `Unavailable`: a failed or cut-short read never looks like an empty one. `send` is the only
 * write, sends at most once and never retries.
 */
export interface Connector {
  readonly platform: string;
  readonly capabilities: Capabilities;
  readonly bounds: Bounds;

  /** Key of the session that serves this account; accounts with one key share one link. */
  sessionKey(account: BrokerAccount): string;
  verify(account: BrokerAccount): Promise<VerifiedAccount>;
  snapshot(account: BrokerAccount): Promise<Snapshot>;
  /** @throws UnknownSymbol when the broker does not list it */
  instrument(account: BrokerAccount, symbol: string): Promise<Instrument>;
  instruments(account: BrokerAccount): Promise<readonly Instrument[]>;
  quote(account: BrokerAccount, symbol: string): Promise<Quote>;
  /** Every quote after the cursor up to now, oldest first. */
  ticks(account: BrokerAccount, symbol: string, after: QuoteCursor): Promise<readonly Quote[]>;
  candles(account: BrokerAccount, symbol: string, seconds: number, from: UtcMs, to: UtcMs): Promise<readonly Candle[]>;
  orders(account: BrokerAccount, query: HistoryQuery): Promise<readonly OrderFact[]>;
  deals(account: BrokerAccount, query: HistoryQuery): Promise<readonly DealFact[]>;
  margin(account: BrokerAccount, symbol: string, side: Side, lots: Lots): Promise<Money>;

  send(account: BrokerAccount, command: OutgoingCommand, gate: SendGate): Promise<CommandOutcome<Accepted>>;
  evidence(account: BrokerAccount, sent: SentCommand): Promise<Evidence>;
  /** Keeps the link until `signal` aborts; reconnects and resubscribes by itself. Rejects only on what no retry can mend. */
  hold(session: BrokerSession, sink: SessionSink, demand: QuoteDemand, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** By position, by tag, or everything in a window of broker time. */
export type HistoryQuery =
  | { readonly by: 'position'; readonly positionId: PositionId }
  | { readonly by: 'tag'; readonly tag: number }
  | { readonly by: 'window'; readonly from: UtcMs; readonly to: UtcMs };

export class UnknownSymbol extends Error {
  override readonly name = 'UnknownSymbol';
}
