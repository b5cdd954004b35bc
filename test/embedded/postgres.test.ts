import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { isAlive } from '../../src/embedded/guard.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import type { PartEvent } from '../../src/embedded/supervise.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  let folder: TempFolder;
  let events: PartEvent[];

  const start = async (): Promise<EmbeddedPostgres> => {
    events = [];
    return startPostgres({
      home: folder.path,
      fsync: true,
      port: await freePort(null),
      onEvent: (event) => events.push(event),
    });
  };
  const died = (postgres: EmbeddedPostgres, before: number | null) => async () => {
    await postgres.up();
    expect(postgres.pid()).not.toBe(before);
  };

  beforeAll(async () => {
    folder = await tempFolder();
  });
  afterAll(() => folder.remove());

  test('starts, keeps its rows and its port over a stop, and asks for a password', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start();

    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'select answer from kept')).toBe(42);
    await expect(ask(second.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
    expect((await stat(join(folder.path, 'postgres.password'))).mode & 0o777).toBe(0o600);
    await second.stop();
    expect(second.pid()).toBeNull();
  });

  test('killed with signal 9 it is back at the same address with its rows', async () => {
    const postgres = await start();
    const before = postgres.pid();
    process.kill(before ?? 0, 'SIGKILL');
    await until(() => events.some((event) => event.kind === 'restarted'));

    await died(postgres, before)();
    expect(await ask(postgres.url, 'select answer from kept')).toBe(42);
    expect(events.map((event) => event.kind)).toEqual(['started', 'died', 'restarted']);
    await postgres.stop();
  });

  test('a kill on purpose is told apart and does not count as a death', async () => {
    const postgres = await start();
    for (let kill = 0; kill < 5; kill += 1) {
      await postgres.kill9();
      await until(() => events.filter((event) => event.kind === 'restarted').length === kill + 1);
    }

    expect(events.some((event) => event.kind === 'gave-up')).toBe(false);
    expect(events.filter((event) => event.kind === 'died' && !event.onPurpose)).toEqual([]);
    await postgres.stop();
  });

  test('a pid file whose number belongs to another program now does not stop it', async () => {
    const pidFile = join(await dataFolder(), 'postmaster.pid');
    await writeFile(pidFile, `${process.pid}\n${await dataFolder()}\n1\n1\n\n127.0.0.1\n\n`);
    const postgres = await start();

    expect(await ask(postgres.url, 'select answer from kept')).toBe(42);
    expect(isAlive(process.pid)).toBe(true);
    await postgres.stop();
  });

  test('a data folder of another major version is refused with the way out', async () => {
    const versionFile = join(await dataFolder(), 'PG_VERSION');
    const version = await readFile(versionFile, 'utf8');
    await writeFile(versionFile, '17\n');

    await expect(start()).rejects.toThrow(/written by PostgreSQL 17, this Belay brings 18\. Export/);
    await writeFile(versionFile, version);
  });

  const dataFolder = async () => join(folder.path, 'postgres');
});

async function until(reached: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!reached()) {
    if (performance.now() > end) throw new Error('the state was not reached within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
