import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Metadata } from '@grpc/grpc-js';
import { create, toJson } from '@bufbuild/protobuf';

import { BookReplySchema, type QuoteReply } from '../../proto/belay/simulator/v1/simulator_pb.js';
import {
  ask,
  bookOf,
  buy,
  clearFaults,
  closePosition,
  dial,
  end,
  failure,
  fault,
  hedge,
  push,
  startProcess,
  stateOf,
  until,
  type Broker,
  type BrokerProcess,
} from './broker.ts';

let directory: string;
const running: BrokerProcess[] = [];
const lines: Broker[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'belay-simulator-'));
});

afterEach(async () => {
  for (const line of lines.splice(0)) line.close();
  for (const broker of running.splice(0)) await end(broker, 'SIGKILL');
  await rm(directory, { recursive: true });
});

async function start(...args: string[]): Promise<{ broker: BrokerProcess; line: Broker }> {
  const broker = await startProcess(...args);
  running.push(broker);
  const line = dial(broker);
  lines.push(line);
  return { broker, line };
}

async function quoteFile(name: string, rows: readonly string[]): Promise<string> {
  const path = join(directory, name);
  const text = ['timestamp_ms,bid,ask', ...rows, ''].join('\n');
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const rows = (count: number) =>
  Array.from({ length: count }, (_, n) => `${1_399_507_200_000 + n},1.3${String(n).padStart(4, '0')},1.4`);

function ticksOf({ broker }: Broker, afterSequence = 0): Promise<QuoteReply[]> {
  return new Promise((resolve, reject) => {
    const found: QuoteReply[] = [];
    const call = broker.getTicks({ account: hedge, symbol: 'EURUSD', afterSequence }, new Metadata(), {});
    call.on('data', (quote) => found.push(quote));
    call.on('error', reject);
    call.on('end', () => resolve(found));
  });
}

const hold = ({ control }: Broker, afterQuotes?: number) =>
  ask(control.holdMarket.bind(control), afterQuotes === undefined ? {} : { afterQuotes });

describe('a broker killed with -9', () => {
  test('comes back with its whole book, ids and effects', async () => {
    const state = ['--state', join(directory, 'state'), '--market', 'manual'];
    const before = await start(...state);
    await push(before.line);
    const { positionId = '' } = await buy(before.line, { tag: 1, lots: '0.3' });
    await closePosition(before.line, positionId, '0.1', 2);
    const book = await bookOf(before.line);
    await end(before.broker, 'SIGKILL');

    const after = await start(...state);
    const again = await bookOf(after.line);
    const asOf = { ...again, balance: book.balance };
    expect(toJson(BookReplySchema, create(BookReplySchema, asOf))).toEqual(toJson(BookReplySchema, book));
    expect(again.balance?.equity).toBe(book.balance?.equity);
    const { deals } = await closePosition(after.line, positionId, '0.2', 3);
    expect(Number(deals[0]?.dealId)).toBeGreaterThan(Math.max(...book.deals.map(({ dealId }) => Number(dealId))));
  });

  test('drops the requests that were parked', async () => {
    const state = ['--state', join(directory, 'state'), '--market', 'manual'];
    const before = await start(...state);
    await push(before.line);
    await fault(before.line, 'park-request');
    const cut = failure(buy(before.line, { tag: 1 }));
    await until(
      () => stateOf(before.line),
      ({ requestsParked }) => requestsParked === 1,
    );
    await end(before.broker, 'SIGKILL');
    expect(await cut).toBe('UNAVAILABLE');
    const after = await start(...state);
    await clearFaults(after.line);
    expect((await bookOf(after.line)).effects).toEqual([]);
  });

  test('goes on with the next quote, and the old ones keep sequence and time', async () => {
    const file = await quoteFile('day.csv.gz', rows(50));
    const args = ['--state', join(directory, 'state'), '--quotes', file, '--speed', '0', '--held'];
    const before = await start(...args);
    await hold(before.line, 20);
    await until(
      () => stateOf(before.line),
      ({ quotes, held }) => quotes === 20 && held,
    );
    const seen = await ticksOf(before.line);
    await end(before.broker, 'SIGKILL');

    const after = await start(...args);
    expect(await stateOf(after.line)).toMatchObject({ quotes: 20, held: true, ended: false });
    await ask(after.line.control.releaseMarket.bind(after.line.control), {});
    await until(
      () => stateOf(after.line),
      ({ ended }) => ended,
    );
    const all = await ticksOf(after.line);
    expect(all.slice(0, 20)).toEqual(seen);
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(all.map(({ sourceTime }) => sourceTime)).toEqual(
      Array.from({ length: 50 }, (_, n) => 1_399_507_200_000 + n),
    );
    expect((await ticksOf(after.line, 48)).map(({ bid }) => bid)).toEqual(['1.30048', '1.30049']);
    expect(await failure(ticksOf(after.line, 51))).toBe('OUT_OF_RANGE');
  });
});

describe('the process', () => {
  test('ends cleanly on SIGTERM and leaves its directory free', async () => {
    const args = ['--state', join(directory, 'state')];
    const { broker } = await start(...args);
    expect(await end(broker, 'SIGTERM')).toBe(0);
    await start(...args);
  });

  test('refuses a port that is taken', async () => {
    const { broker } = await start('--market', 'manual');
    await expect(startProcess('--port', String(broker.port))).rejects.toThrow(/exit 1: .*EADDRINUSE.*/);
  });

  test('refuses a directory another one uses', async () => {
    const args = ['--state', join(directory, 'state')];
    await start(...args);
    await expect(startProcess(...args)).rejects.toThrow(/exit 1: .*is used by process/);
  });

  test('refuses an option it does not know, and one that does not fit', async () => {
    await expect(startProcess('--sped', '2')).rejects.toThrow(/exit 1: .*--sped/);
    await expect(startProcess('--speed', 'fast')).rejects.toThrow(/exit 1: .*--speed/);
  });

  test.each([
    ['2014,1.3', 'expected 3 fields, found 2'],
    ['soon,1.3,1.4', 'timestamp_ms "soon"'],
    ['1399507200001,1.3x,1.4', 'price "1.3x" is not a decimal'],
    ['1399507200001,1.3000001,1.4', 'more than 5 digits'],
    ['1399507200001,1.5,1.4', 'ask 1.4 is below bid 1.5'],
    ['1399507200001,0,1.4', 'price "0" is not positive'],
    ['1399507199000,1.3,1.4', 'before the line above'],
  ])('refuses a file with the line "%s", naming file and line', async (line, reason) => {
    const file = await quoteFile('bad.csv', [...rows(2), line, ...rows(1)]);
    const refusal = startProcess('--quotes', file, '--state', join(directory, 'state'));
    await expect(refusal).rejects.toThrow(`${file}:4: `);
    await expect(refusal).rejects.toThrow(reason);
  });
});
