import pg from 'pg';
import type { Stand } from './stand.ts';

/** What a step costs that no design can do without, each on a connection of its own, in milliseconds. */
export interface Probes {
  /** One row inserted and synchronously committed in the database the engine uses. */
  commit(): Promise<number>;
  /** One snapshot of the account read at the broker. */
  brokerRead(): Promise<number>;
  stop(): Promise<void>;
}

const WARM_UP = 20;

export async function startProbes({ parts, account }: Stand): Promise<Probes> {
  const client = new pg.Client({ connectionString: parts.config.databaseUrl ?? '' });
  await client.connect();
  await client.query('create table bench_probe (id bigint generated always as identity, body text)');
  const insert = { name: 'probe', text: 'insert into bench_probe (body) values ($1)', values: ['x'.repeat(200)] };
  const connector = parts.access.connectorFor(account.platform);
  if (connector === null) throw new Error('no connector serves the bench account');
  const broker = parts.access.reach(account);
  const probes: Probes = {
    commit: () => timed(() => client.query(insert)),
    brokerRead: () => timed(() => connector.snapshot(broker)),
    stop: () => client.end(),
  };
  for (let nth = 0; nth < WARM_UP; nth += 1) {
    await probes.commit();
    await probes.brokerRead();
  }
  return probes;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - startedAt) / 1e6;
}
