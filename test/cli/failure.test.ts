import { describe, expect, test } from '@jest/globals';
import { accountId, tradeId } from '../../src/domain/ids.ts';
import type { Reply } from '../../src/domain/trade/desk.ts';
import type { UnsettledCommand } from '../../src/domain/trade/view.ts';
import { failureOfReply, failureOfWaiting } from '../../src/cli/answer.ts';
import type { Book } from '../../src/cli/connection.ts';
import { exitCodes, failureOf, usage } from '../../src/cli/failure.ts';
import { replyOfRow } from '../../src/cli/past.ts';
import { linesOf } from '../../src/cli/terminal.ts';
import { opened, request } from '../domain/trade/book-model.ts';

const about = { accountId: accountId('1'), tradeId: tradeId('0b9d1111-0000-0000-0000-000000000000'), verb: 'close' };
const codeOf = (reply: Reply) => {
  const failure = failureOfReply(reply, about);
  return failure === null ? 0 : exitCodes[failure.kind];
};

describe('a reply', () => {
  test.each<[string, Reply, number]>([
    ['confirmed', { kind: 'confirmed' }, 0],
    ['denied', { kind: 'denied', denial: { code: 'x', field: 'f', value: 'v', rule: 'r', fix: 'f' } }, 3],
    ['held back by shadow mode', { kind: 'not-executed', code: 'shadow', text: '' }, 3],
    ['rejected', { kind: 'rejected', code: 'not-enough-money', text: '' }, 4],
    ['refused by the broker for now', { kind: 'not-executed', code: 'market-closed', text: '' }, 4],
    ['before a person', { kind: 'review', because: '' }, 5],
    ['not executed because the broker was away', { kind: 'not-executed', code: 'broker-unavailable', text: '' }, 6],
    ['not executed, with proof that nothing arrived', { kind: 'not-executed', code: 'absent', text: '' }, 6],
  ])('that is %s has its exit code', (_what, reply, code) => {
    expect(codeOf(reply)).toBe(code);
  });
});

describe('no reply in time', () => {
  const waiting = async (state: UnsettledCommand['state'] | null) => {
    const unsettled =
      state === null
        ? null
        : ({ commandId: 'c', stepKey: 'close:1', state, attempt: 1 } as unknown as UnsettledCommand);
    const records = { trade: async () => ({ ...opened(request()), unsettled }) } as unknown as Book['records'];
    return exitCodes[(await failureOfWaiting({ records }, about, 10_000)).kind];
  };

  test.each(['SENDING', 'UNKNOWN', 'REVIEW'] as const)(
    'is an unknown outcome while the command is %s: it may have happened',
    async (state) => {
      expect(await waiting(state)).toBe(5);
    },
  );

  test('is a time-out when nothing was sent yet, or the broker took it', async () => {
    expect([await waiting(null), await waiting('ACCEPTED')]).toEqual([7, 7]);
  });
});

describe('a row of the past', () => {
  test('tells what its command came to', () => {
    const row = (state: Parameters<typeof replyOfRow>[0]['state'], outcome: Record<string, unknown> | null = null) =>
      replyOfRow({ state, outcome });
    expect(row('CONFIRMED')).toEqual({ kind: 'confirmed' });
    expect(row('REJECTED', { code: 'frozen', text: 'too near' })).toEqual({
      kind: 'rejected',
      code: 'frozen',
      text: 'too near',
    });
    expect(row('NOT_EXECUTED', { code: 'absent' })).toEqual({ kind: 'not-executed', code: 'absent', text: 'absent' });
    expect(row('UNKNOWN')).toEqual({ kind: 'review', because: 'unknown' });
  });
});

describe('an error from below', () => {
  const kindOf = (error: unknown) => failureOf(error).kind;

  test('is not reachable when the network says so, however deep it is wrapped', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    expect([
      kindOf(refused),
      kindOf(new AggregateError([refused])),
      kindOf(new Error('query failed', { cause: refused })),
    ]).toEqual(['unreachable', 'unreachable', 'unreachable']);
    expect(
      failureOf(new Error('update failed', { cause: Object.assign(new Error('14 UNAVAILABLE'), { code: 14 }) })).detail
        .field,
    ).toBe('temporal');
  });

  test('is usage when the environment does not fit, else our fault', () => {
    expect([
      kindOf(Object.assign(new Error('BELAY_HOM is not a setting'), { exitCode: 2 })),
      kindOf(new TypeError('x')),
      kindOf('text'),
    ]).toEqual(['usage', 'fault', 'fault']);
  });

  test('keeps its own words when it is a failure already', () => {
    const failure = usage({ field: '--sl', value: 'x', rule: 'a level', fix: '--sl 20p' });
    expect(failureOf(failure)).toBe(failure);
    expect(linesOf(failure)).toEqual([
      '✘ not understood: --sl x (usage)',
      '  a level',
      '  → --sl 20p: npm run belay -- --help',
    ]);
  });
});
