import type { Lots, Money, Price } from '../domain/decimal.ts';
import type { Fact, Side, UtcMs } from '../domain/facts.ts';
import type { AccountId, CommandId, OrderId, PositionId, StepKey, TradeId, WatchId } from '../domain/ids.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { Denial } from '../domain/outcome.ts';
import type { CommandPlan } from '../domain/trade/intent.ts';
import type { TradeChange } from '../domain/trade/change.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import type { CommandState, TradeView } from '../domain/trade/view.ts';
import type { Bounds, QuoteCursor, VerifiedAccount, WireCommand } from './connector.ts';

/**
 * The book of record as whole atomic steps.
 *
 * Each method is one transaction that begins by locking the account row (lock order: account, trade, command, audit chain) and
 * is idempotent: asked twice, it answers twice and changes once. `src/db/records.ts` implements it on PostgreSQL; nothing else
 * writes these rows.
 */
export interface Records extends AccountRecords, CommandRecords, TradeRecords, WatchRecords, FeedRecords {}

export type ExecutionMode = 'off' | 'shadow' | 'live';
export type TradingState = 'ACTIVE' | 'REDUCING' | 'HALTED';
export type AccountStatus = 'UNVERIFIED' | 'ACTIVE' | 'DISABLED';

export interface AccountRecord {
  readonly id: AccountId;
  /** Name people use, unique: `SIM-HEDGE`. */
  readonly name: string;
  readonly platform: string;
  readonly endpoint: string;
  readonly login: string;
  readonly status: AccountStatus;
  readonly marginMode: 'HEDGING' | 'NETTING';
  readonly currency: string;
  readonly executionMode: ExecutionMode;
  readonly tradingState: TradingState;
  /** Opaque; only the connector's composition decrypts it. */
  readonly sealedCredentials: string;
  readonly bounds: Partial<Bounds>;
}

export interface NewAccount {
  readonly name: string;
  readonly platform: string;
  readonly endpoint: string;
  readonly login: string;
  readonly marginMode: 'HEDGING' | 'NETTING';
  readonly currency: string;
  readonly executionMode: ExecutionMode;
  readonly sealedCredentials: string;
  readonly bounds: Partial<Bounds>;
}

export interface AccountRecords {
  account(id: AccountId): Promise<AccountRecord | null>;
  /** All accounts, by number. */
  accounts(): Promise<readonly AccountRecord[]>;
  /** Adds as UNVERIFIED, or answers the account that has this name already; another endpoint or login under the name is refused. */
  addAccount(account: NewAccount): Promise<AccountRecord>;
  /** UNVERIFIED → ACTIVE with what the broker reported. */
  accountVerified(id: AccountId, verified: VerifiedAccount, actor: string): Promise<AccountRecord>;
  /** A simulator that came up on another port keeps its account. */
  moveAccount(id: AccountId, endpoint: string, actor: string): Promise<AccountRecord>;
  /** Run-time switches; each change is one audit row and one event. */
  switchAccount(
    id: AccountId,
    change: { readonly executionMode?: ExecutionMode; readonly tradingState?: TradingState },
    actor: string,
  ): Promise<AccountRecord>;
}

/** The broker's position when a command was claimed; what unknown outcomes are judged against. */
export interface BeforeSnapshot {
  readonly positionId: PositionId | null;
  readonly lots: Lots | null;
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
  readonly updatedAt: UtcMs | null;
  readonly readAt: UtcMs;
}

export interface CommandRow {
  readonly commandId: CommandId;
  readonly tradeId: TradeId;
  readonly accountId: AccountId;
  readonly stepKey: StepKey;
  readonly plan: CommandPlan;
  readonly state: CommandState;
  readonly attempt: number;
  /** Allocated at the first claim; `null` before. */
  readonly tag: number | null;
  /** What was or is to be sent in the current attempt; `null` before the first claim. */
  readonly wire: WireCommand | null;
  readonly before: BeforeSnapshot | null;
  /** Wall time of the current attempt's claim and its last moment to write, by the database's clock; `null` before. */
  readonly claimedAt: UtcMs | null;
  readonly sendBy: UtcMs | null;
  /** Earliest moment at which absence may be concluded or the command asked again. */
  readonly retryNotBefore: UtcMs | null;
  /** Database time of this read, comparable with the times above. */
  readonly asOf: UtcMs;
  /** What settled it: code, text, evidence, who decided. */
  readonly outcome: Readonly<Record<string, unknown>> | null;
}

