import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gone, isAlive } from '../../src/embedded/guard.ts';
import { superviseNode } from '../../src/embedded/node-process.ts';
import type { PartEvent } from '../../src/embedded/supervise.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe('a program under the guard', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = await tempFolder();
  });
  afterAll(() => folder.remove());

  const script = async (name: string, source: string) => {
    const file = join(folder.path, `${name}.mjs`);
    await writeFile(file, source);
    return file;
  };

  test('is gone after its owner was killed with signal 9', async () => {
    const waits = await script('waits', 'setInterval(() => undefined, 1000);');
    const owner = spawn(process.execPath, [path('owner.mjs'), waits], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);

    owner.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });

  test('is started again when it dies, three times a minute, then given up loudly', async () => {
    const events: PartEvent[] = [];
    const crashes = await script(
      'crashes',
      'console.log("READY"); console.error("FATAL: out of luck"); process.exit(3);',
    );
    const part = await superviseNode({
      name: 'engine',
      argv: [crashes],
      cwd: '/',
      onEvent: (event) => events.push(event),
      onLine: () => undefined,
      readyWhen: (line) => line === 'READY',
    });
    await expect(untilGivenUp(part)).rejects.toThrow('engine does not run: it was given up');

    expect(events.filter((event) => event.kind === 'restarted')).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({
      kind: 'gave-up',
      deaths: 4,
      lastWords: expect.stringContaining('out of luck'),
    });
    await part.stop();
  });

  test('that ends before it is ready fails the start with its last words', async () => {
    const broken = await script('broken', 'console.error("Error: no such table"); process.exit(1);');
    const started = superviseNode({
      name: 'market',
      argv: [broken],
      cwd: '/',
      onEvent: () => undefined,
      onLine: () => undefined,
      readyWhen: (line) => line === 'READY',
    });
    await expect(started).rejects.toThrow(/market ended with code 1 before it was ready\n.*no such table/);
  });

  test('stays down as long as a kill on purpose asks, and gets its environment again', async () => {
    const lines: string[] = [];
    const events: PartEvent[] = [];
    const says = await script('says', 'console.log("READY " + process.env.ROLE); setInterval(() => undefined, 1000);');
    const part = await superviseNode({
      name: 'simulator',
      argv: [says],
      env: { ROLE: 'broker' },
      cwd: '/',
      onEvent: (event) => events.push(event),
      onLine: (_stream, line) => lines.push(line),
      readyWhen: (line) => line.startsWith('READY'),
    });
    const began = performance.now();
    await part.kill9(300);
    expect(part.pid()).toBeNull();
    await part.up();

    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    expect(lines).toEqual(['READY broker', 'READY broker']);
    expect(events.map((event) => event.kind)).toEqual(['started', 'died', 'restarted']);
    await part.stop();
  });
});

/** Rejects once the part is given up; it may be up in between. */
async function untilGivenUp(part: { up(): Promise<void> }): Promise<never> {
  for (;;) {
    await part.up();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
