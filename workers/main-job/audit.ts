import { compareBooks, type Comparison } from '../../src/cli/compare-books.ts';
import {
  auditedDeals,
  auditedTargets,
  auditedTrades,
  auditedWatches,
  type AuditedTarget,
  type AuditedTrade,
  type AuditedWatch,
} from '../../src/db/audit.ts';
import { unsettled, type Unrest } from '../../src/db/queries.ts';
import { hasPosition, isOver } from '../../src/domain/trade/state.ts';
import type { QuoteCursor } from '../../src/trading/connector.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import type { Stack } from '../stack.ts';
import { brokersBook } from './brokers-book.ts';
import { checkCrossings } from './crossings.ts';
import { loosenedInBook } from './stops.ts';

/** What the books of all accounts show once everything is quiet. */
export interface Audit {
  readonly trades: readonly AuditedTrade[];
  readonly watches: readonly AuditedWatch[];
  readonly dealsEngine: number;
  readonly dealsBroker: number;
  readonly duplicates: number;
  readonly booksEqual: boolean;
  readonly unrest: Unrest;
  readonly problems: readonly string[];
}

/** Whose crossings are proven: levels of this symbol that were armed after this quote. */
export interface Proven {
  readonly symbol: string;
  readonly after: QuoteCursor;
}

/** Reads both books independently and compares them. */
export async function audit(stack: Stack, proven: Proven): Promise<Audit> {
  const { records } = stack.parts;
  const accounts = await records.accounts();
  const books = await Promise.all(accounts.map((account) => auditAccount(stack, account, proven)));
  const unrest = await unsettled(records.pool);
  const total = (count: (comparison: Comparison) => number) =>
    books.reduce((sum, { comparison }) => sum + count(comparison), 0);
  const differences = books.flatMap(({ comparison }) => comparison.differences);
  return {
    trades: books.flatMap(({ trades }) => trades),
    watches: books.flatMap(({ watches }) => watches),
    dealsEngine: total(({ dealsEngine }) => dealsEngine),
    dealsBroker: total(({ dealsBroker }) => dealsBroker),
    duplicates: total(({ duplicates }) => duplicates),
    booksEqual: differences.length === 0,
    unrest,
    problems: [...differences, ...restProblems(unrest), ...books.flatMap(({ problems }) => problems)],
  };
}

async function auditAccount(stack: Stack, account: AccountRecord, proven: Proven) {
  const { pool } = stack.parts.records;
  const [deals, trades, targets, watches, book] = await Promise.all([
    auditedDeals(pool, account.id),
    auditedTrades(pool, account.id),
    auditedTargets(pool, account.id),
    auditedWatches(pool, account.id),
    stack.simulator.getBook({ login: account.login }),
  ]);
  const open = trades.filter(({ state }) => hasPosition(state) || state === 'NEEDS_REVIEW');
  const positions = open.flatMap(({ positionId, side, remainingLots, stopLoss }) =>
    positionId === null ? [] : [{ positionId, side, lots: remainingLots, stopLoss }],
  );
  const comparison = compareBooks({ deals, positions }, brokersBook(book));
  const inScope = watches.filter(({ symbol, armedAt }) => symbol === proven.symbol && armedAt > proven.after.time);
  const crossings = await crossingProblems(stack, account, proven, inScope);
  return {
    comparison,
    trades,
    watches: inScope,
    problems: [...crossings, ...targets.flatMap(targetProblem), ...loosenedInBook(trades)],
  };
}

async function crossingProblems(
  { parts }: Stack,
  account: AccountRecord,
  { symbol, after }: Proven,
  watches: readonly AuditedWatch[],
) {
  const connector = parts.access.connectorFor(account.platform);
  if (watches.length === 0 || connector === null) return [];
  const reach = parts.access.reach(account);
  const [quotes, { digits }] = await Promise.all([
    connector.ticks(reach, symbol, after),
    connector.instrument(reach, symbol),
  ]);
  return checkCrossings(watches, quotes, digits);
}

function restProblems(unrest: Unrest): readonly string[] {
  return Object.entries(unrest)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `not at rest: ${what} ${count}`);
}

/** How a target of a trade that is over must have ended, and what shows it. */
function targetProblem(target: AuditedTarget): readonly string[] {
  if (!isOver(target.tradeState)) return [];
  const { state, commandState, deals, reason } = target;
  const shown =
    state === 'DONE'
      ? commandState === 'CONFIRMED' && deals > 0
      : state === 'SKIPPED'
        ? reason !== null
        : state === 'CANCELLED';
  const evidence = `command ${commandState ?? 'none'}, ${deals} deals, reason ${reason ?? 'none'}`;
  return shown ? [] : [`trade ${target.tradeId} target ${target.level}: ended ${state} (${evidence})`];
}
