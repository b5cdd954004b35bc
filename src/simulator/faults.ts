import type { Clock } from '../clock.ts';
import type { RefusalCode } from '../domain/outcome.ts';
import { seededRandom } from './random.ts';

/**
 * Faults on demand. What strikes a call that is taken in:
 *
 * - `park-request`, `delay-request`, `lose-request`: before it is carried out. A parked request waits until the faults are cleared;
 *   when the client goes away first, it is dropped. A lost one is never carried out and never answered.
 * - `park-reply`, `delay-reply`, `lose-reply`: after it was carried out.
 * - `refuse` (with `code`), `execute-twice`, `rewrite-comment`, `drop-tag`, `refuse-repeats`: how a `Send` is carried out.
 * - `fail-read`: a read fails, a streamed one after part of its answer.
 * - `lag-deals`: a deal stays invisible to `GetDeals`, stream and replies for `ms`. `duplicate-event`: facts are streamed twice.
 * - `disconnect`: with an empty `on` at once, else when such a call comes in, which is then not carried out.
 */
export const faultKinds = [
  'lose-request',
  'lose-reply',
  'delay-request',
  'delay-reply',
  'duplicate-event',
  'lag-deals',
  'disconnect',
  'fail-read',
  'park-request',
  'park-reply',
  'refuse',
  'rewrite-comment',
  'drop-tag',
  'execute-twice',
  'refuse-repeats',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export const sendNames = ['market', 'pending', 'amend', 'cancel', 'close', 'modify'] as const;
export const readNames = [
  'Verify',
  'GetSnapshot',
  'GetInstruments',
  'GetQuote',
  'GetTicks',
  'GetCandles',
  'GetOrders',
  'GetDeals',
  'GetMargin',
] as const;

export type CallName = (typeof sendNames)[number] | (typeof readNames)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** The calls it strikes; empty = all reads for `fail-read`, all of `Send` for the others. */
  readonly on: CallName | '';
  /** 0 = until cleared. */
  readonly times: number;
  /** 0 = always. */
  readonly probability: number;
  readonly ms: number;
  /** For `refuse`. */
  readonly code: RefusalCode;
  /** Empty = every login. */
  readonly login: string;
}

/** Something a fault may strike: a call, or (with no name) what the broker tells by itself. */
export interface Occasion {
  readonly name: CallName | null;
  readonly login: string;
}

export interface Faults {
  add(fault: Fault): void;
  /** Disarms everything and lets go what is parked or delayed. */
  clear(): void;
  /** The armed fault that strikes now, used up by one, or `null`. */
  strike(kind: FaultKind, occasion: Occasion): Fault | null;
  /** Waits `ms`, until the faults are cleared (both `true`), or until `gone` (`false`). */
  delay(ms: number, gone: AbortSignal): Promise<boolean>;
  /** Waits until the faults are cleared (`true`) or `gone` (`false`). */
  park(gone: AbortSignal): Promise<boolean>;
  counts(): { readonly armed: number; readonly hit: number; readonly parked: number };
}

export function armFaults(seed: string, clock: Clock): Faults {
  const random = seededRandom(`faults ${seed}`);
  let armed: { fault: Fault; left: number }[] = [];
  let cleared = new AbortController();
  let hit = 0;
  let parked = 0;

  const strike = (kind: FaultKind, occasion: Occasion): Fault | null => {
    const found = armed.find(({ fault }) => fault.kind === kind && fits(fault, occasion));
    if (found === undefined) return null;
    if (found.fault.probability > 0 && random() >= found.fault.probability) return null;
    hit += 1;
    found.left -= 1;
    if (found.left === 0) armed = armed.filter((one) => one !== found);
    return found.fault;
  };
  return {
    add: (fault) => {
      armed.push({ fault, left: fault.times === 0 ? Infinity : fault.times });
    },
    clear: () => {
      armed = [];
      cleared.abort();
      cleared = new AbortController();
    },
    strike,
    delay: async (ms, gone) => {
      // Either signal ends the wait early; which one is looked at below.
      await clock.sleep(ms, AbortSignal.any([gone, cleared.signal])).catch(() => {});
      return !gone.aborted;
    },
    park: async (gone) => {
      parked += 1;
      await aborted(AbortSignal.any([gone, cleared.signal]));
      parked -= 1;
      return !gone.aborted;
    },
    counts: () => ({ armed: armed.length, hit, parked }),
  };
}

function fits(fault: Fault, { name, login }: Occasion): boolean {
  if (fault.login !== '' && fault.login !== login) return false;
  if (name === null) return true;
  if (fault.on !== '') return fault.on === name;
  const isRead = readNames.some((read) => read === name);
  return isRead === (fault.kind === 'fail-read');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
