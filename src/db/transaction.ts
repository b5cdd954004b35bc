import type pg from 'pg';
import type { AccountId, CommandId, TradeId } from '../domain/ids.ts';
import { InvariantViolated } from '../domain/outcome.ts';
import type { Pool } from './pool.ts';

/** A prepared statement: parsed once per connection under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export const watchesChanged = 'belay_watches';

export interface Transaction {
  rows<Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Number of rows the statement touched. */
  run(statement: Statement, values: readonly unknown[]): Promise<number>;
  /**
   * The last statements of the step: the commit follows them at once, without waiting for their answers, so nothing may hang on
   * those but what the step returns. One that fails turns the commit into a rollback.
   */
  lastly<Answers>(statements: Promise<Answers>): Promise<Answers>;
  /** Tells the price watchers, once the commit is through, that armed levels changed. */
  watchesChanged(): void;
}

/** The account whose row is locked first, or the trade or command whose account is. */
export type Locked = { readonly account: AccountId } | { readonly trade: TradeId } | { readonly command: CommandId };

const setActor: Statement = { name: 'actor', text: `select set_config('app.actor', $1, true)` };
const lockAccount: Statement = {
  name: 'lock-account',
  text: 'select id from account where id = $1::bigint for update',
};
const lockTradesAccount: Statement = {
  name: 'lock-trades-account',
  text: 'select a.id from account a where a.id = (select account_id from trade where id = $1) for update',
};
const lockCommandsAccount: Statement = {
  name: 'lock-commands-account',
  text: 'select a.id from account a where a.id = (select account_id from broker_command where id = $1) for update',
};

/** Deadlock and serialization failure: the whole step is simply taken again. */
const repeatable: ReadonlySet<string> = new Set(['40P01', '40001']);

/** One atomic step in the name of `actor`, taken again when the database asks for it. */
export async function inTransaction<Result>(
  pool: Pool,
  scope: { readonly locked: Locked; readonly actor: string },
  step: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(pool, scope, step);
    } catch (error) {
      if (attempt >= 5 || !repeatable.has((error as { code?: string }).code ?? '')) throw error;
    }
  }
}

async function once<Result>(
  pool: Pool,
  scope: { readonly locked: Locked; readonly actor: string },
  step: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const { tx, notify, committed } = transactionOn(client);
    const [, result] = await both(begin(client, tx, scope), step(tx));
    await committed();
    if (notify()) await tellWatchers(client);
    return result;
  } catch (error) {
    broken = await rollBack(client);
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * The step's first statements travel with the lock: the server takes them in order, so they see what the lock guards, and after a
 * refused lock it refuses them too. Nothing is left under way when this returns; what failed first is thrown.
 */
async function both<Begun, Taken>(begun: Promise<Begun>, taken: Promise<Taken>): Promise<[Begun, Taken]> {
  await Promise.allSettled([begun, taken]);
  return Promise.all([begun, taken]);
}

async function begin(
  client: pg.PoolClient,
  tx: Transaction,
  { locked, actor }: { readonly locked: Locked; readonly actor: string },
): Promise<void> {
  await Promise.all([client.query('begin'), tx.rows(setActor, [actor]), lock(tx, locked)]);
}

function lock(tx: Transaction, locked: Locked): Promise<unknown> {
  if ('account' in locked) return tx.rows(lockAccount, [locked.account]);
  return 'trade' in locked
    ? tx.rows(lockTradesAccount, [locked.trade])
    : tx.rows(lockCommandsAccount, [locked.command]);
}

interface Running {
  readonly tx: Transaction;
  readonly notify: () => boolean;
  readonly committed: () => Promise<unknown>;
}

function transactionOn(client: pg.PoolClient): Running {
  let changed = false;
  let commit: Promise<unknown> | null = null;
  const query = (statement: Statement, values: readonly unknown[]) => {
    if (commit !== null) throw new InvariantViolated(`statement "${statement.name}" came after the commit of its step`);
    return client.query({ ...statement, values: [...values] });
  };
  return {
    notify: () => changed,
    committed: () => (commit ??= client.query('commit')),
    tx: {
      rows: async <Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[]) =>
        (await query(statement, values)).rows as Row[],
      run: async (statement, values) => (await query(statement, values)).rowCount ?? 0,
      lastly: async (statements) => {
        commit = client.query('commit');
        await Promise.allSettled([statements, commit]);
        return statements;
      },
      watchesChanged: () => {
        changed = true;
      },
    },
  };
}

/** After the commit, because NOTIFY inside a transaction queues all commits behind one lock. */
async function tellWatchers(client: pg.PoolClient): Promise<void> {
  try {
    await client.query(`notify ${watchesChanged}`);
  } catch {
    // The step is committed; the watchers read the rows again by themselves within seconds.
  }
}

/** The error to throw the connection away with, or `undefined` when it may be used again. */
async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    // A connection that cannot roll back is gone, and the server has rolled back with it.
    return error as Error;
  }
}
