import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../src/embedded/run.ts';
import { borrowPackages, checkout, sourceFiles, sourceFolders } from './support/checkout.ts';
import { tempFolder, type TempFolder } from './support/temp-folder.ts';

/** File, what is planted in it, and a part of what the linter must say. */
const violations: readonly (readonly [string, string, string])[] = [
  ['workflows/a.ts', "import { x } from '../activities/index.ts'; x();", 'import the type only'],
  ['workflows/b.ts', "import { x } from '../src/trading/open.ts'; x();", 'Only src/domain runs in the sandbox'],
  ['workflows/c.ts', "import { x } from 'node:fs'; x();", 'No Node API'],
  ['workflows/d.ts', "import { x } from '@temporalio/client'; x();", 'No Node API'],
  ['workflows/e.ts', "import { x } from 'zod'; x();", 'No Node API'],
  ['activities/a.ts', "import { x } from '../workflows/trade.workflow.ts'; x();", 'workflows/contract.ts'],
  ['activities/b.ts', "import { x } from '../src/connectors/simulated/client.ts'; x();", 'calls one service method'],
  ['activities/c.ts', "import { x } from '../workers/compose.ts'; x();", 'calls one service method'],
  ['activities/d.ts', "import { x } from '@temporalio/worker'; x();", '@temporalio/activity'],
  ['src/domain/a.ts', "import { x } from 'node:crypto'; x();", 'src/domain is pure'],
  ['src/domain/b.ts', "import { x } from '../clock.ts'; x();", 'src/domain is pure'],
  ['src/domain/c.ts', "export const x = import('zod');", 'src/domain is pure'],
  ['src/domain/trade/a.ts', "import { x } from '../../trading/open.ts'; x();", 'src/domain is pure'],
  ['src/trading/a.ts', "import { x } from '../connectors/simulated/client.ts'; x();", 'behind a port'],
  ['src/trading/b.ts', "import { x } from '../db/pool.ts'; x();", 'behind a port'],
  ['src/trading/c.ts', "import { x } from '@temporalio/client'; x();", 'Only workflows, activities and workers'],
  ['src/trading/d.ts', "import { x } from '../../workers/compose.ts'; x();", 'behind a port'],
  ['src/connectors/registry.ts', "import { x } from '../db/pool.ts'; x();", 'wire the rest in workers'],
  ['src/connectors/one/a.ts', "import { x } from '../two/client.ts'; x();", 'leave other platforms'],
  ['src/connectors/one/b.ts', "import { x } from '../../db/pool.ts'; x();", 'leave other platforms'],
  ['src/connectors/one/client/a.ts', "import { x } from '../../two/client.ts'; x();", 'leave other platforms'],
  ['src/connectors/one/c.ts', "import { x } from '@temporalio/common'; x();", 'Only workflows, activities and workers'],
  ['src/market/a.ts', "import { x } from '../connectors/registry.ts'; x();", 'take anything else as a function'],
  ['src/market/b.ts', "import { x } from '@temporalio/worker'; x();", 'Only workflows, activities and workers'],
  ['src/ledger/a.ts', "import { x } from '../trading/connector.ts'; x();", 'comes in as an argument'],
  ['src/ledger/b.ts', "import { x } from 'pg'; x();", 'Only src/db speaks to the database'],
  ['src/db/a.ts', "import { x } from '../ledger/ingest.ts'; x();", 'queries take values'],
  ['src/db/migrations/a.ts', "import { x } from '../../market/quotes.ts'; x();", 'queries take values'],
  ['src/cli/a.ts', "import { x } from '../connectors/registry.ts'; x();", 'ask a workflow by an Update'],
  ['src/cli/b.ts', "import { x } from '../../workflows/trade.workflow.ts'; x();", 'ask a workflow by an Update'],
  ['src/api/routes/a.ts', "import { x } from '../../../activities/index.ts'; x();", 'ask a workflow by an Update'],
  ['src/api/a.ts', "import { x } from '../../workers/up.ts'; x();", 'ask a workflow by an Update'],
  ['src/steering/a.ts', "import { x } from '../connectors/registry.ts'; x();", 'ask a workflow by an Update'],
  ['src/simulator/a.ts', "import { x } from '../trading/connector.ts'; x();", 'a broker of its own'],
  ['src/simulator/doors/a.ts', "import { x } from '../../connectors/registry.ts'; x();", 'a broker of its own'],
  ['src/embedded/a.ts', "import { x } from '../domain/ids.ts'; x();", 'knows no business'],
  ['src/embedded/b.ts', "import { x } from '@temporalio/worker'; x();", '@temporalio/client only'],
  ['src/secrets.ts', "import { x } from './db/pool.ts'; x();", 'below every folder'],
  ['src/web/a.ts', "import { x } from '../db/pool.ts'; x();", 'ask the API'],
  ['src/market/now.ts', 'export const now = Date.now();', 'Take a Clock'],
  ['src/market/random.ts', 'export const dice = Math.random();', 'random source'],
  ['src/market/later.ts', 'setTimeout(() => undefined, 1);', 'Take a Clock'],
  ['src/market/float.ts', "export const lots = parseFloat('0.1');", 'decimal text'],
  ['src/market/env.ts', 'export const home = process.env;', 'Only src/config.ts reads the environment'],
  ['src/market/say.ts', "console.log('hello');", 'console'],
  ['src/market/any.ts', 'export const x = (y: any): unknown => y;', 'any'],
  ['src/market/cycle-a.ts', "import { b } from './cycle-b.ts'; export const a = (): unknown => b;", 'ycle'],
  ['src/market/cycle-b.ts', "import { a } from './cycle-a.ts'; export const b = (): unknown => a;", 'ycle'],
  ['src/market/floating.ts', 'async function f() {} export function g() { f(); }', 'romise'],
  [
    'src/market/misused.ts',
    'export function g(list: string[]) { list.forEach(async (x) => { await Promise.resolve(x); }); }',
    'romise',
  ],
  ['src/market/default.ts', "export const f = (x: string | undefined) => x || 'none';", 'nullish'],
];

