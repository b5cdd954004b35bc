import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { tradeEdges } from '../../src/domain/trade/state.ts';
import { freshDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

test('the database allows a trade exactly the edges of the one table', async () => {
  const { rows } = await client.query<{ edge: string }>(
    `select from_state || ' → ' || to_state as edge from legal_edge where machine = 'trade' and from_state <> '' order by 1`,
  );
  const table = Object.entries(tradeEdges).flatMap(([from, allowed]) => allowed.map((to) => `${from} → ${to}`));
  expect(rows.map(({ edge }) => edge).sort()).toEqual(table.sort());
});
