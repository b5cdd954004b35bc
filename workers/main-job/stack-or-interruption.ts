import { systemClock as clock } from '../../src/clock.ts';
import type { Stack } from '../stack.ts';
import { aborted } from './shutdown.ts';

/** A start that is interrupted gets this long to come to a point where it can be stopped in order. */
const settleMs = 8_000;

/**
 * The started stack; when a signal comes first, what was started is stopped again.
 *
 * @throws the signal's reason
 */
export async function stackOrInterruption(starting: Promise<Stack>, signal: AbortSignal): Promise<Stack> {
  const first = await Promise.race([starting, aborted(signal).then(() => null)]);
  if (first !== null) return first;
  // What does not settle (a download) ends with us: no part outlives its parent.
  const stack = await Promise.race([starting.catch(() => null), clock.sleep(settleMs).then(() => null)]);
  await stack?.stop();
  throw signal.reason;
}
