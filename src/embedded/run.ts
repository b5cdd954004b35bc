import { spawn } from 'node:child_process';
import type { RunAs } from './guard.ts';

export interface Run {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  readonly cwd?: string;
  readonly runAs?: RunAs | null;
  /** The program is killed when it takes longer. */
  readonly withinMs: number;
}

export interface RunResult {
  /** `null` when the program was killed or could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Never throws: a program that cannot be started says why in `stderr`. */
export function run(what: Run): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(what.command, [...what.args], {
      env: { ...(what.env ?? process.env) },
      cwd: what.cwd ?? '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...what.runAs,
    });
    // Not spawn's own time-out: it stays armed when the program could not be started.
    const timer = setTimeout(() => child.kill('SIGKILL'), what.withinMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: null, stdout, stderr: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const late = signal === 'SIGKILL' ? `\nkilled after ${what.withinMs} ms` : '';
      resolve({ code, stdout, stderr: stderr + late });
    });
  });
}
