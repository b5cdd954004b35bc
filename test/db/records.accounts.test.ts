import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accountId } from '../../src/domain/ids.ts';
import { AccountNameTaken } from '../../src/db/accounts.ts';
import { createRecords } from '../../src/db/records.ts';
import { bookWorld, newAccount, type BookWorld } from './book-world.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

describe('an account', () => {
  test('is added UNVERIFIED, once per name', async () => {
    const added = await world.records.addAccount(newAccount('ONE'));
    expect(added).toMatchObject({
      name: 'ONE',
      status: 'UNVERIFIED',
      tradingState: 'ACTIVE',
      executionMode: 'live',
      bounds: {},
    });
    expect(await world.records.addAccount(newAccount('ONE'))).toEqual(added);
  });

  test('added by two processes at once is one', async () => {
    const other = createRecords({ url: world.url });
    const both = await Promise.all([world.records.addAccount(newAccount('TWO')), other.addAccount(newAccount('TWO'))]);
    await other.close();
    expect(both[0]).toEqual(both[1]);
  });

  test('of another login under a known name is refused', async () => {
    await world.records.addAccount(newAccount('THREE'));
    await expect(world.records.addAccount({ ...newAccount('THREE'), login: 'other' })).rejects.toThrow(
      AccountNameTaken,
    );
  });

  test('moves to another endpoint and is then found there', async () => {
    const { id } = await world.records.addAccount(newAccount('FOUR'));
    expect(await world.records.moveAccount(id, '127.0.0.1:4711', 'up')).toMatchObject({ endpoint: '127.0.0.1:4711' });
    expect(await world.records.account(id)).toMatchObject({ endpoint: '127.0.0.1:4711' });
  });

  test('is switched with one audit row and one event per change', async () => {
    const { id } = await world.records.addAccount(newAccount('FIVE'));
    await world.records.switchAccount(id, { executionMode: 'shadow' }, 'ann');
    expect(
      await world.records.switchAccount(id, { executionMode: 'shadow', tradingState: 'HALTED' }, 'ann'),
    ).toMatchObject({
      executionMode: 'shadow',
      tradingState: 'HALTED',
    });
    await world.records.switchAccount(id, { tradingState: 'HALTED' }, 'ann');
    const count = `select (select count(*)::int from audit_log where chain_id = $1::bigint and actor = 'ann') as audit,
      (select count(*)::int from event_log where account_id = $1::bigint and type = 'account.switched') as events`;
    expect((await world.records.pool.query({ text: count, values: [id] })).rows).toEqual([{ audit: 2, events: 2 }]);
  });

  test.each(['999999', 'SIM-HEDGE', '', '1; drop table account'])('%p is nobody', async (id) => {
    expect(await world.records.account(accountId(id))).toBeNull();
  });
});

describe('a session', () => {
  test('taken over refuses the holder before', async () => {
    const first = await world.records.takeSession('sim/1', 'market-1');
    expect(first.cursors.size).toBe(0);
    const cursors = new Map([['EURUSD', { sequence: 5, time: 1_700_000_000_123 }]]);
    expect(await world.records.saveCursors('sim/1', first.epoch, cursors)).toBe(true);
    const second = await world.records.takeSession('sim/1', 'market-2');
    expect(second.epoch).toBe(first.epoch + 1);
    expect(second.cursors).toEqual(cursors);
    expect(await world.records.saveCursors('sim/1', first.epoch, new Map([['EURUSD', { sequence: 6, time: 1 }]]))).toBe(
      false,
    );
    expect((await world.records.takeSession('sim/1', 'market-3')).cursors).toEqual(cursors);
  });

  test('never moves a cursor back, and is kept alive without cursors', async () => {
    const { epoch } = await world.records.takeSession('sim/2', 'market-1');
    await world.records.saveCursors('sim/2', epoch, new Map([['EURUSD', { sequence: 5, time: 5 }]]));
    await world.records.saveCursors('sim/2', epoch, new Map([['EURUSD', { sequence: 4, time: 4 }]]));
    expect(await world.records.saveCursors('sim/2', epoch, new Map())).toBe(true);
    expect((await world.records.takeSession('sim/2', 'market-1')).cursors.get('EURUSD')).toEqual({
      sequence: 5,
      time: 5,
    });
  });
});
