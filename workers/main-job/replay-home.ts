import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../src/embedded/guard.ts';
import { rememberedPort } from '../../src/embedded/ports.ts';

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
  await choosePorts(path);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

const partsWithPorts = ['postgres', 'temporal', 'temporalUi', 'simulator', 'simulator-control'];
/** Below the ports that systems hand out by themselves, so that nobody takes one while its part is dead. */
const firstPort = 20_000;
const portRange = 12_000;

/** Ports of its own: the ones a Belay prefers may be wanted by one that starts while a part of ours is dead. */
async function choosePorts(home: string): Promise<void> {
  for (const [index, name] of partsWithPorts.entries()) {
    await rememberedPort(home, name, firstPort + ((process.pid * partsWithPorts.length + index) % portRange));
  }
}
