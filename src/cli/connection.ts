import type { Client, Connection } from '@temporalio/client';
import { hostname, userInfo } from 'node:os';
import { systemClock, type Clock } from '../clock.ts';
import { configOfThisProcess } from '../config.ts';
import type { OpenRecords } from '../db/records.ts';
import type { Steering } from '../steering/trades.ts';
import type { AccountRecord } from '../trading/records.ts';
import { addressesOf, type Addresses } from './addresses.ts';
import { unreachablePart } from './failure.ts';

// Clients are loaded only where they are used: help and refusals of what was typed answer at once.

/** The book of record of a running Belay. */
export interface Book {
  readonly records: OpenRecords;
  readonly accounts: readonly AccountRecord[];
  readonly clock: Clock;
  /** Who asks, for the audit: the name of the operating system's user. */
  readonly by: string;
}

/** The book, and the workflows that change it. */
export interface Belay extends Book {
  readonly client: Client;
  readonly steering: Steering;
}

const connectWithinMs = 3_000;

/** Lends the book for one piece of work and gives it back. @throws CliFailure (unreachable) */
export async function withBook<Result>(work: (book: Book) => Promise<Result>): Promise<Result> {
  return openedBook(await addressesOf(configOfThisProcess()), work);
}

/** Lends book and workflows for one piece of work. @throws CliFailure (unreachable) */
export async function withBelay<Result>(work: (belay: Belay) => Promise<Result>): Promise<Result> {
  const addresses = await addressesOf(configOfThisProcess());
  return openedBook(addresses, async (book) => {
    const { Client } = await import('@temporalio/client');
    const { createSteering } = await import('../steering/trades.ts');
    const connection = await connected(addresses.temporal);
    try {
      const identity = `cli/${hostname()}/${process.pid}`;
      const client = new Client({ connection, namespace: addresses.namespace, identity });
      return await work({ ...book, client, steering: createSteering({ client, clock: book.clock }) });
    } finally {
      await connection.close();
    }
  });
}

async function openedBook<Result>({ databaseUrl }: Addresses, work: (book: Book) => Promise<Result>): Promise<Result> {
  const clock = systemClock;
  const { createRecords } = await import('../db/records.ts');
  const records = createRecords({ url: databaseUrl, connections: 4 });
  try {
    const accounts = await within(clock, records.accounts());
    if (accounts === null)
      throw unreachablePart('database', hostOf(databaseUrl), `no answer within ${connectWithinMs / 1_000} s`);
    return await work({ records, accounts, clock, by: userInfo().username });
  } finally {
    await records.close();
  }
}

async function connected(address: string): Promise<Connection> {
  const { Connection: Connections } = await import('@temporalio/client');
  try {
    return await Connections.connect({ address, connectTimeout: connectWithinMs });
  } catch (error) {
    // The SDK's own error names neither the address nor the way out.
    throw unreachablePart('temporal', address, error instanceof Error ? error.message : String(error));
  }
}

/** `null` when it takes too long. */
async function within<Value>(clock: Clock, work: Promise<Value>): Promise<Value | null> {
  const done = new AbortController();
  const tooLate = clock.sleep(connectWithinMs, done.signal).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    done.abort();
  }
}

const hostOf = (url: string) => new URL(url).host;
