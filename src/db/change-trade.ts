import type { TradeId } from '../domain/ids.ts';
import { unreachable } from '../domain/outcome.ts';
import type { Rung, TradeChange } from '../domain/trade/change.ts';
import { hasPosition, isOver } from '../domain/trade/state.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { Book, BookTarget } from './book.ts';
import { arm, type TargetStep, type WatchChange } from './follow-targets.ts';
import { existing, followOne } from './ingest.ts';
import { addTarget } from './open-trade.ts';
import type { Pool } from './pool.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';
import { writeEvent, writeTargets, writeWatches } from './write-follow.ts';

const setAutomation: Statement = {
  name: 'trade-automation',
  text: 'update trade set automation = $2, version = version + 1 where id = $1 and automation <> $2',
};
const setBreakeven: Statement = {
  name: 'trade-breakeven',
  text: `update trade set breakeven_state = 'PENDING', version = version + 1 where id = $1 and breakeven_state = 'WAITING'`,
};
const setReview: Statement = {
  name: 'trade-review',
  text: `update trade set state = 'NEEDS_REVIEW', review_reason = $2, version = version + 1 where id = $1 and state <> 'NEEDS_REVIEW'`,
};
/** A person has looked: the rows decide again where the trade stands. */
const clearReview: Statement = {
  name: 'trade-reviewed',
  text: `update trade set state = $2, review_reason = null, version = version + 1 where id = $1 and state = 'NEEDS_REVIEW'`,
};

/** A change of the trade's own record that sends nothing; asked twice it changes once. */
export async function changeTrade(pool: Pool, id: TradeId, change: TradeChange, actor: string): Promise<TradeView> {
  return inTransaction(pool, { locked: { trade: id }, actor }, async (tx) => {
    const book = await existing(tx, id);
    if (await apply(tx, book, change)) {
      await writeEvent(tx, book.trade, { type: `trade.${change.kind}`, body: { ...change, actor }, wakes: false });
    }
    return followOne(tx, id);
  });
}

/** Whether there was anything to change. */
async function apply(tx: Transaction, book: Book, change: TradeChange): Promise<boolean> {
  const { id } = book.trade;
  switch (change.kind) {
    case 'skip-target':
      return changeTarget(tx, book, change, skipped);
    case 'fail-target':
      return changeTarget(tx, book, change, failed);
    case 'rearm-target':
      return !isOver(book.trade.state) && changeTarget(tx, book, change, rearmed);
    case 'pause':
      return pause(tx, book);
    case 'resume':
      return resume(tx, book);
    case 'edit-ladder':
      return editLadder(tx, book, change.rungs);
    case 'breakeven-pending':
      return (await tx.run(setBreakeven, [id])) > 0;
    case 'needs-review':
      return (await tx.run(setReview, [id, change.reason])) > 0;
    default:
      return unreachable(change);
  }
}

interface Steps {
  readonly targets: readonly TargetStep[];
  readonly watches: readonly WatchChange[];
}

async function write(tx: Transaction, { trade }: Book, { targets, watches }: Steps): Promise<boolean> {
  await Promise.all([...writeWatches(tx, trade.id, watches), ...writeTargets(tx, targets)]);
  return targets.length + watches.length > 0;
}

async function changeTarget(
  tx: Transaction,
  book: Book,
  { level, generation, reason }: { readonly level: number; readonly generation: number; readonly reason: string },
  change: (target: BookTarget, reason: string, book: Book) => Steps,
): Promise<boolean> {
  const target = book.targets.find((candidate) => candidate.level === level && candidate.generation === generation);
  return target !== undefined && write(tx, book, change(target, reason, book));
}

const none: Steps = { targets: [], watches: [] };

const disarmed = ({ watchId, watchState }: BookTarget): readonly WatchChange[] =>
  watchId !== null && watchState === 'ARMED' ? [{ kind: 'disarm', id: watchId }] : [];

function skipped(target: BookTarget, reason: string): Steps {
  if (target.state !== 'ARMED' && target.state !== 'TRIGGERED' && target.state !== 'EXECUTING') return none;
  return { targets: [{ ...target, state: 'SKIPPED', reason }], watches: disarmed(target) };
}

