import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../src/embedded/guard.ts';
import { choosePortsOfItsOwn } from '../../src/embedded/ports.ts';

const prefix = 'belay-replay-';

/** A throw-away home in the system's temporary folder; what a killed replay left behind goes with the next one. */
export async function throwAwayHome(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`, 'u').exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  // As root the database runs as an account of its own, which must get into the folder.
  await chmod(path, 0o755);
  await choosePortsOfItsOwn(path);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