export type ClaimAnswer =
  | {
      readonly kind: 'claimed';
      readonly command: CommandRow;
      /** Database time at the claim. */ readonly claimedAt: UtcMs;
    }
  /** This attempt was already sent, or the command is settled: the row says what came of it. */
  | { readonly kind: 'already'; readonly command: CommandRow }
  | { readonly kind: 'denied'; readonly denial: Denial }
  /** The broker's position differs from the book: bring the book up to date first. */
  | { readonly kind: 'book-differs'; readonly bookLots: Lots };

/** How a claimed command ends one attempt. */
export type Settlement =
  | {
      readonly state: 'CONFIRMED';
      readonly orderId: OrderId | null;
      readonly positionId: PositionId | null;
      readonly evidence: Readonly<Record<string, unknown>>;
    }
  | {
      readonly state: 'ACCEPTED';
      readonly orderId: OrderId | null;
      readonly positionId: PositionId | null;
      readonly evidence: Readonly<Record<string, unknown>>;
    }
  | { readonly state: 'REJECTED'; readonly code: string; readonly text: string }
  | {
      readonly state: 'NOT_EXECUTED';
      readonly code: string;
      readonly text: string;
      /** `null`: may be asked again at once. */ readonly retryAfterMs: number | null;
    }
  | {
      readonly state: 'UNKNOWN';
      readonly because: string;
      /** Quiet window after the send deadline, see `quietWindowMs`. */ readonly quietMs: number;
    }
  | { readonly state: 'REVIEW'; readonly because: string };

export interface CommandRecords {
  command(id: CommandId): Promise<CommandRow | null>;
  /** Unsettled commands of the account (all accounts for `null`), oldest first. */
  unsettledCommands(account: AccountId | null): Promise<readonly CommandRow[]>;
  /**
   * One commit: lock the account row; create the row PLANNED if it is new; refuse with a denial when the account is not ACTIVE,
   * its mode or trading state or a paused trade forbids it (`by: automation`), or another unsettled command holds the position
   * (code `position-busy`; EMERGENCY_CLOSE is exempt); answer `already` unless the row's next attempt is `plan.attempt`; answer
   * `book-differs` when `before.lots` is not the trade's remaining volume; else SENDING with tag, `send_by = now + sendWithinMs`
   * and snapshot. Moves the trade (PENDING → OPENING, OPEN → CLOSING for a close that leaves nothing) and the target
   * (TRIGGERED → EXECUTING) along.
   */
  claim(plan: CommandPlan, wire: WireCommand, before: BeforeSnapshot, sendWithinMs: number): Promise<ClaimAnswer>;
  /**
   * Nothing is to be sent: the goal is met already (`CONFIRMED`), our rules deny it, or the account is in shadow mode
   * (`NOT_EXECUTED`, code `shadow`). PLANNED → the given state, with the same changes to trade and target as `settle`.
   */
  concludeUnsent(plan: CommandPlan, conclusion: UnsentConclusion): Promise<TradeView>;
  /**
   * One commit: the command's row and `ingest` of `facts`, with all that changes: trade opened (targets priced from the entry,
   * watches armed), target DONE or FAILED, breakeven floor set, trade CLOSED (rest of the ladder skipped, watches disarmed), a
   * close that was not executed puts CLOSING back to OPEN, a provisional deal for our own proven close whose deals lag.
   * Settling an attempt that is settled already changes nothing. `attempt` fences a revived sender.
   */
  settle(command: CommandId, attempt: number, settlement: Settlement, facts: readonly Fact[]): Promise<TradeView>;
  /** A person's verdict on a command in REVIEW or UNKNOWN. */
  decideCommand(command: CommandId, decision: CommandDecision): Promise<TradeView>;
}

export type UnsentConclusion =
  | { readonly state: 'CONFIRMED'; readonly code: 'goal-met'; readonly facts: readonly Fact[] }
  | { readonly state: 'NOT_EXECUTED'; readonly code: string; readonly text: string };

export interface CommandDecision {
  readonly by: string;
  readonly verdict: 'executed' | 'not-executed';
  readonly evidence: string;
}

export type OpenedTrade =
  | { readonly kind: 'recorded'; readonly view: TradeView }
  /** The trade exists from a request with another body. */
  | { readonly kind: 'another-body'; readonly view: TradeView };

/** A trade to be woken by a signal, and the id that makes the signal idempotent. */
export interface Wake {
  readonly eventId: string;
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
  readonly type: string;
}

