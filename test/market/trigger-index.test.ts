import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ASK_DOWN,
  ASK_UP,
  BID_DOWN,
  BID_UP,
  createTriggerIndex,
  type TriggerIndex,
  type TriggerSide,
} from '../../src/market/trigger-index.ts';

const SIDES: readonly TriggerSide[] = [BID_UP, BID_DOWN, ASK_UP, ASK_DOWN];

interface Level {
  readonly name: number;
  readonly symbol: number;
  readonly side: TriggerSide;
  readonly points: number;
}

/** The same promise as the index, kept by walking a list. */
function scan(levels: readonly Level[], symbol: number, bid: number, ask: number): readonly Level[] {
  const reached = levels.filter((level) => level.symbol === symbol && isReached(level, bid, ask));
  return reached.toSorted(
    (left, right) => left.side - right.side || nearness(left) - nearness(right) || left.name - right.name,
  );
}

function isReached({ side, points }: Level, bid: number, ask: number): boolean {
  const price = side === BID_UP || side === BID_DOWN ? bid : ask;
  return side === BID_UP || side === ASK_UP ? price >= points : price <= points;
}

function nearness({ side, points }: Level): number {
  return side === BID_UP || side === ASK_UP ? points : -points;
}

function firedNow(index: TriggerIndex, symbol: number, bid: number, ask: number): readonly number[] {
  const count = index.tick(symbol, bid, ask);
  return Array.from({ length: count }, (_, nth) => index.fired(nth));
}

const points = fc.integer({ min: 90, max: 130 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('arm' as const),
      symbol: fc.nat(2),
      side: fc.constantFrom(...SIDES),
      points,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('tick' as const), symbol: fc.nat(2), bid: points, spread: fc.nat(4) }),
  },
);

describe('the trigger index', () => {
  test('fires what a walk over all levels would, in the same order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const index = createTriggerIndex();
        const symbols = [index.addSymbol(), index.addSymbol(), index.addSymbol()];
        const slots = new Map<number, Level>();
        let names = 0;
        for (const action of steps) {
          if (action.do === 'arm') {
            const level = { name: names, symbol: action.symbol, side: action.side, points: action.points };
            names += 1;
            slots.set(index.arm(symbols[level.symbol]!, level.side, level.points), level);
          } else if (action.do === 'cancel') {
            const slot = [...slots.keys()][action.which % Math.max(1, slots.size)];
            if (slot !== undefined) index.cancel(slot);
            slots.delete(slot ?? -1);
          } else {
            const { symbol, bid, spread } = action;
            const expected = scan([...slots.values()], symbol, bid, bid + spread);
            const fired = firedNow(index, symbols[symbol]!, bid, bid + spread);
            expect(fired.map((slot) => slots.get(slot)?.name)).toEqual(expected.map((level) => level.name));
            for (const slot of fired) slots.delete(slot);
          }
          expect(index.size()).toBe(slots.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('keeps thousands of levels through growth and re-use of slots', () => {
    const index = createTriggerIndex();
    const symbol = index.addSymbol();
    const slots = Array.from({ length: 5_000 }, (_, nth) =>
      index.arm(symbol, BID_UP, 10_000 + ((nth * 7_919) % 5_000)),
    );
    for (const slot of slots.filter((_, nth) => nth % 2 === 0)) index.cancel(slot);
    expect(index.tick(symbol, 9_999, 10_000)).toBe(0);
    expect(index.tick(symbol, 20_000, 20_000)).toBe(2_500);
    expect(index.size()).toBe(0);
  });

  test('the largest price fires the largest level and nothing of an empty side', () => {
    const index = createTriggerIndex();
    const symbol = index.addSymbol();
    const slot = index.arm(symbol, ASK_UP, 2_147_483_647);
    expect(firedNow(index, symbol, 2_147_483_647, 2_147_483_647)).toEqual([slot]);
    expect(firedNow(index, symbol, 2_147_483_647, 2_147_483_647)).toEqual([]);
  });

  test('cancelling a level that fired leaves its neighbours armed', () => {
    const index = createTriggerIndex();
    const symbol = index.addSymbol();
    const fired = index.arm(symbol, BID_DOWN, 100);
    index.arm(symbol, BID_DOWN, 90);
    index.tick(symbol, 100, 101);
    index.cancel(fired);
    expect(index.size()).toBe(1);
    expect(index.tick(symbol, 90, 91)).toBe(1);
  });
});
