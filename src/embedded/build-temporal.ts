import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Attempt } from './attempt.ts';
import { run } from './run.ts';

// The newest CLI whose module can be installed: later ones replace a part that is not published.
const buildable = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const BUILD_WITHIN_MS = 1_200_000;

/** Builds the CLI with Go: an older server (1.29.1) that works with our SDK. The last resort. */
export async function buildTemporal(target: string, onProgress: (line: string) => void): Promise<Attempt> {
  onProgress(`temporal: building ${buildable} with Go (about four minutes, once) …`);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), 'build-'));
  try {
    const env = { ...process.env, GOBIN: folder };
    const built = await run({
      command: 'go',
      args: ['install', buildable],
      env,
      cwd: folder,
      withinMs: BUILD_WITHIN_MS,
    });
    if (built.code !== 0) return { miss: `go install: ${built.stderr.trim().split('\n').at(-1) ?? 'no reason given'}` };
    await rename(join(folder, 'temporal'), target);
    return { path: target };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
