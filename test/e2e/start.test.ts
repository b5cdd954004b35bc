import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tempHome, type TempFolder } from '../support/temp-folder.ts';
import { startUp, survivors, type UpProcess } from './up-process.ts';

let folder: TempFolder;
let home: string;
const started: UpProcess[] = [];

beforeAll(async () => {
  folder = await tempHome();
  home = folder.path;
});
afterAll(async () => {
  for (const one of started) one.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  await folder.remove();
});

function up(...args: readonly string[]): UpProcess {
  const one = startUp(args, home);
  started.push(one);
  return one;
}

const serves = /^\{"home":/u;

// One home through all of it: each test begins where the one before left the data.
describe('npm start on one data folder', () => {
  test('is refused a second time while the first runs, and Ctrl-C leaves no process', async () => {
    const first = up('--serve', '--json');
    expect(await first.firstLine).toMatch(serves);
    const below = await first.descendants();
    expect(below.length).toBeGreaterThan(8);
    const file = join(home, 'belay.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      home,
      pid: first.pid,
      temporal: expect.any(String),
      databaseUrl: expect.stringContaining('postgres://'),
    });

    const second = up('--once', '--json');
    expect(await second.ended).toBe(8);
    expect(second.stderr()).toContain(`Belay already runs on ${home} (process ${first.pid})`);
    expect(second.lines).toEqual([]);

    first.kill('SIGINT');
    first.kill('SIGINT');
    expect(await first.ended).toBe(130);
    expect(await survivors(below)).toEqual([]);
    await expect(access(file)).rejects.toThrow(/ENOENT/u);
  }, 60_000);

  test('killed with signal 9 leaves no process', async () => {
    const killed = up('--once', '--json');
    expect(await killed.firstLine).toMatch(serves);
    const below = await killed.descendants();
    killed.kill('SIGKILL');
    expect(await survivors([killed.pid, ...below])).toEqual([]);
  }, 60_000);

  test('then runs the demo to its end, the trades that were cut off included', async () => {
    const third = up('--once', '--json');
    const code = await third.ended;
    expect({ code, stderr: third.stderr() }).toEqual({
      code: 0,
      stderr: expect.stringContaining('ledger: ours = broker ✔'),
    });
    const [addresses, summary, ...more] = third.lines.map((line): unknown => JSON.parse(line));
    expect(more).toEqual([]);
    expect(Object.keys(addresses as object)).toEqual(['home', 'temporal', 'temporalUi', 'postgres', 'simulator']);
    expect(addresses).toMatchObject({ home, postgres: expect.not.stringMatching(/:[^/@]+@/u) });
    expect(summary).toMatchObject({
      ok: true,
      trades: 1,
      targetsFired: 3,
      duplicates: 0,
      unknown: 0,
      booksEqual: true,
      kills: 1,
    });
    expect(third.stderr()).toContain('while no engine was running');
  }, 90_000);

  test('refuses an option it does not know, and names those it does', async () => {
    const wrong = up('--onec');
    expect(await wrong.ended).toBe(2);
    expect(wrong.stderr()).toMatch(/--onec[^]*--once \| --serve/u);
  });
});
