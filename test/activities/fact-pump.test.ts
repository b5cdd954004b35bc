import { describe, expect, test } from '@jest/globals';
import { createFactPump } from '../../activities/fact-pump.ts';
import type { Clock } from '../../src/clock.ts';
import { money } from '../../src/domain/decimal.ts';
import type { Fact } from '../../src/domain/facts.ts';
import { accountId, type AccountId } from '../../src/domain/ids.ts';

const at = (asOf: number): Fact => ({
  kind: 'balance',
  balance: money('1'),
  equity: money('1'),
  margin: money('0'),
  freeMargin: money('1'),
  asOf,
});
const [good, bad] = [accountId('1'), accountId('2')];

/** A pump whose pauses pass when told, and a book that can be away. */
function rig() {
  const taken: string[] = [];
  const pauses: (() => void)[] = [];
  const state = { away: new Set<AccountId>(), resyncs: 0 };
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    every: () => () => undefined,
    sleep: () => new Promise((resolve) => pauses.push(resolve)),
  };
  const ending = new AbortController();
  const pump = createFactPump(
    {
      clock,
      records: {
        ingest: async (account, facts) => {
          if (state.away.has(account)) throw new Error('away');
          taken.push(...facts.map((fact) => `${account}:${fact.kind === 'balance' ? fact.asOf : ''}`));
          return Promise.resolve([]);
        },
      },
      resync: async () => {
        state.resyncs += 1;
        return Promise.resolve([]);
      },
      deliver: () => undefined,
      failed: () => undefined,
    },
    ending.signal,
  );
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    pump,
    taken,
    state,
    settle,
    pass: async () => {
      pauses.splice(0).forEach((resume) => resume());
      await settle();
    },
  };
}

describe('facts of a session', () => {
  test('wait in order until the book takes them', async () => {
    const { pump, taken, state, settle, pass } = rig();
    state.away.add(good);
    pump.facts(good, [at(1)]);
    await settle();
    pump.facts(good, [at(2), at(3)]);
    state.away.clear();
    await pass();
    expect(taken).toEqual(['1:1', '1:2', '1:3']);
  });

  test('of one account that cannot be written hold up no other', async () => {
    const { pump, taken, state, settle } = rig();
    state.away.add(bad);
    pump.facts(bad, [at(1)]);
    pump.facts(good, [at(2)]);
    await settle();
    expect(taken).toEqual(['1:2']);
  });

  test('that pile up are read again as a whole instead of growing without bound', async () => {
    const { pump, taken, state, settle, pass } = rig();
    state.away.add(good);
    pump.facts(good, [at(0)]);
    await settle();
    for (let n = 0; n < 3_000; n += 1) pump.facts(good, [at(n)]);
    state.away.clear();
    await pass();
    expect(state.resyncs).toBe(1);
    expect(taken.length).toBeLessThan(2_001);
  });
});