/** What each folder may do and must not be reported for. */
const allowed: readonly (readonly [string, string])[] = [
  [
    'workflows/ok.ts',
    "import type { Activities } from '../activities/index.ts'; import { x } from '../src/domain/ids.ts'; export type A = Activities; x(Date.now());",
  ],
  [
    'activities/ok.ts',
    "import { x } from '../src/trading/trading-service.ts'; import { y } from '../workflows/contract.ts'; x(y);",
  ],
  [
    'src/domain/trade/ok.ts',
    "import { x } from '../ids.ts'; import Big from 'big.js'; import { y } from './state.ts'; x(Big, y);",
  ],
  [
    'src/trading/ok.ts',
    "import { x } from '../domain/trade/state.ts'; import { y } from '../ledger/ingest.ts'; import { z } from '../db/records.ts'; x(y, z);",
  ],
  [
    'src/connectors/one/client/ok.ts',
    "import { x } from '../translate.ts'; import { y } from '../../../domain/ids.ts'; import { z } from '../../../trading/connector.ts'; x(y, z);",
  ],
  [
    'src/connectors/one/ok.ts',
    "import { x } from '../../../proto/one_pb.js'; import { y } from '../../clock.ts'; import { z } from '@grpc/grpc-js'; x(y, z);",
  ],
  [
    'src/simulator/doors/ok.ts',
    "import { x } from '../venue.ts'; import { y } from '../../domain/ids.ts'; import { z } from '../../../proto/one_pb.js'; x(y, z);",
  ],
  [
    'src/cli/ok.ts',
    "import { x } from '../../workflows/contract.ts'; import { y } from '@temporalio/client'; import { z } from '../db/records.ts'; x(y, z);",
  ],
  ['workers/ok.ts', "import { x } from '../src/connectors/registry.ts'; import { y } from '@temporalio/worker'; x(y);"],
];

