import type { Clock } from '../clock.ts';
import { SendWindowClosed, type SendGate } from './connector.ts';

/** Wall and monotonic clock may drift this far apart between claim and write before the send is refused. */
const clockJumpMs = 500;

/**
 * The last check before the bytes leave: open for `sendWithinMs` from the moment *before* the claim, closed for ever when the
 * sender is cancelled, was paused past the deadline, or when the clocks jumped apart (a suspended machine).
 */
export function createGate(clock: Clock, sendWithinMs: number, cancelled: AbortSignal): SendGate {
  const wallAtClaim = clock.now();
  const monotonicAtClaim = clock.monotonic();
  return () => {
    if (cancelled.aborted) throw new SendWindowClosed('the sender was cancelled');
    const elapsed = clock.monotonic() - monotonicAtClaim;
    const drift = Math.abs(clock.now() - wallAtClaim - elapsed);
    if (drift > clockJumpMs) throw new SendWindowClosed(`the clocks jumped apart by ${Math.round(drift)} ms`);
    if (elapsed > sendWithinMs)
      throw new SendWindowClosed(`${Math.round(elapsed)} ms passed since the claim, allowed are ${sendWithinMs}`);
  };
}
