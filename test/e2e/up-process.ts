import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { isAlive } from '../../src/embedded/guard.ts';
import { checkout } from '../support/checkout.ts';

/** `workers/up.ts` as people start it, with every process below it known. */
export interface UpProcess {
  readonly pid: number;
  /** Lines of standard output so far. */
  readonly lines: readonly string[];
  /** All of standard error so far. */
  stderr(): string;
  /** Resolves with the first line of standard output, empty when it ended without one. */
  readonly firstLine: Promise<string>;
  readonly ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** Every process below it at this moment. */
  descendants(): Promise<readonly number[]>;
}

export function startUp(args: readonly string[], home: string): UpProcess {
  const env = { ...process.env, BELAY_HOME: home };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'workers/up.ts', ...args], {
    cwd: checkout,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const lines: string[] = [];
  const firstLine = firstOf(child, lines);
  return {
    pid,
    lines,
    stderr: () => errors,
    firstLine,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code ?? 137))),
    kill: (signal) => void child.kill(signal),
    descendants: () => descendantsOf(pid),
  };
}

function firstOf(child: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    child.once('close', () => resolve(''));
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      resolve(line);
    });
  });
}

async function descendantsOf(root: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/u).map(Number));
  const below = [root];
  for (const parent of below) for (const [pid = 0, ppid] of rows) if (ppid === parent) below.push(pid);
  return below.slice(1);
}

const goneWithinMs = 15_000;

/** Those of the processes that are still there when the time is up. */
export async function survivors(pids: readonly number[]): Promise<readonly number[]> {
  const until = performance.now() + goneWithinMs;
  for (;;) {
    const left = pids.filter(isAlive);
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
