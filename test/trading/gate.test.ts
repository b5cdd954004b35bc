import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/clock.ts';
import { SendWindowClosed } from '../../src/trading/connector.ts';
import { createGate } from '../../src/trading/gate.ts';

function hands(): { clock: Clock; pass(wallMs: number, monotonicMs: number): void } {
  let wall = 1_000;
  let monotonic = 50;
  const clock: Clock = {
    now: () => wall,
    monotonic: () => monotonic,
    sleep: () => Promise.resolve(),
    every: () => () => undefined,
  };
  return {
    clock,
    pass: (wallMs, monotonicMs) => {
      wall += wallMs;
      monotonic += monotonicMs;
    },
  };
}

describe('the send gate', () => {
  test('lets a send pass within its time', () => {
    const { clock, pass } = hands();
    const gate = createGate(clock, 2_000, new AbortController().signal);
    pass(1_999, 1_999);
    expect(gate).not.toThrow();
  });

  test.each([
    ['after its time', 2_001, 2_001],
    ['when only the wall clock went on, as after a suspend', 60_000, 10],
    ['when the wall clock was set back', -10_000, 10],
  ])('refuses %s', (_, wallMs, monotonicMs) => {
    const { clock, pass } = hands();
    const gate = createGate(clock, 2_000, new AbortController().signal);
    pass(wallMs, monotonicMs);
    expect(gate).toThrow(SendWindowClosed);
  });

  test('refuses a sender that was cancelled', () => {
    const cancelled = new AbortController();
    const gate = createGate(hands().clock, 2_000, cancelled.signal);
    cancelled.abort();
    expect(gate).toThrow(SendWindowClosed);
  });
});
