import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { marketQueue, type TradeTiming } from './contract.ts';

/**
 * The commands: tried once. A second try could be a second order at the broker, so a lost worker ends here in a time-out and
 * `resolveCommand` finds out by reading. The heartbeat makes that time-out early; a false one only starts the reading.
 */
export function commandProxies(timing: TradeTiming) {
  return proxyActivities<Activities>({
    startToCloseTimeout: timing.commandTimeoutMs,
    heartbeatTimeout: '6 seconds',
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** Looking up an outcome reads only, so it may be asked again and again; its own answer says when the next look is due. */
export const { resolveCommand } = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** Record steps are idempotent, so they are retried until the database takes them. */
export const { changeTrade, decideCommandRecord } = proxyActivities<Activities>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/** Reads the broker's records until they are final; lags last seconds to hours. */
export const { syncTrade } = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** One long activity that is the link itself; another market process takes over when its heartbeat stops. */
export const { holdSession } = proxyActivities<Activities>({
  taskQueue: marketQueue,
  startToCloseTimeout: '365 days',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 1.5, maximumInterval: '5 seconds' },
});

/** Removes old rows in batches; what one attempt did not reach, the next does. */
export const { sweepBook } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1 minute', maximumInterval: '10 minutes' },
});
