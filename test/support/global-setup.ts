import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { configOfThisProcess } from '../../src/config.ts';
import { findTemporal } from '../../src/embedded/find-temporal.ts';
import { isAlive } from '../../src/embedded/guard.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { run } from '../../src/embedded/run.ts';
import { templateDatabase } from './database.ts';

declare global {
  var belayTestServers: { stop(): Promise<void> } | undefined;
}

/** One throw-away PostgreSQL with a migrated template, and the Temporal program; Jest's workers inherit the addresses. */
export default async function globalSetup(): Promise<void> {
  await removeLeftovers();
  const folder = await mkdtemp(join(tmpdir(), `belay-test-${process.pid}-`));
  // As root the server runs as nobody, who must get into the folder.
  await chmod(folder, 0o755);

  const [postgres, program] = await Promise.all([startMigrated(folder), findProgram()]);
  process.env['TEST_POSTGRES_URL'] = postgres.urlOf('postgres');
  process.env['TEST_TEMPORAL_PROGRAM'] = program;
  globalThis.belayTestServers = {
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A killed run leaves its folder behind; the pid in the name says whether the run still lives. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(/^belay-test-(\d+)-/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function startMigrated(home: string): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ home, fsync: false, port: await freePort(null), onEvent: () => undefined });
  const admin = new Client({ connectionString: postgres.urlOf('postgres') });
  await admin.connect();
  await admin.query(`create database ${templateDatabase}`);
  await admin.end();
  await migrate(postgres.urlOf(templateDatabase));
  return postgres;
}

/** In a process of its own: Jest loads this set-up in a way of its own that our modules need not bear. */
async function migrate(url: string): Promise<void> {
  const script = fileURLToPath(new URL('../../src/db/migrate.ts', import.meta.url));
  const { code, stdout, stderr } = await run({ command: process.execPath, args: [script, url], withinMs: 60_000 });
  if (code !== 0) throw new Error(`the template database could not be migrated:\n${stdout}${stderr}`);
}

function findProgram(): Promise<string> {
  const config = configOfThisProcess();
  return findTemporal({
    cliPath: config.temporalCliPath,
    searchPath: config.searchPath,
    cacheFolder: config.cacheFolder,
    mayBuild: config.buildTemporal,
    onProgress: (line) => process.stderr.write(line.endsWith('…') ? `${line}\n` : ''),
  });
}
