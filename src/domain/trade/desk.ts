import type { Lots, Price } from '../decimal.ts';
import type { UtcMs } from '../facts.ts';
import type { StepKey } from '../ids.ts';
import type { Denial } from '../outcome.ts';
import type { CloseReason, CommandPlan, CommandReport, Leg } from './intent.ts';
import type { TargetRule, TradeRequest } from './request.ts';
import type { TradeView } from './view.ts';

/** One recorded crossing as the trade hears of it. */
export interface Trigger {
  readonly level: number;
  readonly generation: number;
  readonly price: Price;
  readonly at: UtcMs;
  /** `live`, `catch-up:ticks` or `catch-up:bars`. */
  readonly source: string;
  /** Found by catch-up, not seen when it happened. */
  readonly late: boolean;
}

/** Something a person or another program asked of a running trade. */
export type Wish = { readonly requestId: string; readonly by: string } & (
  | { readonly kind: 'close'; readonly emergency: boolean; readonly reason: CloseReason }
  | { readonly kind: 'close-part'; readonly size: { readonly lots: Lots } | { readonly percentOfRemaining: string } }
  | { readonly kind: 'edit-protection'; readonly stopLoss: Leg; readonly takeProfit: Leg }
  | { readonly kind: 'breakeven' }
  | { readonly kind: 'edit-ladder'; readonly targets: readonly TargetRule[] }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'resume' }
  | { readonly kind: 'decide-target'; readonly level: number; readonly verdict: 'act' | 'skip' }
);

/** What a wish came to. */
export type Reply =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'rejected'; readonly code: string; readonly text: string }
  | { readonly kind: 'not-executed'; readonly code: string; readonly text: string }
  | { readonly kind: 'denied'; readonly denial: Denial }
  | { readonly kind: 'review'; readonly because: string };

/** How often a step was tried, and when it may be tried again. */
export interface StepMemo {
  /** Attempt number the next claim must have. */
  readonly attempt: number;
  readonly tries: number;
  readonly notBefore: UtcMs;
  /** Why the last try came to nothing; `final` when trying again is pointless. */
  readonly refusal: { readonly code: string; readonly text: string; readonly final: boolean } | null;
}

/** What the one command lane of the trade is busy with. */
export type Lane =
  | { readonly doing: 'open' }
  | { readonly doing: 'send'; readonly plan: CommandPlan }
  | { readonly doing: 'resolve'; readonly stepKey: StepKey }
  | { readonly doing: 'change'; readonly requestId: string | null };

/**
 * All that a trade's workflow remembers; plain JSON. `decide` is the only code that changes it.
 *
 * The view is the book's word and replaced as a whole; the rest is what is asked, under way, or waiting.
 */
export interface Desk {
  readonly request: TradeRequest;
  readonly view: TradeView | null;
  readonly lane: Lane | null;
  /** An emergency close under way beside the lane. */
  readonly emergency: CommandPlan | null;
  /** A step whose sender died or whose outcome is open: to be looked up before anything else. */
  readonly lookUp: StepKey | null;
  readonly wishes: readonly Wish[];
  readonly replies: Readonly<Record<string, Reply>>;
  readonly triggers: Readonly<Record<number, Trigger>>;
  /** Late targets a person decided to act on all the same. */
  readonly actOnLate: readonly number[];
  readonly memos: Readonly<Record<StepKey, StepMemo>>;
  /** Number of the next command of these kinds. */
  readonly breakevenNumber: number;
  readonly protectNumber: number;
  readonly syncing: boolean;
  /** When the one running timer is due; `null` when none runs. */
  readonly wakeAt: UtcMs | null;
  /** Why the automation stopped: the book refused one of its own steps. People can still act. */
  readonly stuck: string | null;
  /** Why the open came to nothing; `null` while it may still succeed. */
  readonly openRefused: Reply | null;
}

export function newDesk(request: TradeRequest): Desk {
  return {
    request,
    view: null,
    lane: null,
    emergency: null,
    lookUp: null,
    wishes: [],
    replies: {},
    triggers: {},
    actOnLate: [],
    memos: {},
    breakevenNumber: 1,
    protectNumber: 1,
    syncing: false,
    wakeAt: null,
    stuck: null,
    openRefused: null,
  };
}

/** What the trade hears. */
export type TradeEvent =
  | { readonly kind: 'begin' }
  | {
      readonly kind: 'open-reported';
      readonly report: CommandReport;
      readonly view: TradeView | null;
      readonly attempt: number;
    }
  | {
      readonly kind: 'reported';
      readonly stepKey: StepKey;
      readonly report: CommandReport;
      readonly view: TradeView;
      readonly attempt: number;
    }
  /** The activity that was to send or look up ended without a word (its process died). */
  | { readonly kind: 'lost'; readonly stepKey: StepKey }
  | { readonly kind: 'changed'; readonly requestId: string | null; readonly view: TradeView }
  /** The book refused a change for good. */
  | { readonly kind: 'change-failed'; readonly requestId: string | null; readonly because: string }
  | { readonly kind: 'synced'; readonly view: TradeView }
  | { readonly kind: 'facts'; readonly view: TradeView }
  | { readonly kind: 'crossed'; readonly trigger: Trigger }
  | { readonly kind: 'asked'; readonly wish: Wish }
  | { readonly kind: 'due' };

export const memoOf = (desk: Desk, step: StepKey): StepMemo =>
  desk.memos[step] ?? { attempt: 1, tries: 0, notBefore: 0, refusal: null };
