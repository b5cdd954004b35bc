import type { RefusalCode } from '../domain/outcome.ts';

const all: Readonly<Record<RefusalCode, true>> = {
  'invalid-volume': true,
  'volume-off-step': true,
  'volume-below-minimum': true,
  'volume-above-maximum': true,
  'invalid-price': true,
  'invalid-stops': true,
  frozen: true,
  'not-enough-money': true,
  'market-closed': true,
  'no-quotes': true,
  requote: true,
  'trade-disabled': true,
  'close-only': true,
  'unknown-symbol': true,
  'unknown-account': true,
  'position-not-found': true,
  'order-not-found': true,
  'volume-exceeds-position': true,
  'no-changes': true,
  'too-many-requests': true,
  'request-too-old': true,
  'repeated-command': true,
  'position-busy': true,
  authorisation: true,
  other: true,
};

/** The stable refusal code with this spelling, `null` when there is none. */
export function refusalCode(text: string): RefusalCode | null {
  return isRefusalCode(text) ? text : null;
}

function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(all, text);
}
