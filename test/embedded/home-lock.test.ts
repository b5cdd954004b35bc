import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireHome, HomeInUse } from '../../src/embedded/home-lock.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

describe('the lock of a data folder', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = await tempFolder();
  });
  afterAll(() => folder.remove());

  test('a second Belay is refused with exit code 8 and told how to run beside', async () => {
    const first = await acquireHome(folder.path);
    const refusal = await acquireHome(folder.path).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(HomeInUse);
    expect(refusal).toMatchObject({ exitCode: 8, pid: process.pid, message: expect.stringContaining('BELAY_HOME=') });
    await first.release();
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('of several that start at once exactly one gets it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireHome(folder.path)));
    const got = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));

    expect(got).toHaveLength(1);
    await got[0]?.release();
  });

  test.each([
    ['of a process that is gone', JSON.stringify({ pid: 4_194_300, startedAt: 'then' })],
    [
      'whose number belongs to another process since a reboot',
      JSON.stringify({ pid: process.pid, startedAt: 'before the reboot' }),
    ],
    ['that is no lock at all', 'half a li'],
  ])('a lock %s is taken over', async (_name, content) => {
    await writeFile(join(folder.path, 'lock'), content);
    const lock = await acquireHome(folder.path);

    await expect(acquireHome(folder.path)).rejects.toBeInstanceOf(HomeInUse);
    await lock.release();
  });
});
