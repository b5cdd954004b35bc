import type { Command } from 'commander';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const up = fileURLToPath(new URL('../../workers/up.ts', import.meta.url));

/** Ends of a process by a signal, as shells count them. */
const signalCodes: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/** A file of quotes through a Belay of its own; `ended` hears its exit code. */
export function replayCommand(parent: Command, ended: (code: number) => void): void {
  parent
    .command('replay')
    .description('Plays a file of quotes (timestamp_ms,bid,ask) through an engine of its own and compares both books')
    .argument('<file>', 'CSV, plain or gzip')
    .argument('[options...]', '--speed N, --trades PLAN.json, --kills N, --symbol S, --platform sim, --json')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (file: string, options: readonly string[]) => ended(await spawned([up, '--replay', file, ...options])));
}

/** Runs in this terminal until it ends; a signal to us is left to it, which ends in order. */
function spawned(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  signals.forEach((signal) => process.on(signal, forward));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      signals.forEach((known) => process.off(known, forward));
      resolve(code ?? signalCodes[signal ?? ''] ?? 1);
    });
  });
}
