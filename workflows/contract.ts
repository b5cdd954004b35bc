import { defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { AccountId, CommandId, TradeId } from '../src/domain/ids.ts';
import type { Desk, Reply, Trigger, Wish } from '../src/domain/trade/desk.ts';
import type { TradePreview } from '../src/domain/trade/preview.ts';
import type { TradeRequest } from '../src/domain/trade/request.ts';
import type { TradeView } from '../src/domain/trade/view.ts';

/** Workflows, and every activity but the session's; polled by each engine process. */
export const engineQueue = 'engine';
/** `holdSession` only; polled by each market process. */
export const marketQueue = 'market';

export const tradeWorkflowId = (account: AccountId, trade: TradeId) => `trade/${account}/${trade}`;
export const sessionWorkflowId = (key: string) => `session/${key}`;

export const tradeWorkflowType = 'trade';
export const sessionWorkflowType = 'session';
export const retentionWorkflowType = 'retention';
/** The Schedule that removes old rows once a day. */
export const retentionScheduleId = 'retention';

/** What the Temporal UI filters by. Never money, logins or free text. */
export const searchAttributes = {
  accountId: defineSearchAttributeKey('AccountId', 'KEYWORD'),
  platform: defineSearchAttributeKey('Platform', 'KEYWORD'),
  symbol: defineSearchAttributeKey('Symbol', 'KEYWORD'),
  side: defineSearchAttributeKey('Side', 'KEYWORD'),
  tradeState: defineSearchAttributeKey('TradeState', 'KEYWORD'),
  attention: defineSearchAttributeKey('Attention', 'KEYWORD'),
  openedAt: defineSearchAttributeKey('OpenedAt', 'DATETIME'),
} as const;

/** Durations a test shortens; in production the defaults of {@link defaultTiming}. */
export interface TradeTiming {
  /** A trade whose `open` never comes ends itself after this. */
  readonly openWithinMs: number;
  /** G + reply wait + 5 s of the account's connector. */
  readonly commandTimeoutMs: number;
  /** History length at which the run is continued as new, beside the server's own suggestion. */
  readonly continueAfterEvents: number;
}

export const defaultTiming: TradeTiming = { openWithinMs: 30_000, commandTimeoutMs: 8_000, continueAfterEvents: 4_000 };

/** Input of the trade workflow; `desk` carries a trade over a continue-as-new. */
export interface TradeInput {
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
  readonly timing: TradeTiming;
  readonly desk: Desk | null;
}

export interface SessionInput {
  readonly key: string;
}

/** Answer of `open`: what the opening came to, and the hash of the request it belongs to. */
export interface OpenAnswer {
  readonly requestHash: string;
  readonly reply: Reply;
  readonly view: TradeView | null;
}

/** Answer of every other update, with the wish it answers: the server gives a repeated id the old answer whatever it asks. */
export interface WishAnswer {
  readonly wish: Wish;
  readonly reply: Reply;
  readonly view: TradeView;
}

/** A fact that a trade must hear of; the id makes hearing it twice harmless. */
export interface FactSignal {
  readonly eventId: string;
  readonly view: TradeView;
}

/** Activities a client may run by themselves: one look at a broker for a person. On {@link engineQueue}. */
export interface StandaloneActivities {
  verifyAccount(input: { readonly accountId: AccountId; readonly by: string }): Promise<AccountCheck>;
  previewTrade(request: TradeRequest): Promise<TradePreview>;
}

/** What logging in came to. Unreachable brokers are retried, not answered. */
export type AccountCheck =
  | { readonly kind: 'verified'; readonly currency: string; readonly marginMode: 'HEDGING' | 'NETTING' }
  | { readonly kind: 'refused'; readonly because: string };

/** A person's verdict on a command whose outcome evidence could not decide. */
export interface CommandVerdict {
  readonly commandId: CommandId;
  readonly by: string;
  readonly verdict: 'executed' | 'not-executed';
  readonly evidence: string;
}

type WishOf<Kind extends Wish['kind']> = Extract<Wish, { kind: Kind }>;

/** Starts the trade's life; sent with the start of its workflow. */
export const open = defineUpdate<OpenAnswer, [TradeRequest]>('open');

/** What may be asked of a running trade; each is answered when it is settled. */
export const wishUpdates = {
  close: defineUpdate<WishAnswer, [WishOf<'close'>]>('close'),
  'close-part': defineUpdate<WishAnswer, [WishOf<'close-part'>]>('partialClose'),
  'edit-protection': defineUpdate<WishAnswer, [WishOf<'edit-protection'>]>('editProtection'),
  'edit-ladder': defineUpdate<WishAnswer, [WishOf<'edit-ladder'>]>('editLadder'),
  breakeven: defineUpdate<WishAnswer, [WishOf<'breakeven'>]>('breakeven'),
  pause: defineUpdate<WishAnswer, [WishOf<'pause'>]>('pause'),
  resume: defineUpdate<WishAnswer, [WishOf<'resume'>]>('resume'),
  'decide-target': defineUpdate<WishAnswer, [WishOf<'decide-target'>]>('decideTarget'),
} as const;

export const decideCommand = defineUpdate<TradeView, [CommandVerdict]>('decideCommand');
export const priceTrigger = defineUpdate<'queued', [Trigger]>('priceTrigger');
export const fact = defineSignal<[FactSignal]>('fact');
export const story = defineQuery<Desk>('story');
/** Ends a broker session for good: its last account was removed. */
export const endSession = defineSignal('endSession');
