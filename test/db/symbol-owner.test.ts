import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  before,
  bookWorld,
  fresh,
  longRequest,
  newAccount,
  openPlan,
  openWire,
  recorded,
  type BookWorld,
} from './book-world.ts';
import type { AccountId } from '../../src/domain/ids.ts';

let world: BookWorld;
beforeAll(async () => {
  world = await bookWorld();
});
afterAll(() => world.end());

async function account(marginMode: 'NETTING' | 'HEDGING'): Promise<AccountId> {
  const { id, login } = await world.records.addAccount({ ...newAccount(`A${fresh()}`), marginMode });
  const verified = { login, currency: 'USD', marginMode, tradeRefusal: null, symbols: ['EURUSD'], leverage: 100 };
  return (await world.records.accountVerified(id, verified, 'test')).id;
}

async function openOn(id: AccountId) {
  const request = longRequest(id);
  await recorded(world, request);
  const answer = await world.records.claim(openPlan(request), openWire, before(null), 2_000);
  return { request, answer };
}

describe('a symbol of a netting account', () => {
  test('is owned by one live trade', async () => {
    const id = await account('NETTING');
    const first = await openOn(id);
    expect(first.answer.kind).toBe('claimed');
    const second = await openOn(id);
    expect(second.answer).toMatchObject({
      kind: 'denied',
      denial: { code: 'symbol-owned', field: 'symbol', value: 'EURUSD' },
    });
  });

  test('is free again when that trade came to nothing', async () => {
    const id = await account('NETTING');
    const { answer } = await openOn(id);
    if (answer.kind !== 'claimed') throw new Error('not claimed');
    await world.records.settle(answer.command.commandId, 1, { state: 'REJECTED', code: 'other', text: 'no' }, []);
    expect((await openOn(id)).answer.kind).toBe('claimed');
  });

  test('is shared by any number of trades of a hedging account', async () => {
    const id = await account('HEDGING');
    const kinds = [await openOn(id), await openOn(id)].map(({ answer }) => answer.kind);
    expect(kinds).toEqual(['claimed', 'claimed']);
  });
});
