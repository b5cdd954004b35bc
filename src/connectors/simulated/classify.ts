import { status } from '@grpc/grpc-js';

import type { SendReply } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { orderId, positionId } from '../../domain/ids.ts';
import type { CommandOutcome, RefusalCode, RetryAdvice } from '../../domain/outcome.ts';
import type { Accepted } from '../../trading/connector.ts';
import { CallFailed } from './client.ts';
import { textIn, Undecodable } from './decode.ts';
import { factsOf } from './translate.ts';

/**
 * What each refusal of the broker means for asking again. `unknown` is no refusal of this command: the broker has seen its
 * id before, so an earlier attempt may have been carried out.
 */
export const refusals: Readonly<Record<RefusalCode, RetryAdvice | 'unknown'>> = {
  'invalid-volume': 'never',
  'volume-off-step': 'never',
  'volume-below-minimum': 'never',
  'volume-above-maximum': 'never',
  'invalid-price': 'never',
  'invalid-stops': 'never',
  frozen: { afterMs: 1000 },
  'not-enough-money': 'never',
  'market-closed': 'session-open',
  'no-quotes': 'now',
  requote: 'now',
  'trade-disabled': 'never',
  'close-only': 'never',
  'unknown-symbol': 'never',
  'unknown-account': 'never',
  'position-not-found': 'never',
  'order-not-found': 'never',
  'volume-exceeds-position': 'now',
  'no-changes': 'never',
  'too-many-requests': { afterMs: 1000 },
  'request-too-old': 'now',
  'repeated-command': 'unknown',
  'position-busy': { afterMs: 500 },
  authorisation: 'never',
  other: 'never',
};

/** gRPC answers that come before the broker looks at the command, by its contract. Every other code is unknown. */
export const refusingStatuses: Readonly<Partial<Record<status, RefusalCode>>> = {
  [status.UNAUTHENTICATED]: 'authorisation',
  [status.PERMISSION_DENIED]: 'authorisation',
  [status.INVALID_ARGUMENT]: 'other',
  [status.UNIMPLEMENTED]: 'other',
};

/**
 * Texts of refusing statuses that our own gRPC library makes up, after the request was written: a reply without a message,
 * a proxy's HTTP status. They say nothing about the command.
 */
const libraryVerdicts = [
  'No message received',
  'Too many responses received',
  'Received HTTP status code',
  'Protocol not secure enough',
];

/** What a reply proves. An answer that cannot be read proves nothing. */
export function outcomeOfReply(reply: SendReply): CommandOutcome<Accepted> {
  if (reply.code === 'done') return acceptance(reply);
  const advice = isRefusalCode(reply.code) ? refusals[reply.code] : 'unknown';
  if (!isRefusalCode(reply.code) || advice === 'unknown') {
    return {
      kind: 'unknown',
      because: `the broker answered code "${reply.code.slice(0, 80)}" ${reply.text}`.trimEnd(),
    };
  }
  return {
    kind: 'rejected',
    reason: reply.code,
    brokerCode: reply.code,
    text: reply.text,
    retry: advised(advice, reply.retryAfterMs),
  };
}

/** What a call without a reply proves, once the gate was passed. */
export function outcomeOfFailure(error: unknown): CommandOutcome<Accepted> {
  if (!(error instanceof CallFailed)) throw error;
  if (error.unsent) return { kind: 'unavailable', because: error.message };
  const refusal = libraryVerdicts.some((text) => error.details.startsWith(text))
    ? undefined
    : refusingStatuses[error.code];
  if (refusal === undefined) return { kind: 'unknown', because: error.message };
  return { kind: 'rejected', reason: refusal, brokerCode: status[error.code], text: error.details, retry: 'never' };
}

function acceptance(reply: SendReply): CommandOutcome<Accepted> {
  try {
    const facts = factsOf({ ...reply, positions: reply.position === undefined ? [] : [reply.position] });
    const order = reply.orderId === undefined ? null : orderId(textIn('reply.orderId', reply.orderId));
    const position = reply.positionId === undefined ? null : positionId(textIn('reply.positionId', reply.positionId));
    return { kind: 'accepted', value: { orderId: order, positionId: position, facts } };
  } catch (error) {
    // The command was carried out, but what came of it is unreadable: the look-up must tell.
    if (error instanceof Undecodable) return { kind: 'unknown', because: `unreadable reply: ${error.message}` };
    throw error;
  }
}

function advised(advice: RetryAdvice, afterMs: number | undefined): RetryAdvice {
  if (afterMs === undefined || advice === 'never' || advice === 'session-open') return advice;
  return { afterMs };
}

function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(refusals, code);
}