interface Report {
  readonly filename: string;
  readonly message: string;
}

async function lint(folder: string): Promise<readonly Report[]> {
  const oxlint = join(checkout, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const args = [oxlint, '--type-aware', '--format', 'json', ...sourceFolders];
  const { stdout, stderr } = await run({ command: process.execPath, args, cwd: folder, withinMs: 30_000 });
  if (!stdout.startsWith('{')) throw new Error(`oxlint said: ${stdout}${stderr}`);
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { filename: string; message: string; help?: string; code?: string }[];
  };
  return diagnostics.map(({ filename, message, help, code }) => ({
    filename,
    message: `${message} ${help ?? ''} ${code ?? ''}`,
  }));
}

describe('the linter guards the house', () => {
  let folder: TempFolder;
  let reports: readonly Report[];

  beforeAll(async () => {
    folder = await tempFolder();
    await borrowPackages(folder.path);
    for (const name of ['.oxlintrc.json', 'tsconfig.json']) await cp(join(checkout, name), join(folder.path, name));
    for (const [path, text] of [...violations, ...allowed]) {
      await mkdir(dirname(join(folder.path, path)), { recursive: true });
      await writeFile(join(folder.path, path), `${text}\n`);
    }
    reports = await lint(folder.path);
  });
  afterAll(() => folder.remove());

  test.each(violations)('%s: %s is reported', (path, _source, says) => {
    const messages = reports.filter((report) => report.filename === path).map((report) => report.message);
    expect(messages.join('\n')).toContain(says);
  });

  test.each(allowed)('%s may: %s', (path) => {
    expect(reports.filter((report) => report.filename === path)).toEqual([]);
  });
});

describe('platforms', () => {
  test('are named only by connectors, the doors of the simulator and the configuration', async () => {
    const mayName = /^src\/(connectors\/|simulator\/doors\/|config\.ts$)/;
    const named = (await sourceFiles())
      .filter(({ path, text }) => !mayName.test(path) && /(['"`])[^'"`\n]*\b(mt5|ctrader)\b[^'"`\n]*\1/i.test(text))
      .map(({ path }) => path);

    expect(named).toEqual([]);
  });

  test('deleting one connector and what the registry says of it leaves the rest type-checking', async () => {
    const folder = await tempFolder();
    await borrowPackages(folder.path);
    for (const name of [...sourceFolders, 'proto', 'tsconfig.json']) {
      await cp(join(checkout, name), join(folder.path, name), { recursive: true });
    }
    const before = await typeErrors(folder.path);
    const connectors = await readdir(join(folder.path, 'src/connectors'), { withFileTypes: true });
    for (const connector of connectors.filter((entry) => entry.isDirectory())) {
      await rm(join(folder.path, 'src/connectors', connector.name), { recursive: true });
      await forget(join(folder.path, 'src/connectors/registry.ts'), connector.name);
      expect((await typeErrors(folder.path)).filter((error) => !before.includes(error))).toEqual([]);
    }
    await folder.remove();
  });
});

/** Errors without their positions, which move when lines go. */
async function typeErrors(folder: string): Promise<readonly string[]> {
  const tsc = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await run({
    command: process.execPath,
    args: [tsc, '--noEmit', '--pretty', 'false'],
    cwd: folder,
    withinMs: 60_000,
  });
  return stdout
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .map((line) => line.replace(/\(\d+,\d+\)/, ''));
}

/** Removes the connector's import from the registry, and with it the line that uses what it brought. */
async function forget(registry: string, connector: string): Promise<void> {
  const text = await readFile(registry, 'utf8');
  const line = text.split('\n').find((candidate) => candidate.includes(`from './${connector}/`));
  if (line === undefined) throw new Error(`the registry does not import "${connector}"`);
  const names = [...line.matchAll(/\w+(?=,| })/g)].map(([name]) => name);
  const rest = text.split('\n').filter((candidate) => !names.some((name) => candidate.includes(name)));
  await writeFile(registry, rest.join('\n'));
}
