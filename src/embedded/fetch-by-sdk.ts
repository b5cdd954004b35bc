import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Attempt } from './attempt.ts';
import { spawnGuarded, type GuardedChild } from './guard.ts';

const script = fileURLToPath(new URL('sdk-download.ts', import.meta.url));
const SILENT_MS = 15_000;
const LOOK_EVERY_MS = 500;

/**
 * The SDK's own download of the official release. It can only download *and start* and cannot be cancelled: so it runs
 * in a process of its own, into a fresh folder, and is given up when nothing has arrived for 15 s.
 */
export async function fetchBySdk(target: string, onProgress: (line: string) => void): Promise<Attempt> {
  onProgress('temporal: asking for the official release …');
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), 'download-'));
  try {
    const child = await spawnGuarded({
      command: process.execPath,
      args: [script, folder],
      env: process.env,
      cwd: folder,
      runAs: null,
      stopSignal: 'TERM',
      onLine: () => undefined,
    });
    const why = await endOrSilence(child, folder);
    return why === null ? await take(folder, target) : { miss: why };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `null` when it ended well. */
async function endOrSilence(child: GuardedChild, folder: string): Promise<string | null> {
  let code: number | null = null;
  void child.ended.then((ending) => {
    code = ending.code;
  });
  let size = 0;
  for (let silentMs = 0; code === null; silentMs += LOOK_EVERY_MS) {
    if (silentMs >= SILENT_MS) {
      await child.kill9();
      return `nothing arrived for ${SILENT_MS / 1_000} s`;
    }
    await Promise.race([child.ended, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
    const now = await sizeOf(folder);
    if (now > size) silentMs = 0;
    size = now;
  }
  return code === 0 ? null : reasonIn(child.lastWords());
}

async function sizeOf(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map((name) =>
      stat(join(folder, name)).then(
        (file) => file.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function take(folder: string, target: string): Promise<Attempt> {
  const names = await readdir(folder);
  const program = names.find((name) => name.startsWith('temporal') && !name.endsWith('.downloading'));
  if (program === undefined) return { miss: `the download left no program (${names.join(', ')})` };
  await chmod(join(folder, program), 0o755);
  await rename(join(folder, program), target);
  return { path: target };
}

function reasonIn(lastWords: string): string {
  const lines = lastWords.split('\n').map((line) => line.trim());
  const reason =
    lines.find((line) => line.includes('Error:')) ?? lines.find((line) => line !== '') ?? 'no reason given';
  return reason.slice(0, 200);
}
