import { lots } from '../domain/decimal.ts';
import { accountId, tradeId, type AccountId } from '../domain/ids.ts';
import type { CommandRecords, LiveTrade, Records, TradeRecords, Wake } from '../trading/records.ts';
import { accountRecords } from './accounts.ts';
import { bookStatement, canonicalBook, type Book } from './book.ts';
import { changeTrade } from './change-trade.ts';
import { claim } from './claim.ts';
import { commandStatement, unsettledStatement, type CommandRowColumns } from './command-row.ts';
import { concludeUnsent } from './conclude.ts';
import { feedRecords } from './feeds.ts';
import { followTrades, putFacts, wakesOf } from './ingest.ts';
import { denyTrade, openTrade } from './open-trade.ts';
import { createPool, type Pool, type PoolOptions } from './pool.ts';
import { decideCommand, settle } from './settle.ts';
import { inTransaction, type Statement } from './transaction.ts';
import { viewOf } from './view.ts';
import { watchRecords } from './watches.ts';

export interface OpenRecords extends Records {
  /** For the read queries beside the port. */
  readonly pool: Pool;
  close(): Promise<void>;
}

/** The book of record on PostgreSQL. Each part is a file of its own; this is the list of them. */
export function createRecords(options: PoolOptions): OpenRecords {
  const pool = createPool(options);
  return {
    pool,
    ...accountRecords(pool),
    ...commandRecords(pool),
    ...tradeRecords(pool),
    ...watchRecords(pool, options.url),
    ...feedRecords(pool),
    close: () => pool.end(),
  };
}

function commandRecords(pool: Pool): CommandRecords {
  return {
    command: async (id) => (await pool.query<CommandRowColumns>({ ...commandStatement, values: [id] })).rows[0] ?? null,
    unsettledCommands: async (account) =>
      (await pool.query<CommandRowColumns>({ ...unsettledStatement, values: [account] })).rows,
    claim: (plan, wire, before, sendWithinMs) => claim(pool, plan, { wire, before, sendWithinMs }),
    concludeUnsent: (plan, conclusion) => concludeUnsent(pool, plan, conclusion),
    settle: (id, attempt, settlement, facts) => settle(pool, { id, attempt }, settlement, facts),
    decideCommand: (id, decision) => decideCommand(pool, id, decision),
  };
}

function tradeRecords(pool: Pool): TradeRecords {
  return {
    trade: async (id) => {
      const { rows } = await pool.query<Book>({ ...bookStatement, values: [id] });
      return rows[0] === undefined ? null : viewOf(canonicalBook(rows[0]));
    },
    liveTrades: (account) => liveTrades(pool, account),
    openTrade: (request, intendedStop, instrument, closeBps) =>
      openTrade(pool, request, { intendedStop, instrument, closeBps }),
    denyTrade: (request, denial) => denyTrade(pool, request, denial),
    changeTrade: (id, change, actor) => changeTrade(pool, id, change, actor),
    ingest: (account, facts, cause, hearing) =>
      inTransaction(pool, { locked: { account }, actor: cause }, async (tx) => {
        await followTrades(tx, await putFacts(tx, account, facts, cause), { trade: hearing, readBack: null });
        return wakesOf(tx, account);
      }),
    undeliveredWakes: (accounts) => undeliveredWakes(pool, accounts),
    wakeDelivered: async (eventIds) => {
      await pool.query({ ...wakeDelivered, values: [eventIds] });
    },
  };
}

const live: Statement = {
  name: 'trades-live',
  text: `select id as "tradeId", substr(position_key, 3) as "positionId", remaining_lots::text as "remainingLots" from trade
    where account_id = $1::bigint and state in ('WORKING','OPEN','CLOSING','NEEDS_REVIEW') order by created_at, id`,
};

async function liveTrades(pool: Pool, account: AccountId): Promise<readonly LiveTrade[]> {
  const { rows } = await pool.query<LiveTrade>({ ...live, values: [account] });
  return rows.map((row) => ({ ...row, remainingLots: lots(row.remainingLots) }));
}

const wakes: Statement = {
  name: 'wakes-undelivered',
  text: `select id::text as "eventId", account_id::text as "accountId", trade_id as "tradeId", type from event_log
    where wakes and delivered_at is null and account_id = any($1::bigint[]) order by id`,
};
const wakeDelivered: Statement = {
  name: 'wakes-delivered',
  text: 'update event_log set delivered_at = clock_timestamp() where id = any($1::bigint[]) and wakes and delivered_at is null',
};

async function undeliveredWakes(pool: Pool, accounts: readonly AccountId[]): Promise<readonly Wake[]> {
  const { rows } = await pool.query<Wake>({ ...wakes, values: [accounts] });
  return rows.map((row) => ({ ...row, accountId: accountId(row.accountId), tradeId: tradeId(row.tradeId) }));
}
