import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/ports.ts';
import { freshDatabase, type FreshDatabase } from '../support/database.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';
import { belay } from './stand.ts';

let folder: TempFolder;
let database: FreshDatabase;
let nobody = '';

beforeAll(async () => {
  [folder, database] = await Promise.all([tempFolder(), freshDatabase()]);
  nobody = `127.0.0.1:${await freePort(null)}`;
});

afterAll(async () => {
  await Promise.all([folder.remove(), database.drop()]);
});

const running = () => ({
  temporal: nobody,
  namespace: 'default',
  databaseUrl: database.url,
  pid: process.pid,
  home: 'x',
});

/** A data folder with the note that `npm start` leaves in it. */
async function homeWith(name: string, note: object): Promise<Readonly<Record<string, string>>> {
  const home = join(folder.path, name);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'belay.json'), JSON.stringify(note), { mode: 0o600 });
  return { BELAY_HOME: home };
}

describe('a running Belay', () => {
  test('is found by its data folder', async () => {
    const said = await belay('account ls --json', await homeWith('found', running()));
    expect([said.code, said.json()]).toEqual([0, { accounts: [] }]);
  });

  test('is found by the environment where that names both', async () => {
    const said = await belay('ps --json', { DATABASE_URL: database.url, TEMPORAL_ADDRESS: nobody });
    expect([said.code, said.json()]).toEqual([0, { trades: [], cursor: null }]);
  });
});

describe('a Belay that cannot be reached: 6, and npm start as the next command', () => {
  test.each([
    ['nothing runs on the data folder', async () => ({ BELAY_HOME: join(folder.path, 'nowhere') })],
    ['the one that ran there has ended', async () => homeWith('ended', { ...running(), pid: 2 ** 22 })],
    ['its note is unreadable', async () => homeWith('garbled', { pid: 'x' })],
    [
      'the database is away',
      async () => homeWith('no-database', { ...running(), databaseUrl: `postgres://belay@${nobody}/belay` }),
    ],
    ['Temporal is away', async () => homeWith('no-temporal', running())],
  ])('%s', async (_why, env) => {
    const { code, stdout, stderr } = await belay('pause --all', await env());
    expect([code, stdout]).toEqual([6, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^✘ not reachable: /),
      expect.any(String),
      expect.stringMatching(/npm start$/),
    ]);
  });

  test('an environment that breaks its rules is usage', async () => {
    expect((await belay('ps', { BELAY_HOM: 'x' })).code).toBe(2);
  });
});
