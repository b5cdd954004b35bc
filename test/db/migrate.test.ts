import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { entities } from '../../src/db/entities.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { freshDatabase, type FreshDatabase } from '../support/database.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function asOwner<Row>(query: string): Promise<readonly Row[]> {
  const owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  const { rows } = await owner.query(query);
  await owner.end();
  return rows as Row[];
}

describe('migrating', () => {
  test('by several processes at once, from nothing, happens once', async () => {
    await asOwner('drop schema public cascade; create schema public');
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    expect(await asOwner('select name from belay_migrations order by id')).toEqual([
      { name: '0001-book-of-record' },
      { name: '0002-least-privilege' },
    ]);
  });

  test('leaves tables that have exactly the columns of the entities', async () => {
    const orm = await MikroORM.init({ clientUrl: database.url, entities: [...entities], logger: () => {} });
    const modelled = [...orm.getMetadata().getAll().values()].flatMap(({ tableName, properties }) =>
      Object.values(properties).flatMap(({ fieldNames }) => fieldNames.map((column) => `${tableName}.${column}`)),
    );
    await orm.close(true);
    const columns = await asOwner<{ name: string }>(
      `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public' and table_name <> 'belay_migrations'`,
    );
    expect(modelled.toSorted()).toEqual(columns.map(({ name }) => name).toSorted());
  });
});

describe('a connection of the pool', () => {
  test('owns nothing and cannot switch a guard off', async () => {
    const pool = createPool({ url: database.url });
    expect((await pool.query('select current_user')).rows).toEqual([{ current_user: 'belay_app' }]);
    await expect(pool.query('alter table audit_log disable trigger all')).rejects.toThrow('must be owner');
    await expect(pool.query('set session_replication_role = replica')).rejects.toThrow('permission denied');
    await expect(pool.query('truncate audit_log')).rejects.toThrow('permission denied');
    await expect(pool.query('delete from broker_deal')).rejects.toThrow('permission denied');
    await expect(pool.query('update audit_log set actor = actor')).rejects.toThrow('permission denied');
    await expect(pool.query(`insert into legal_edge values ('trade', 'CLOSED', 'OPEN')`)).rejects.toThrow(
      'permission denied',
    );
    await pool.end();
  });

  test('that is cut at rest or in the middle of a transaction is replaced', async () => {
    const pool = createPool({ url: database.url, connections: 2 });
    const [busy, idle] = [await pool.connect(), await pool.connect()];
    await busy.query('begin');
    idle.release();
    const noticed = new Promise((resolve) => pool.once('remove', resolve));
    await asOwner(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await expect(busy.query('select 1')).rejects.toThrow();
    await noticed;
    busy.release(new Error('cut'));
    expect((await pool.query('select current_user')).rows).toEqual([{ current_user: 'belay_app' }]);
    await pool.end();
  });

  test('is refused while it could switch one off', async () => {
    await asOwner(`do $$ begin create role belay_test_owner login password 'secret'; exception when duplicate_object then null; end $$;
      alter table account owner to belay_test_owner; grant usage on schema public to belay_test_owner`);
    const url = new URL(database.url);
    [url.username, url.password] = ['belay_test_owner', 'secret'];
    const pool = createPool({ url: url.href });
    await expect(pool.query('select 1')).rejects.toThrow('must not own its tables');
    await pool.end();
  });
});
