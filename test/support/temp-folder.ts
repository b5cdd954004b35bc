import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePortsOfItsOwn } from '../../src/embedded/ports.ts';

export interface TempFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A data folder for a whole Belay, on ports that no other suite takes while a part of it is dead. */
export async function tempHome(): Promise<TempFolder> {
  const folder = await tempFolder();
  await choosePortsOfItsOwn(folder.path);
  return folder;
}

/** A folder of its own, which the account PostgreSQL runs as can reach; a killed run's is removed by the next. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), `belay-test-${process.pid}-`));
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
