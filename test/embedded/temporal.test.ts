import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTemporal } from '../../src/embedded/find-temporal.ts';
import { freePort } from '../../src/embedded/ports.ts';
import type { PartEvent } from '../../src/embedded/supervise.ts';
import { requireTemporal, startTemporal } from '../../src/embedded/temporal.ts';
import { searchAttributes } from '../../workflows/contract.ts';
import { temporalProgram } from '../support/temporal.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

describe('the embedded Temporal server', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = await tempFolder();
  });
  afterAll(() => folder.remove());

  test('killed with signal 9 it is back at the same address, and it knows what the contract filters by', async () => {
    const events: PartEvent[] = [];
    const server = await startTemporal({
      program: temporalProgram(),
      home: folder.path,
      port: await freePort(null),
      uiPort: await freePort(null),
      onEvent: (event) => events.push(event),
    });
    const { address } = server;
    const before = server.pid();
    await server.kill9();
    await server.up();

    expect(server.pid()).not.toBe(before);
    expect(server.address).toBe(address);
    expect(await attributesAt(address)).toEqual(
      expect.arrayContaining(Object.values(searchAttributes).map(({ name }) => name)),
    );
    expect((await fetch(server.uiUrl)).status).toBe(200);
    await server.stop();
    expect(events.map((event) => event.kind)).toEqual(['started', 'died', 'restarted']);
    await expect(requireTemporal(address, 'default')).rejects.toThrow(
      /TEMPORAL_ADDRESS is .*: nobody answers there\. Correct it/,
    );
  });
});

async function attributesAt(address: string): Promise<readonly string[]> {
  const connection = await Connection.connect({ address });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    return Object.keys(customAttributes ?? {});
  } finally {
    await connection.close();
  }
}

describe('finding the Temporal program', () => {
  let folder: TempFolder;
  const lines: string[] = [];
  const options = (given: Partial<Parameters<typeof findTemporal>[0]>) => ({
    cliPath: null,
    searchPath: '',
    cacheFolder: join(folder.path, 'cache'),
    mayBuild: false,
    onProgress: (line: string) => lines.push(line),
    ...given,
  });
  beforeAll(async () => {
    folder = await tempFolder();
  });
  afterAll(() => folder.remove());

  test('a TEMPORAL_CLI_PATH that is no program is an error, never replaced by something else', async () => {
    const searchPath = join(temporalProgram(), '..');
    await expect(findTemporal(options({ cliPath: '/nowhere/temporal', searchPath }))).rejects.toThrow(
      /TEMPORAL_CLI_PATH is "\/nowhere\/temporal", which is not a Temporal program/,
    );
  });

  test('a TEMPORAL_CLI_PATH that is another program is an error', async () => {
    await expect(findTemporal(options({ cliPath: '/bin/sh' }))).rejects.toThrow('does not answer --version');
  });

  test('a launcher on the PATH without a program behind it is passed over', async () => {
    const bin = join(folder.path, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'temporal'), '#!/bin/sh\necho "no version is set" >&2\nexit 126\n');
    await chmod(join(bin, 'temporal'), 0o755);
    const searchPath = `${bin}:${join(temporalProgram(), '..')}`;

    expect(await findTemporal(options({ searchPath }))).toBe(temporalProgram());
  });
});
