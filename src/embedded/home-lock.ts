import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from './process-identity.ts';
import { hasCode } from './system-error.ts';

/** The one right to run a Belay on this data folder. */
export interface HomeLock {
  readonly home: string;
  /** Gives the folder back; twice is once. */
  readonly release: () => Promise<void>;
}

/** Another Belay runs on this data folder. */
export class HomeInUse extends Error {
  readonly exitCode = 8;
  readonly home: string;
  readonly pid: number;

  constructor(home: string, pid: number) {
    super(
      `Belay already runs on ${home} (process ${pid}). Stop it, or start this one with another folder: BELAY_HOME=…`,
    );
    this.home = home;
    this.pid = pid;
  }
}

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

/**
 * Takes the data folder for this process; makes the folder when it is missing.
 *
 * The lock holds pid and start time, so a lock left by a crash or a reboot is taken over. The file appears with its
 * content in one step, so nobody ever reads half of it.
 *
 * @throws HomeInUse while its owner lives
 */
export async function acquireHome(home: string): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o755 });
  const file = join(home, 'lock');
  const mine = JSON.stringify({ pid: process.pid, startedAt: (await startOf(process.pid)) ?? '' });

  for (;;) {
    if (await place(file, mine)) return { home, release: () => releaseIfMine(file, mine) };
    const text = await textOf(file);
    if (text === null) continue;
    const owner = ownerIn(text);
    if (owner !== null && (await startOf(owner.pid)) === owner.startedAt) throw new HomeInUse(home, owner.pid);
    await removeStale(file, text);
  }
}

async function place(file: string, content: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, content, { mode: 0o600 });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Two may judge the same lock stale: the rename has one winner, and it puts back what was placed since. */
async function removeStale(file: string, judged: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    // The other one was faster.
    return;
  }
  const taken = await textOf(aside);
  if (taken !== null && taken !== judged) await place(file, taken);
  await rm(aside, { force: true });
}

async function releaseIfMine(file: string, mine: string): Promise<void> {
  if ((await textOf(file)) === mine) await rm(file, { force: true });
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    // Gone between two looks.
    return null;
  }
}

/** `null` for a file that is no lock of ours: nobody can own it. */
function ownerIn(text: string): Owner | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startedAt } = value as Partial<Owner>;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : null;
  } catch {
    // Not JSON.
    return null;
  }
}
