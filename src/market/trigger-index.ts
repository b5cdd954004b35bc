import { copied, emptyHeap, grownCapacity, push, removeAt, type LevelHeap, type SlotFacts } from './heap.ts';

/** Which price must come to the level, and from where. The number is the heap's place within its symbol. */
export const BID_UP = 0;
export const BID_DOWN = 1;
export const ASK_UP = 2;
export const ASK_DOWN = 3;
export type TriggerSide = typeof BID_UP | typeof BID_DOWN | typeof ASK_UP | typeof ASK_DOWN;

/**
 * Armed levels of many symbols, in integer points.
 *
 * 1. A quiet tick reads four integers and allocates nothing, whatever the number of levels: `roots` mirrors the first level of
 *    every heap, falling levels negated so that "reached" is always `root <= price`.
 * 2. Within a side, the level reached first leaves first; equal levels leave in arming order.
 * 3. A slot names a level from `arm` until it fires or is cancelled, and is then used again.
 */
export interface TriggerIndex {
  /** Number of a new symbol; symbols are never taken out. */
  addSymbol(): number;
  /** The slot of a new level. `points` is between 0 and 2^31 - 1; it fires at the next tick that has reached it. */
  arm(symbol: number, side: TriggerSide, points: number): number;
  cancel(slot: number): void;
  /** How many levels this tick has reached; their slots stand in {@link fired} until the next tick. */
  tick(symbol: number, bidPoints: number, askPoints: number): number;
  fired(nth: number): number;
  size(): number;
  /** Bytes of all arrays, spare capacity included. */
  bytes(): number;
}

/** What an empty heap shows: no price is above it, and the slow path looks at the size anyway. */
const NEVER = 2_147_483_647;

export function createTriggerIndex(): TriggerIndex {
  const heaps: LevelHeap[] = [];
  const facts: SlotFacts = { positions: new Int32Array(0), order: new Float64Array(0) };
  let roots = new Int32Array(0);
  let heapOf = new Int32Array(0);
  let firedSlots = new Int32Array(16);
  let used = 0;
  let armed = 0;
  let nextFree = -1;
  let sequence = 0;

  function mirror(heap: number): void {
    const { size, keys } = heaps[heap]!;
    roots[heap] = size === 0 ? NEVER : keys[0]!;
  }

  function takeSlot(): number {
    if (nextFree !== -1) {
      const slot = nextFree;
      nextFree = facts.positions[slot]!;
      return slot;
    }
    if (used === heapOf.length) growSlots();
    used += 1;
    return used - 1;
  }

  function growSlots(): void {
    const capacity = grownCapacity(used);
    heapOf = copied(heapOf, new Int32Array(capacity));
    facts.positions = copied(facts.positions, new Int32Array(capacity));
    facts.order = copied(facts.order, new Float64Array(capacity));
  }

  /** Free slots are a list threaded through their unused positions. */
  function release(slot: number): void {
    heapOf[slot] = -1;
    facts.positions[slot] = nextFree;
    nextFree = slot;
    armed -= 1;
  }

  function takeReached(heap: number, reach: number, count: number): number {
    const levels = heaps[heap]!;
    let total = count;
    while (levels.size > 0 && levels.keys[0]! <= reach) {
      if (total === firedSlots.length) firedSlots = copied(firedSlots, new Int32Array(grownCapacity(total)));
      const slot = levels.slots[0]!;
      firedSlots[total] = slot;
      total += 1;
      removeAt(levels, facts, 0);
      release(slot);
    }
    mirror(heap);
    return total;
  }

  return {
    addSymbol: () => {
      const symbol = heaps.length / 4;
      for (let side = 0; side < 4; side += 1) heaps.push(emptyHeap());
      if (roots.length < heaps.length) roots = copied(roots, new Int32Array(grownCapacity(heaps.length)));
      roots.fill(NEVER, symbol * 4, heaps.length);
      return symbol;
    },
    arm: (symbol, side, points) => {
      const slot = takeSlot();
      const heap = symbol * 4 + side;
      heapOf[slot] = heap;
      facts.order[slot] = sequence;
      sequence += 1;
      armed += 1;
      push(heaps[heap]!, facts, side === BID_UP || side === ASK_UP ? points : -points, slot);
      mirror(heap);
      return slot;
    },
    cancel: (slot) => {
      const heap = heapOf[slot] ?? -1;
      if (heap === -1) return;
      removeAt(heaps[heap]!, facts, facts.positions[slot]!);
      release(slot);
      mirror(heap);
    },
    tick: (symbol, bid, ask) => {
      const base = symbol * 4;
      let count = 0;
      if (roots[base]! <= bid) count = takeReached(base, bid, count);
      if (roots[base + 1]! <= -bid) count = takeReached(base + 1, -bid, count);
      if (roots[base + 2]! <= ask) count = takeReached(base + 2, ask, count);
      if (roots[base + 3]! <= -ask) count = takeReached(base + 3, -ask, count);
      return count;
    },
    fired: (nth) => firedSlots[nth]!,
    size: () => armed,
    bytes: () =>
      heaps.reduce((sum, heap) => sum + heap.keys.byteLength * 2, 0) + roots.byteLength + heapOf.byteLength * 4,
  };
}
