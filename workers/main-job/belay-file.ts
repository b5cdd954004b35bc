import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stack } from '../stack.ts';

/** Where the command line finds a running Belay. */
export interface BelayFile {
  readonly home: string;
  readonly pid: number;
  readonly temporal: string;
  readonly namespace: string;
  /** With its password: hence the file's mode. */
  readonly databaseUrl: string;
  readonly secretsKeyFile: string | null;
  readonly simulator: string;
  readonly simulatorControl: string;
}

const fileOf = (home: string) => join(home, 'belay.json');

/** Writes `belay.json`, readable by its owner only; answers how to remove it. A kill leaves it with the pid of nobody. */
export async function writeBelayFile({ parts, addresses, simulatorControl }: Stack): Promise<() => Promise<void>> {
  const { home, temporalNamespace, databaseUrl, secretsKeyFile } = parts.config;
  const content: BelayFile = {
    home,
    pid: process.pid,
    temporal: addresses.temporal,
    namespace: temporalNamespace,
    databaseUrl: databaseUrl ?? '',
    secretsKeyFile,
    simulator: addresses.simulator,
    simulatorControl,
  };
  const text = `${JSON.stringify(content, null, 2)}\n`;
  const draft = `${fileOf(home)}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, fileOf(home));
  return async () => {
    if ((await readFile(fileOf(home), 'utf8').catch(() => null)) === text) await rm(fileOf(home), { force: true });
  };
}
