import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/embedded/run.ts';
import { checkout } from '../support/checkout.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

/** Stands in for npm: notes that it ran, takes a moment, and ends as NPM_ENDS says. */
const npm = `
import { appendFileSync } from 'node:fs';
appendFileSync('installs', process.argv.slice(2).join(' ') + '\\n');
await new Promise((resolve) => setTimeout(resolve, 300));
process.exit(Number(process.env.NPM_ENDS ?? 0));
`;

describe('the bootstrap of a fresh checkout', () => {
  let folder: TempFolder;
  const at = (name: string) => join(folder.path, name);
  const bootstrap = (env: Record<string, string> = {}) =>
    run({
      command: process.execPath,
      args: [at('scripts/bootstrap.mjs')],
      env: { ...process.env, npm_execpath: at('npm.mjs'), ...env },
      cwd: folder.path,
      withinMs: 10_000,
    });
  const installs = async () =>
    (await readFile(at('installs'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

  beforeEach(async () => {
    folder = await tempFolder();
    await mkdir(at('scripts'));
    await cp(join(checkout, 'scripts/bootstrap.mjs'), at('scripts/bootstrap.mjs'));
    await writeFile(at('package.json'), '{}');
    await writeFile(at('package-lock.json'), '{}');
    await writeFile(at('npm.mjs'), npm);
  });
  afterEach(() => folder.remove());

  test('installs once, says so on standard error only, and then has nothing to do', async () => {
    const first = await bootstrap();
    const second = await bootstrap();

    expect(first).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('installing') });
    expect(second).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await installs()).toEqual(['install --no-audit --no-fund --loglevel=error']);
  });

  test('two at once install once, and the waiting one says whom it waits for', async () => {
    const both = await Promise.all([bootstrap(), bootstrap()]);

    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ stderr }) => stderr).join('')).toMatch(/waiting for process \d+, which installs/);
    expect(await installs()).toHaveLength(1);
  });

  test('installs again when the lock file changed', async () => {
    await bootstrap();
    await writeFile(at('package-lock.json'), '{"lockfileVersion":3}');
    await bootstrap();

    expect(await installs()).toHaveLength(2);
  });

  test('a failed install ends with its code and is tried again next time', async () => {
    const failed = await bootstrap({ NPM_ENDS: '7' });
    expect(failed).toMatchObject({ code: 7, stderr: expect.stringContaining('npm install ended with code 7') });

    expect((await bootstrap()).code).toBe(0);
    expect(await installs()).toHaveLength(2);
  });

  test('a lock whose owner is dead is taken over', async () => {
    await mkdir(at('node_modules/.belay-installing'), { recursive: true });
    await writeFile(at('node_modules/.belay-installing/pid'), '4194300');

    expect((await bootstrap()).code).toBe(0);
    expect(await installs()).toHaveLength(1);
  });
});
