import type { UtcMs } from '../domain/facts.ts';
import { toPoints, type Price } from '../domain/decimal.ts';
import type { WatchId } from '../domain/ids.ts';
import type { QuoteCursor } from '../trading/connector.ts';
import type { ArmedWatch } from '../trading/records.ts';
import type { CountedDemand } from './demand.ts';
import { createLane, sideOf, wholePoints, type HeldWatch, type Lane } from './lane.ts';
import type { QuoteBoard } from './quotes.ts';
import type { TriggerIndex } from './trigger-index.ts';

/** The armed rows in memory: each stands in the index, waits for its first quote, or waits for missed ones. */
export interface Roster {
  lane(symbol: string): Lane | undefined;
  /** The symbol's lane, made when it is new. */
  laneOf(symbol: string): Lane;
  lanes(): Iterable<Lane>;
  knows(id: WatchId): boolean;
  /** Takes a new row in, in no place yet; `null` when its price cannot stand in the index, which {@link unfit} then tells. */
  add(watch: ArmedWatch): HeldWatch | null;
  /** Into the index when the next quote counts for it, else to wait. */
  enlist(held: HeldWatch): void;
  /** Moves those that count from `time` on into the index. */
  admit(lane: Lane, time: UtcMs): void;
  /** Takes the watch of a slot that fired out of the roster. */
  takeFired(slot: number): HeldWatch;
  remove(held: HeldWatch): void;
  /** Drops what is no longer armed. */
  keepOnly(armed: ReadonlySet<WatchId>): void;
  size(): number;
  /** Armed rows that cannot be watched, and why. */
  unfit(): ReadonlyMap<WatchId, string>;
}

export function createRoster(
  index: TriggerIndex,
  board: QuoteBoard,
  demand: CountedDemand,
  cursors: ReadonlyMap<string, QuoteCursor>,
): Roster {
  const lanes = new Map<string, Lane>();
  const known = new Map<WatchId, HeldWatch>();
  const unfit = new Map<WatchId, string>();
  const bySlot: (HeldWatch | null)[] = [];
  const release = new Map<Lane, () => void>();

  function laneOf(symbol: string): Lane {
    const existing = lanes.get(symbol);
    if (existing !== undefined) return existing;
    const lane = createLane(symbol, index.addSymbol(), board.believed(symbol), cursors.get(symbol) ?? null);
    lanes.set(symbol, lane);
    return lane;
  }

  function add(watch: ArmedWatch): HeldWatch | null {
    const lane = laneOf(watch.symbol);
    const digits = lane.digits ?? watch.digits;
    const points = pointsOf(watch, digits);
    if (typeof points === 'string') {
      unfit.set(watch.watchId, points);
      return null;
    }
    lane.digits = digits;
    lane.pointsPerUnit = 10 ** digits;
    const held: HeldWatch = { watch, lane, points, side: sideOf(watch), slot: -1 };
    known.set(watch.watchId, held);
    lane.watches += 1;
    if (lane.watches === 1) release.set(lane, demand.want(lane.symbol));
    return held;
  }

  function enlist(held: HeldWatch): void {
    const { lane, watch } = held;
    if (watch.armedAt > lane.time) {
      lane.waiting.add(held);
      lane.nextArmedAt = Math.min(lane.nextArmedAt, watch.armedAt);
      return;
    }
    held.slot = index.arm(lane.index, held.side, held.points);
    bySlot[held.slot] = held;
  }

  function admit(lane: Lane, time: UtcMs): void {
    lane.nextArmedAt = Number.POSITIVE_INFINITY;
    for (const held of lane.waiting) {
      if (held.watch.armedAt > time) {
        lane.nextArmedAt = Math.min(lane.nextArmedAt, held.watch.armedAt);
        continue;
      }
      lane.waiting.delete(held);
      held.slot = index.arm(lane.index, held.side, held.points);
      bySlot[held.slot] = held;
    }
  }

  function forget(held: HeldWatch): void {
    const { lane } = held;
    known.delete(held.watch.watchId);
    lane.watches -= 1;
    if (lane.watches > 0) return;
    lane.digits = null;
    release.get(lane)?.();
    release.delete(lane);
  }

  function remove(held: HeldWatch): void {
    if (held.slot !== -1) {
      index.cancel(held.slot);
      bySlot[held.slot] = null;
    }
    held.lane.waiting.delete(held);
    held.lane.arriving.delete(held);
    forget(held);
  }

  return {
    lane: (symbol) => lanes.get(symbol),
    laneOf,
    lanes: () => lanes.values(),
    knows: (id) => known.has(id) || unfit.has(id),
    add,
    enlist,
    admit,
    takeFired: (slot) => {
      const held = bySlot[slot]!;
      bySlot[slot] = null;
      forget(held);
      return held;
    },
    remove,
    keepOnly: (armed) => {
      for (const [id, held] of known) if (!armed.has(id)) remove(held);
      for (const id of unfit.keys()) if (!armed.has(id)) unfit.delete(id);
    },
    size: () => known.size,
    unfit: () => unfit,
  };
}

/** Points of a watch's price, or in words why it has none. */
function pointsOf(watch: ArmedWatch, digits: number): number | string {
  try {
    return exactPoints(watch.price, digits);
  } catch (cause) {
    // A level that cannot stand in the index is an operator's matter and must not keep the other levels from being watched.
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** As `toPoints`, without big numbers where the text shows that the price is whole: a million rows are read in a second. */
function exactPoints(level: Price, digits: number): number {
  const point = level.indexOf('.');
  const places = point === -1 ? 0 : level.length - point - 1;
  const points = places > digits ? -1 : wholePoints(Number(level), 10 ** digits);
  return points === -1 ? toPoints(level, digits) : points;
}
