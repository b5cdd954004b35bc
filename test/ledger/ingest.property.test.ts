import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { price } from '../../src/domain/decimal.ts';
import type { Fact } from '../../src/domain/facts.ts';
import { positionId } from '../../src/domain/ids.ts';
import {
  balance,
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  confirmed,
  deal,
  fresh,
  longRequest,
  openPlan,
  openWire,
  order,
  position,
  recorded,
  verifiedAccount,
  type BookWorld,
} from '../db/book-world.ts';

/** All facts of one life: an open filled in two parts, a part closed by hand, the rest by the stop or by our own close. */
interface Life {
  readonly world: BookWorld;
  readonly trade: string;
  readonly facts: readonly Fact[];
}

async function begin(shared: BookWorld, end: 'by the stop' | 'by our command'): Promise<Life> {
  const world = { ...shared, account: await verifiedAccount(shared.records, `ACCOUNT-${fresh()}`) };
  const request = longRequest(world.account);
  await recorded(world, request);
  const open = claimed(await world.records.claim(openPlan(request), openWire, before(null), 2_000));
  await world.records.settle(open.commandId, 1, confirmed(), []);
  const facts = [...opening(open.tag ?? 0), ...byHand(), ...(end === 'by the stop' ? byStop() : [])];
  if (end === 'by the stop') return { world, trade: request.tradeId, facts };
  // The book must know the position before a close can be claimed; the facts are then told once more.
  await world.records.ingest(world.account, [...opening(open.tag ?? 0), ...byHand()], 'stream', null);
  const close = claimed(
    await world.records.claim(closePlan(request, 'c'), closeWire('P', '0.4'), before('0.4', 'P'), 2_000),
  );
  return { world, trade: request.tradeId, facts: [...facts, ...byUs(close.tag ?? 0)] };
}

const at = 1_700_000_000_000;
const opening = (tag: number): readonly Fact[] => [
  order('o1', 'BUY', '0.6', '0.2', { tag, positionId: positionId('P'), state: 'PARTIALLY_FILLED', updatedAt: at }),
  order('o1', 'BUY', '0.6', '0.6', { tag, positionId: positionId('P'), updatedAt: at + 10 }),
  deal('d1', 'o1', 'P', 'IN', '0.2', { tag, price: price('1.085') }),
  deal('d2', 'o1', 'P', 'IN', '0.4', { tag, price: price('1.0853') }),
  position('P', '0.2', '1.08', at + 5),
  position('P', '0.6', '1.08', at + 11),
];
const byHand = (): readonly Fact[] => [
  order('o2', 'SELL', '0.2', '0.2', { positionId: positionId('P'), reason: 'CLIENT', updatedAt: at + 20 }),
  deal('d3', 'o2', 'P', 'OUT', '0.2', { reason: 'CLIENT' }),
  position('P', '0.4', '1.081', at + 21),
];
const byStop = (): readonly Fact[] => [
  order('o3', 'SELL', '0.4', '0.4', { positionId: positionId('P'), reason: 'SL', updatedAt: at + 30 }),
  deal('d4', 'o3', 'P', 'OUT', '0.3', { reason: 'SL' }),
  deal('d5', 'o3', 'P', 'OUT', '0.1', { reason: 'SL' }),
  balance('1000', at + 31),
  balance('999', at + 12),
];
const byUs = (tag: number): readonly Fact[] => [
  order('o3', 'SELL', '0.4', '0.4', { tag, positionId: positionId('P'), updatedAt: at + 30 }),
  deal('d4', 'o3', 'P', 'OUT', '0.3', { tag }),
  deal('d5', 'o3', 'P', 'OUT', '0.1', { tag }),
];

/**
 * Everything the book holds of this life that may not depend on the order of arrival. A level is priced and armed only if the trade
 * was ever known to be open, which is history and not a fact: of watches only "none is left" is compared.
 */
async function rowsOf({ world, trade }: Life): Promise<unknown> {
  const { rows } = await world.records.pool.query({
    text: `select
      (select to_jsonb(t) - '{id,account_id,version,created_at,protect_by,request}'::text[] from trade t where t.id = $1) as trade,
      (select jsonb_agg(to_jsonb(g) - '{id,trade_id,version,watch_id,command_id,price}'::text[] order by level) from profit_target g where trade_id = $1) as targets,
      (select count(*)::int from price_watch w where trade_id = $1 and state = 'ARMED') as armed,
      (select jsonb_agg(to_jsonb(o) - '{id,account_id,trade_id,command_id,version,created_at,tag}'::text[] order by broker_order_id)
        from trade_order o where account_id = $2::bigint) as orders,
      (select jsonb_agg(to_jsonb(d) - '{id,account_id,trade_id,order_id}'::text[] order by broker_deal_id)
        from broker_deal d where account_id = $2::bigint) as deals,
      (select count(*)::int from broker_deal d where account_id = $2::bigint and trade_id is null) as homeless,
      (select to_jsonb(p) - '{account_id,tag}'::text[] from broker_position p where account_id = $2::bigint) as position,
      (select to_jsonb(b) - 'account_id' from account_balance b where account_id = $2::bigint) as balance`,
    values: [trade, world.account],
  });
  return rows[0];
}

describe('facts in any order, in any batches, told any number of times', () => {
  let shared: BookWorld;
  beforeAll(async () => {
    shared = await bookWorld();
  });
  afterAll(() => shared.end());

  test.each(['by the stop', 'by our command'] as const)(
    'end in the same rows when a trade is closed %s',
    async (end) => {
      const plain = await begin(shared, end);
      await plain.world.records.ingest(plain.world.account, plain.facts, 'stream', null);
      const expected = await rowsOf(plain);
      expect(expected).toMatchObject({
        trade: { state: 'CLOSED', opened_lots: 0.6, closed_lots: 0.6 },
        homeless: 0,
        armed: 0,
      });

      const schedule = fc.tuple(fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 4 }), fc.boolean());
      await fc.assert(
        fc.asyncProperty(schedule, async ([numbers, batch, twice]) => {
          const life = await begin(shared, end);
          const shuffled = life.facts
            .map((fact) => ({ fact, key: numbers.next().value ?? 0 }))
            .toSorted((a, b) => a.key - b.key);
          const told = [...shuffled, ...(twice ? shuffled.toReversed() : [])].map(({ fact }) => fact);
          for (let from = 0; from < told.length; from += batch) {
            await life.world.records.ingest(life.world.account, told.slice(from, from + batch), 'stream', null);
          }
          expect(await rowsOf(life)).toEqual(expected);
        }),
        { numRuns: 25 },
      );
    },
  );
});
