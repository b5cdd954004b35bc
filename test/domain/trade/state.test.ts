import { describe, expect, test } from '@jest/globals';
import { InvariantViolated } from '../../../src/domain/outcome.ts';
import { assertEdge, hasPosition, isOver, tradeEdges } from '../../../src/domain/trade/state.ts';
import type { TradeState } from '../../../src/domain/trade/view.ts';

const states = Object.keys(tradeEdges) as TradeState[];

describe('a trade', () => {
  test('that is over is left only toward a person', () => {
    for (const state of states.filter(isOver)) expect(tradeEdges[state]).toEqual(['NEEDS_REVIEW']);
  });

  test('never returns from closed to open', () => {
    expect(() => assertEdge('CLOSED', 'OPEN')).toThrow(InvariantViolated);
  });

  test('with a position is open or closing, and then not over', () => {
    expect(states.filter(hasPosition)).toEqual(['OPEN', 'CLOSING']);
    expect(states.filter((state) => hasPosition(state) && isOver(state))).toEqual([]);
  });

  test('reaches every state from the wish to open it', () => {
    const reached = new Set<TradeState>(['PENDING']);
    for (const state of reached) for (const to of tradeEdges[state]) reached.add(to);
    expect([...reached].sort()).toEqual([...states].sort());
  });
});
