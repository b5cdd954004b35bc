/** Levels waiting on one side of one symbol: a 4-ary min-heap of integer keys, growing by a quarter when full. */
export interface LevelHeap {
  keys: Int32Array;
  slots: Int32Array;
  size: number;
}

/** What every heap of one index shares, by slot: where the slot stands in its heap, and its arming order. */
export interface SlotFacts {
  positions: Int32Array;
  order: Float64Array;
}

const nothing = new Int32Array(0);

export function emptyHeap(): LevelHeap {
  return { keys: nothing, slots: nothing, size: 0 };
}

export function push(heap: LevelHeap, facts: SlotFacts, key: number, slot: number): void {
  if (heap.size === heap.keys.length) grow(heap);
  heap.size += 1;
  rise(heap, facts, heap.size - 1, key, slot);
}

/** Takes out the slot at `position`; the last leaf fills the hole. */
export function removeAt(heap: LevelHeap, facts: SlotFacts, position: number): void {
  heap.size -= 1;
  if (position === heap.size) return;
  const key = heap.keys[heap.size]!;
  const slot = heap.slots[heap.size]!;
  const parent = (position - 1) >> 2;
  if (position > 0 && before(facts, key, slot, heap.keys[parent]!, heap.slots[parent]!)) {
    rise(heap, facts, position, key, slot);
  } else {
    sink(heap, facts, position, key, slot);
  }
}

/** Equal levels leave in the order they were armed. */
function before(facts: SlotFacts, key: number, slot: number, otherKey: number, otherSlot: number): boolean {
  return key < otherKey || (key === otherKey && facts.order[slot]! < facts.order[otherSlot]!);
}

function rise(heap: LevelHeap, facts: SlotFacts, from: number, key: number, slot: number): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 2;
    const parentKey = heap.keys[parent]!;
    const parentSlot = heap.slots[parent]!;
    if (!before(facts, key, slot, parentKey, parentSlot)) break;
    place(heap, facts, at, parentKey, parentSlot);
    at = parent;
  }
  place(heap, facts, at, key, slot);
}

function sink(heap: LevelHeap, facts: SlotFacts, from: number, key: number, slot: number): void {
  let at = from;
  for (;;) {
    const child = firstChild(heap, facts, at);
    if (child === -1) break;
    const childKey = heap.keys[child]!;
    const childSlot = heap.slots[child]!;
    if (!before(facts, childKey, childSlot, key, slot)) break;
    place(heap, facts, at, childKey, childSlot);
    at = child;
  }
  place(heap, facts, at, key, slot);
}

/** The child that leaves first, or -1 for a leaf. */
function firstChild(heap: LevelHeap, facts: SlotFacts, parent: number): number {
  const start = parent * 4 + 1;
  if (start >= heap.size) return -1;
  const end = Math.min(start + 4, heap.size);
  let best = start;
  for (let child = start + 1; child < end; child += 1) {
    if (before(facts, heap.keys[child]!, heap.slots[child]!, heap.keys[best]!, heap.slots[best]!)) best = child;
  }
  return best;
}

function place(heap: LevelHeap, facts: SlotFacts, at: number, key: number, slot: number): void {
  heap.keys[at] = key;
  heap.slots[at] = slot;
  facts.positions[slot] = at;
}

function grow(heap: LevelHeap): void {
  const capacity = grownCapacity(heap.keys.length);
  heap.keys = copied(heap.keys, new Int32Array(capacity));
  heap.slots = copied(heap.slots, new Int32Array(capacity));
}

export function grownCapacity(capacity: number): number {
  return Math.max(16, Math.ceil(capacity * 1.25));
}

export function copied<A extends Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
