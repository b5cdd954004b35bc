import { ActivityExecutionFailedError } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { engineQueue, type StandaloneActivities } from '../../workflows/contract.ts';
import type { Belay } from './connection.ts';
import { unreachablePart } from './failure.ts';

type Looks = keyof StandaloneActivities;
type Input<Name extends Looks> = Parameters<StandaloneActivities[Name]>[0];
type Output<Name extends Looks> = Awaited<ReturnType<StandaloneActivities[Name]>>;

const oneLookMs = 5_000;

/**
 * Lets an engine look at a broker once, as a standalone activity: the command line itself never talks to one.
 *
 * @throws CliFailure (unreachable) when no engine or no broker answered in time
 */
export async function lookOnce<Name extends Looks>(
  { client }: Belay,
  name: Name,
  input: Input<Name>,
  timeoutMs: number,
): Promise<Output<Name>> {
  try {
    return await client.activity.execute<Output<Name>>(name, {
      id: `${name}/${randomUUID()}`,
      taskQueue: engineQueue,
      args: [input],
      startToCloseTimeout: Math.min(oneLookMs, timeoutMs),
      scheduleToCloseTimeout: timeoutMs,
      retry: { initialInterval: '300 milliseconds', maximumInterval: '2 seconds' },
    });
  } catch (error) {
    // The activity is retried until the time is over, so its end says that somebody on the way is away.
    if (!(error instanceof ActivityExecutionFailedError)) throw error;
    throw unreachablePart('broker', name, lastWords(error));
  }
}

function lastWords(error: Error): string {
  return error.cause instanceof Error ? lastWords(error.cause) : error.message;
}