/** Where facts come from; kept in the event log. */
export type FactCause = 'stream' | 'sync' | 'command-read' | 'reconcile';

/** A trade that may have something at the broker. */
export interface LiveTrade {
  readonly tradeId: TradeId;
  readonly positionId: PositionId | null;
  readonly remainingLots: Lots;
}

export interface TradeRecords {
  trade(id: TradeId): Promise<TradeView | null>;
  /** Trades of the account that are WORKING, OPEN, CLOSING or in review. */
  liveTrades(account: AccountId): Promise<readonly LiveTrade[]>;
  /** The row PENDING, its targets ARMED without price or watch; answers the existing trade when asked again. */
  openTrade(
    request: TradeRequest,
    intendedStop: Price,
    instrument: Instrument,
    closeBps: readonly number[],
  ): Promise<OpenedTrade>;
  /** A denied open: one event row, no trade. */
  denyTrade(request: TradeRequest, denial: Denial): Promise<void>;
  changeTrade(id: TradeId, change: TradeChange, actor: string): Promise<TradeView>;
  /**
   * The one door for facts: dedupe by broker id → orders, deals, trade totals and levels, event log. Answers the trades that must
   * hear of it, except `hearing`, which hears through the caller's answer. Any order of arrival gives the same rows.
   */
  ingest(
    account: AccountId,
    facts: readonly Fact[],
    cause: FactCause,
    hearing: TradeId | null,
  ): Promise<readonly Wake[]>;
  /** Wakes not yet delivered, oldest first. */
  undeliveredWakes(accounts: readonly AccountId[]): Promise<readonly Wake[]>;
  wakeDelivered(eventIds: readonly string[]): Promise<void>;
}

/** One armed level as the price watcher holds it. */
export interface ArmedWatch {
  readonly watchId: WatchId;
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
  readonly symbol: string;
  readonly digits: number;
  readonly quoteSide: 'BID' | 'ASK';
  readonly crosses: 'UP' | 'DOWN';
  readonly price: Price;
  readonly generation: number;
  readonly targetLevel: number;
  /** Quotes before this moment do not count. */
  readonly armedAt: UtcMs;
}

/** One recorded crossing. */
export interface Fire {
  readonly watchId: WatchId;
  readonly price: Price;
  readonly at: UtcMs;
  /** `live`, `catch-up:ticks` or `catch-up:bars`. */
  readonly source: string;
  readonly sequence: number;
  readonly late: boolean;
}

/** A fire that is durable and must reach its trade. */
export interface FiredWatch extends Fire {
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
  readonly targetLevel: number;
  readonly generation: number;
}

export interface WatchRecords {
  armedWatches(accounts: readonly AccountId[]): Promise<readonly ArmedWatch[]>;
  /** One commit for all fires of a quote: ARMED → FIRED, target ARMED → TRIGGERED. Answers those that this call fired. */
  fire(fires: readonly Fire[]): Promise<readonly FiredWatch[]>;
  undeliveredFires(accounts: readonly AccountId[]): Promise<readonly FiredWatch[]>;
  fireDelivered(watches: readonly WatchId[]): Promise<void>;
  /** Calls `changed` after commits that armed or disarmed watches, and after every reconnect, until `signal` aborts. */
  onWatchesChanged(changed: () => void, signal: AbortSignal): Promise<void>;
}

export interface FeedRecords {
  /** Takes the session over: a new epoch, after which holders of older ones are refused. */
  takeSession(
    key: string,
    holder: string,
  ): Promise<{ readonly epoch: number; readonly cursors: ReadonlyMap<string, QuoteCursor> }>;
  /** `false` when the epoch is no longer ours: stop at once. Also marks the session alive. */
  saveCursors(key: string, epoch: number, cursors: ReadonlyMap<string, QuoteCursor>): Promise<boolean>;
}

/** For callers that show trades: what {@link TradeView} leaves out. Amounts in the account's currency. */
export interface DealRow {
  readonly dealId: string | null;
  readonly orderId: string | null;
  readonly entry: 'IN' | 'OUT';
  readonly side: Side;
  readonly lots: Lots;
  readonly price: Price | null;
  readonly executedAt: UtcMs | null;
  readonly profit: Money | null;
  readonly commission: Money | null;
  readonly swap: Money | null;
  readonly closeReason: string | null;
  readonly closeSubreason: string | null;
  readonly inferred: boolean;
  readonly closureText: string | null;
}
