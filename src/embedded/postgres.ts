import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { spawnGuarded, type GuardedChild } from './guard.ts';
import { importantLines } from './last-words.ts';
import { clearLeftover, postgresUser, preparePostgresFolder, type PostgresFolder } from './postgres-folder.ts';
import { findPostgresProgram, type PostgresProgram } from './postgres-program.ts';
import { answers, freePort, rememberedPort } from './ports.ts';
import { supervise, type OnPartEvent, type Part } from './supervise.ts';

export interface PostgresOptions {
  /** The data folder of this Belay; the caller holds its lock. */
  readonly home: string;
  /** `false` only in tests: a power cut then loses data. */
  readonly fsync: boolean;
  /** Preferred when this home does not remember another one. */
  readonly port?: number;
  readonly onEvent: OnPartEvent;
}

export interface EmbeddedPostgres extends Part {
  /** With user and password, of the database `belay`; stays the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** The address of another database on the same server. */
  urlOf(database: string): string;
}

const PREFERRED_PORT = 55_432;
const database = 'belay';
const READY_WITHIN_MS = 60_000;

/** @throws Error with the server's own words when it does not start */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const program = await findPostgresProgram();
  const folder = await preparePostgresFolder(options.home, program);
  await clearLeftover(folder.data);

  const { part, port } = await startOnSomePort(options, program, folder);
  const urlOf = (name: string) => `postgres://${postgresUser}:${folder.password}@127.0.0.1:${port}/${name}`;
  await createDatabase(urlOf('postgres'));
  return {
    name: part.name,
    url: urlOf(database),
    port,
    urlOf,
    pid: () => part.pid(),
    kill9: (downMs) => part.kill9(downMs),
    up: () => part.up(),
    stop: () => part.stop(),
  };
}

/** A port found free may be lost before the server binds it: then once more with another. */
async function startOnSomePort(
  options: PostgresOptions,
  program: PostgresProgram,
  folder: PostgresFolder,
): Promise<{ part: Part; port: number }> {
  const startOn = async (port: number) => {
    const launch = () => launchPostgres(options, program, folder, port);
    return { part: await supervise({ name: 'postgres', onEvent: options.onEvent, launch }), port };
  };
  const port = await rememberedPort(options.home, 'postgres', options.port ?? PREFERRED_PORT);
  try {
    return await startOn(port);
  } catch (error) {
    // Only a lost port is worth a second try; everything else is told as it is.
    if (!(error instanceof Error && error.message.includes('could not bind'))) throw error;
    return startOn(await freePort(null));
  }
}

async function launchPostgres(
  options: PostgresOptions,
  program: PostgresProgram,
  folder: PostgresFolder,
  port: number,
): Promise<GuardedChild> {
  await clearLeftover(folder.data);
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    ...(options.fsync ? [] : throwAway),
  ];
  const child = await spawnGuarded({
    command: join(program.bin, 'postgres'),
    args: ['-D', folder.data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    cwd: '/',
    runAs: program.runAs,
    stopSignal: 'INT',
    onLine: () => undefined,
  });
  try {
    await serves(child, folder, port);
  } catch (error) {
    // Whatever stopped it from serving, nothing may stay behind.
    await child.stop();
    throw error;
  }
  return child;
}

const throwAway = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/** Ready is a query answered by the server of this very folder: somebody else may listen on the port. */
async function serves(child: GuardedChild, folder: PostgresFolder, port: number): Promise<void> {
  const url = `postgres://${postgresUser}:${folder.password}@127.0.0.1:${port}/postgres`;
  const until = performance.now() + READY_WITHIN_MS;
  let dead = false;
  void child.ended.then(() => {
    dead = true;
  });
  while (!dead && performance.now() < until) {
    if ((await answers(port)) && (await dataFolderBehind(url)) === folder.data) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const what = dead ? 'ended before it was ready' : `was not ready after ${READY_WITHIN_MS} ms`;
  throw new Error(`PostgreSQL on ${folder.data} ${what}\n${importantLines(child.lastWords())}`);
}

/** `null` while it does not answer us. */
async function dataFolderBehind(url: string): Promise<string | null> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory ?? null;
  } catch {
    // Still starting, or not ours: asked again until the time is over.
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