function failed(target: BookTarget, reason: string): Steps {
  return target.state === 'EXECUTING' ? { targets: [{ ...target, state: 'FAILED', reason }], watches: [] } : none;
}

/** A close that was tried has failed first; the crossing before stays on its own watch. */
function rearmed(target: BookTarget, reason: string, { trade }: Book): Steps {
  if (target.state !== 'TRIGGERED' && target.state !== 'FAILED' && target.state !== 'EXECUTING') return none;
  const before: readonly TargetStep[] = target.state === 'EXECUTING' ? [{ ...target, state: 'FAILED', reason }] : [];
  const again = nextGeneration(trade, target, reason);
  return { targets: [...before, ...again.targets], watches: again.watches };
}

function nextGeneration(trade: Book['trade'], target: BookTarget, reason: string | null): Steps {
  const next: TargetStep = {
    ...target,
    state: 'ARMED',
    generation: target.generation + 1,
    commandId: null,
    watchId: null,
    watchState: null,
    reason,
  };
  return trade.automation === 'RUNNING' ? arm(trade, next) : { targets: [next], watches: [] };
}

async function pause(tx: Transaction, book: Book): Promise<boolean> {
  const watches = book.targets.filter(({ state }) => state === 'ARMED').flatMap(disarmed);
  await write(tx, book, { targets: [], watches });
  return (await tx.run(setAutomation, [book.trade.id, 'PAUSED'])) > 0;
}

/** Levels that the pause disarmed are armed one generation higher; those never armed follow by themselves. */
async function resume(tx: Transaction, book: Book): Promise<boolean> {
  const running: Book['trade'] = { ...book.trade, automation: 'RUNNING' };
  const off = book.targets.filter(({ state, watchState }) => state === 'ARMED' && watchState === 'DISARMED');
  const again = hasPosition(book.trade.state) ? off.map((target) => nextGeneration(running, target, null)) : [];
  await write(tx, book, {
    targets: again.flatMap(({ targets }) => targets),
    watches: again.flatMap(({ watches }) => watches),
  });
  const resumed = await tx.run(setAutomation, [book.trade.id, 'RUNNING']);
  return (await endReview(tx, book)) || resumed > 0;
}

async function endReview(tx: Transaction, { trade, commands }: Book): Promise<boolean> {
  const isStuck = commands.some(({ state }) => state === 'REVIEW');
  if (trade.state !== 'NEEDS_REVIEW' || isStuck || trade.openedLots === trade.closedLots) return false;
  return (await tx.run(clearReview, [trade.id, 'OPEN'])) > 0;
}

async function editLadder(tx: Transaction, book: Book, rungs: readonly Rung[]): Promise<boolean> {
  const old = book.targets.filter(({ state }) => state === 'ARMED');
  if (JSON.stringify(old.map(shapeOf)) === JSON.stringify(rungs.map(shapeOfRung))) return false;
  const last = Math.max(0, ...book.targets.map(({ level }) => level));
  await write(tx, book, {
    targets: old.map((target) => ({ ...target, state: 'CANCELLED', reason: 'replaced by another ladder' })),
    watches: old.flatMap(disarmed),
  });
  await Promise.all(
    rungs.map(({ rule: { at, size, late }, closeBps }, index) =>
      tx.run(addTarget, [book.trade.id, String(last + index + 1), JSON.stringify({ ...at, ...size, late }), closeBps]),
    ),
  );
  return true;
}

/** What makes two rungs the same, in one spelling whatever the order of keys. */
const spelling = (rule: object, closeBps: number) => [
  Object.entries(rule).toSorted(([a], [b]) => a.localeCompare(b)),
  closeBps,
];
const shapeOf = ({ rule, closeBps }: Pick<BookTarget, 'rule' | 'closeBps'>) => spelling(rule, closeBps);
const shapeOfRung = ({ rule: { at, size, late }, closeBps }: Rung) => spelling({ ...at, ...size, late }, closeBps);
