import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { balance, bookWorld, position, type BookWorld } from './book-world.ts';

let world: BookWorld;
let admin: pg.Client;

beforeAll(async () => {
  world = await bookWorld();
  admin = new pg.Client({ connectionString: world.url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await world.end();
});

/** Waits until a connection waits for a lock, and ends it. */
async function endTheWaiting(): Promise<void> {
  const ended = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const until = performance.now() + 5_000;
  for (let found = 0; found === 0 && performance.now() < until;) found = (await admin.query(ended)).rowCount ?? 0;
}

describe('a database that goes away during an ingest', () => {
  test('rejects the ingest as a whole, with no rejection that nobody handles', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    await admin.query('begin');
    await admin.query('select id from account for update');

    const ingest = world.records.ingest(
      world.account,
      [balance('100', 1), position('9', '0.1', null, 1)],
      'stream',
      null,
    );
    const outcome = ingest.then(
      () => 'done',
      (error: unknown) => String(error),
    );
    await endTheWaiting();
    expect(await outcome).toMatch(/terminat/u);
    await admin.query('rollback');
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
