import type { StepKey } from '../ids.ts';
import type { TradeChange } from './change.ts';
import type { Reply } from './desk.ts';
import type { CommandPlan } from './intent.ts';

/** What a decision asks its workflow to carry out. Everything but `answer` and `finish` comes back as an event. */
export type Effect =
  /** Check, record and send the opening order. */
  | { readonly kind: 'open'; readonly attempt: number }
  /** One command, sent at most once. */
  | { readonly kind: 'send'; readonly plan: CommandPlan }
  /** Find out, by reading only, what became of a command. */
  | { readonly kind: 'resolve'; readonly stepKey: StepKey }
  /** Read the broker's records of this trade until they are final. */
  | { readonly kind: 'sync' }
  | { readonly kind: 'change'; readonly change: TradeChange; readonly actor: string; readonly requestId: string | null }
  | { readonly kind: 'wake'; readonly afterMs: number; readonly why: string }
  | { readonly kind: 'answer'; readonly requestId: string; readonly reply: Reply }
  | { readonly kind: 'finish' };
