import { randomBytes } from 'node:crypto';
import { access, chmod, chown, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gone, isAlive, signalIfAlive, spawnGuarded, type RunAs } from './guard.ts';
import { importantLines } from './last-words.ts';
import { postgresBase, postgresMajor, type PostgresProgram } from './postgres-program.ts';
import { commandLineOf } from './process-identity.ts';

export const postgresUser = 'belay';

/** A data folder ready for `postgres -D`. */
export interface PostgresFolder {
  readonly data: string;
  readonly password: string;
}

/**
 * The data folder of this home, made when missing.
 *
 * `initdb` works in a folder beside it that gets its name at the end: an interrupted one never looks complete.
 *
 * @throws Error when the folder belongs to another major version
 */
export async function preparePostgresFolder(home: string, program: PostgresProgram): Promise<PostgresFolder> {
  const base = await realpath(await postgresBase(home, program.runAs));
  const data = join(base, 'postgres');
  if (await isComplete(data)) {
    await refuseOtherMajor(data);
    return { data, password: await readPassword(home) };
  }
  const password = await makePassword(home);
  await initialise(data, password, program);
  return { data, password };
}

async function isComplete(data: string): Promise<boolean> {
  return access(join(data, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

async function refuseOtherMajor(data: string): Promise<void> {
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (found === postgresMajor) return;
  throw new Error(
    `${data} was written by PostgreSQL ${found}, this Belay brings ${postgresMajor}. Export with the Belay that wrote it, start with a new BELAY_HOME, and import.`,
  );
}

// On loopback any local user can connect, so even the embedded server asks for a password.
const passwordFile = (home: string) => join(home, 'postgres.password');

async function makePassword(home: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile(home), password, { mode: 0o600 });
  return password;
}

async function readPassword(home: string): Promise<string> {
  const password = await readFile(passwordFile(home), 'utf8').catch(() => '');
  if (password !== '') return password;
  throw new Error(
    `${passwordFile(home)} is missing: without it nobody can open the database in ${home}. Restore the file, or start with another BELAY_HOME.`,
  );
}

async function initialise(data: string, password: string, program: PostgresProgram): Promise<void> {
  const draft = `${data}.new`;
  const pwfile = `${data}.pw`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(pwfile, password, { mode: 0o600 });
  await handOver(draft, program.runAs);
  await handOver(pwfile, program.runAs);
  try {
    await runInitdb(draft, pwfile, program);
  } finally {
    await rm(pwfile, { force: true });
  }
  await rename(draft, data);
}

async function handOver(path: string, runAs: RunAs | null): Promise<void> {
  if (runAs === null) return;
  await chown(path, runAs.uid, runAs.gid);
  await chmod(path, path.endsWith('.pw') ? 0o600 : 0o700);
}

async function runInitdb(draft: string, pwfile: string, program: PostgresProgram): Promise<void> {
  const locale = ['-E', 'UTF8', '--locale-provider=builtin', '--locale=C.UTF-8'];
  const child = await spawnGuarded({
    command: join(program.bin, 'initdb'),
    args: ['-D', draft, '-U', postgresUser, '-A', 'scram-sha-256', `--pwfile=${pwfile}`, ...locale],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    cwd: '/',
    runAs: program.runAs,
    stopSignal: 'TERM',
    onLine: () => undefined,
  });
  const { code, lastWords } = await child.ended;
  if (code !== 0) throw new Error(`initdb for ${draft} ended with code ${code}\n${importantLines(lastWords)}`);
}

const LEFTOVER_GRACE_MS = 3_000;

/**
 * Makes sure that no server is left on this folder from a Belay that was killed: waits for its guard to stop it, else
 * stops it. A pid file whose number belongs to another program now (after a reboot) is removed, since PostgreSQL
 * would refuse it for ever.
 *
 * The caller holds the home's lock, so whatever runs here is ours.
 *
 * @throws Error when the number belongs to a PostgreSQL that is not provably ours
 */
export async function clearLeftover(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = await pidIn(file);
  if (pid === null || !isAlive(pid)) return;

  const commandLine = await commandLineOf(pid);
  if (commandLine === null) return;
  if (!commandLine.includes('postgres')) return rm(file, { force: true });
  if (!commandLine.includes(data)) {
    throw new Error(
      `${file} names process ${pid}, which is a PostgreSQL but not the one of ${data}. If nothing serves this folder, remove the file.`,
    );
  }
  if (await goneWithin(pid, LEFTOVER_GRACE_MS)) return;
  signalIfAlive(pid, 'SIGINT');
  if (!(await gone(pid))) throw new Error(`process ${pid}, a PostgreSQL left on ${data}, does not stop`);
}

async function pidIn(file: string): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : null;
}

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  while (isAlive(pid) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
  return !isAlive(pid);
}
