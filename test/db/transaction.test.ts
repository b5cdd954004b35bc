import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inTransaction, type Statement } from '../../src/db/transaction.ts';
import { tradeId } from '../../src/domain/ids.ts';
import { bookWorld, type BookWorld } from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

const note: Statement = {
  name: 'test-note',
  text: `insert into event_log (account_id, type, body) values ($1::bigint, $2, '{}')`,
};
const impossible: Statement = { name: 'test-impossible', text: 'select 1 / $1::int' };
const notes: Statement = { name: 'test-notes', text: 'select id from event_log where type = $1' };

const noted = async (type: string) => (await world.records.pool.query({ ...notes, values: [type] })).rowCount;
const scope = () => ({ locked: { account: world.account }, actor: 'test' });

describe('a step whose commit follows its last statements at once', () => {
  test('is durable and answers what they answered', async () => {
    const rows = await inTransaction(world.records.pool, scope(), (tx) =>
      tx.lastly(Promise.all([tx.run(note, [world.account, 'last-good']), tx.rows(notes, ['last-good'])])),
    );
    expect(rows[1]).toHaveLength(1);
    expect(await noted('last-good')).toBe(1);
  });

  test('leaves nothing behind when one of them fails', async () => {
    const step = inTransaction(world.records.pool, scope(), (tx) =>
      tx.lastly(Promise.all([tx.run(note, [world.account, 'last-bad']), tx.run(impossible, [0])])),
    );
    await expect(step).rejects.toThrow('division by zero');
    expect(await noted('last-bad')).toBe(0);
  });

  test('is refused a statement that comes after', async () => {
    const step = inTransaction(world.records.pool, scope(), async (tx) => {
      await tx.lastly(tx.run(note, [world.account, 'last-then']));
      return tx.run(note, [world.account, 'too-late']);
    });
    await expect(step).rejects.toThrow('came after the commit');
    expect(await noted('too-late')).toBe(0);
  });
});

describe('a step that cannot have its lock', () => {
  test('writes nothing, although its statements were under way with the lock', async () => {
    const refused = { locked: { trade: tradeId('no uuid') }, actor: 'test' };
    const step = inTransaction(world.records.pool, refused, (tx) => tx.run(note, [world.account, 'unlocked']));
    await expect(step).rejects.toThrow('invalid input syntax');
    expect(await noted('unlocked')).toBe(0);
  });

  test('answers for a trade that does not exist like for one that has nothing to change', async () => {
    const nobody = { locked: { trade: tradeId('00000000-0000-4000-8000-000000000000') }, actor: 'test' };
    expect(await inTransaction(world.records.pool, nobody, (tx) => tx.rows(notes, ['never']))).toEqual([]);
  });
});
