import { status } from '@grpc/grpc-js';

import { Unavailable } from '../../domain/outcome.ts';
import { CallFailed, type Answer, type Asked, type BrokerChannel, type Question } from './client.ts';
import { Undecodable } from './decode.ts';

export const READ_WITHIN_MS = 5000;

/**
 * One complete read.
 *
 * @throws Unavailable for every way in which it can fail to be complete
 */
export async function read<Name extends Question, Value>(
  channel: BrokerChannel,
  name: Name,
  request: Asked<Name>,
  translate: (reply: Answer<Name>) => Value,
): Promise<Value> {
  return completely(channel, name, async () => translate(await channel.ask(name, request, READ_WITHIN_MS)));
}

/** Runs a read and turns each of its failures into `Unavailable`. */
export async function completely<Value>(
  channel: BrokerChannel,
  name: string,
  run: () => Promise<Value>,
): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    // The one place where a failed or unreadable call becomes the failed read that the rest of Belay knows.
    if (error instanceof CallFailed && error.code === status.DEADLINE_EXCEEDED) channel.renew();
    if (error instanceof CallFailed || error instanceof Undecodable) {
      throw new Unavailable(`${name} at ${channel.endpoint}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Whether a failed read was the broker's "there is no such thing". */
export function saysNotFound(error: unknown): boolean {
  return error instanceof Unavailable && error.cause instanceof CallFailed && error.cause.code === status.NOT_FOUND;
}
