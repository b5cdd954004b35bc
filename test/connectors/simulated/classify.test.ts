import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';

import { SendReplySchema } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import { outcomeOfFailure, outcomeOfReply, refusals } from '../../../src/connectors/simulated/classify.ts';
import { CallFailed } from '../../../src/connectors/simulated/client.ts';
import type { RefusalCode, RetryAdvice } from '../../../src/domain/outcome.ts';
import { wireDeal, wireOrder, wirePosition } from './wire-samples.ts';

const outcomeOf = (reply: MessageInitShape<typeof SendReplySchema>) => outcomeOfReply(create(SendReplySchema, reply));

describe('an accepted command', () => {
  test('brings its order, its position and every fact of the reply', () => {
    const outcome = outcomeOf({
      code: 'done',
      orderId: 'o1',
      positionId: 'p1',
      orders: [wireOrder],
      deals: [wireDeal],
      position: { ...wirePosition, lots: '0' },
    });
    expect(outcome).toMatchObject({
      kind: 'accepted',
      value: {
        orderId: 'o1',
        positionId: 'p1',
        facts: [{ kind: 'order' }, { kind: 'deal' }, { kind: 'position', lots: '0' }],
      },
    });
  });

  test('may come without any fact while the history lags', () => {
    expect(outcomeOf({ code: 'done' })).toEqual({
      kind: 'accepted',
      value: { orderId: null, positionId: null, facts: [] },
    });
  });

  test('with an unreadable fact is unknown: it was carried out, but nobody can tell what', () => {
    expect(outcomeOf({ code: 'done', deals: [{ ...wireDeal, lots: '-1' }] })).toMatchObject({
      kind: 'unknown',
      because: expect.stringContaining('deal.lots'),
    });
    expect(outcomeOf({ code: 'done', orderId: '' })).toMatchObject({ kind: 'unknown' });
  });
});

describe('each refusal of the broker', () => {
  const advice: Record<RefusalCode, RetryAdvice | 'unknown'> = {
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

  test.each(Object.entries(advice))('%s → %j', (code, retry) => {
    expect(outcomeOf({ code, text: 'no' })).toMatchObject(
      retry === 'unknown'
        ? { kind: 'unknown' }
        : { kind: 'rejected', reason: code, brokerCode: code, text: 'no', retry },
    );
  });

  test('the table has no row without a test', () => {
    expect(Object.keys(refusals).sort()).toEqual(Object.keys(advice).sort());
  });

  test("the broker's own pause replaces ours where asking again makes sense", () => {
    expect(outcomeOf({ code: 'requote', retryAfterMs: 250 })).toMatchObject({ retry: { afterMs: 250 } });
    expect(outcomeOf({ code: 'frozen', retryAfterMs: 250 })).toMatchObject({ retry: { afterMs: 250 } });
    expect(outcomeOf({ code: 'invalid-stops', retryAfterMs: 250 })).toMatchObject({ retry: 'never' });
    expect(outcomeOf({ code: 'market-closed', retryAfterMs: 250 })).toMatchObject({ retry: 'session-open' });
  });

  test.each(['', 'DONE', 'surprise', 'toString', '__proto__'])('a code nobody knows is unknown: "%s"', (code) => {
    expect(outcomeOf({ code })).toMatchObject({ kind: 'unknown' });
  });
});

describe('each gRPC status after the write', () => {
  const failed = (code: status, details = 'x', unsent = false) =>
    outcomeOfFailure(new CallFailed(code, details, unsent));

  test.each([
    status.UNAVAILABLE,
    status.DEADLINE_EXCEEDED,
    status.CANCELLED,
    status.UNKNOWN,
    status.INTERNAL,
    status.ABORTED,
    status.DATA_LOSS,
    status.RESOURCE_EXHAUSTED,
    status.NOT_FOUND,
    status.ALREADY_EXISTS,
    status.FAILED_PRECONDITION,
    status.OUT_OF_RANGE,
  ])('%s is unknown', (code) => {
    expect(failed(code)).toMatchObject({ kind: 'unknown' });
  });

  test.each([
    [status.UNAUTHENTICATED, 'authorisation'],
    [status.PERMISSION_DENIED, 'authorisation'],
    [status.INVALID_ARGUMENT, 'other'],
    [status.UNIMPLEMENTED, 'other'],
  ])('%s is a refusal before the command was looked at', (code, reason) => {
    expect(failed(code)).toMatchObject({ kind: 'rejected', reason, brokerCode: status[code], retry: 'never' });
  });

  test.each([
    [status.UNIMPLEMENTED, 'No message received'],
    [status.UNIMPLEMENTED, 'Too many responses received'],
    [status.UNAUTHENTICATED, 'Received HTTP status code 401'],
    [status.PERMISSION_DENIED, 'Protocol not secure enough'],
  ])('%s "%s" is made up by our own library and is unknown', (code, details) => {
    expect(failed(code, details)).toMatchObject({ kind: 'unknown' });
  });

  test('a call that wrote no byte is unavailable', () => {
    expect(failed(status.UNAVAILABLE, 'No connection established', true)).toMatchObject({ kind: 'unavailable' });
  });

  test('a bug is not an outcome', () => {
    expect(() => outcomeOfFailure(new TypeError('bug'))).toThrow(TypeError);
  });
});
