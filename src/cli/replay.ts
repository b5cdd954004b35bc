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
    .option('--speed <n>', 'divides the pauses between quotes; 0 leaves them out')
    .option('--trades <plan>', 'a JSON file with the trades to open (default: 300 by seed)')
    .option('--kills <n>', 'processes killed along the way')
    .option('--symbol <symbol>', "default: from the file's name, else EURUSD")
    .option('--platform <platform>', 'sim')
    .option('--seed <seed>', 'of plan and kills')
    .option('--json', 'one JSON object instead of text')
    .action(async (file: string, options: ReplayOptions) =>
      ended(await spawned([up, `--replay=${file}`, ...argumentsOf(options)])),
    );
}

type ReplayOptions = Readonly<Record<string, string | true>>;

/** The options as they were typed; their values are judged by the process that uses them. */
function argumentsOf(options: ReplayOptions): readonly string[] {
  return Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
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
