import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { hasCode } from './system-error.ts';

/** An account of the operating system to run a program as. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface GuardedProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  /** `null`: as we run ourselves. */
  readonly runAs: RunAs | null;
  /** What asks the program to end in order; asked again every two seconds, killed after ten. */
  readonly stopSignal: 'TERM' | 'INT';
  /** Called for each line the program prints. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
}

export interface Ending {
  /** Exit code as a shell tells it: 128 + n after signal n. */
  readonly code: number;
  /** The last 8 kB the program said. */
  readonly lastWords: string;
}

/** A program that cannot outlive us, however we die. */
export interface GuardedChild {
  /** Of the program itself, not of its guard. */
  readonly pid: number;
  readonly ended: Promise<Ending>;
  lastWords(): string;
  /** Asks the program to end and resolves when it has. Twice is once. */
  stop(): Promise<Ending>;
  /** Kills the program with signal 9 and resolves when it is gone. */
  kill9(): Promise<Ending>;
}

/**
 * File descriptor 3 is the read end of a pipe whose other end is ours: it closes when we die, in whatever way, and then
 * the watcher stops the program. The program's own pid comes back on 4. A signal that arrives between fork and the
 * program's handler is lost, so the watcher asks again.
 */
const guardScript = `
stop=$1; shift
"$@" </dev/null 3<&- 4>&- &
child=$!
echo "$child" >&4
exec 4>&-
(
  exec >/dev/null 2>&1
  read -r _ <&3
  exec 3<&-
  tick=0
  while kill -0 "$child" && [ "$tick" -lt 60 ]; do
    [ $((tick % 10)) -eq 0 ] && kill -s "$stop" "$child"
    [ "$tick" -ge 50 ] && kill -s KILL "$child"
    tick=$((tick + 1))
    sleep 0.2
  done
) &
watcher=$!
exec 3<&-
wait "$child" 2>/dev/null
code=$?
kill -s KILL "$watcher" 2>/dev/null
exit "$code"
`;

const LAST_WORDS = 8_192;

/**
 * Starts a program in a session of its own, so that Ctrl-C in our terminal reaches us and not it.
 *
 * @throws Error when the guard or the program cannot be started
 */
export async function spawnGuarded(program: GuardedProgram): Promise<GuardedChild> {
  const guard = spawnGuard(program);
  const tail = new Tail(program.onLine);
  tail.follow('stdout', guard.stdout);
  tail.follow('stderr', guard.stderr);

  const pipe = guard.stdio[3];
  // The guard may be gone before we close our end.
  pipe?.on('error', () => undefined);
  const guardEnded = endOf(guard, tail);
  const pid = await pidFrom(guard, program.command);
  const ended = guardEnded.then(async (ending) => {
    // Somebody may have killed the guard alone: closing the pipe makes its watcher stop the program.
    pipe?.destroy();
    await gone(pid);
    return ending;
  });

  return {
    pid,
    ended,
    lastWords: () => tail.text,
    stop: () => {
      pipe?.destroy();
      return ended;
    },
    kill9: () => {
      signalIfAlive(pid, 'SIGKILL');
      return ended;
    },
  };
}

function spawnGuard(program: GuardedProgram): ChildProcess {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'];
  const argv = ['-c', guardScript, 'belay-guard', program.stopSignal, program.command, ...program.args];
  const account = program.runAs ?? {};
  return spawn('/bin/sh', argv, { cwd: program.cwd, env: program.env, detached: true, stdio, ...account });
}

function endOf(guard: ChildProcess, tail: Tail): Promise<Ending> {
  return new Promise((resolve) => {
    guard.once('error', (error) => resolve({ code: 127, lastWords: error.message }));
    guard.once('close', (code) => resolve({ code: code ?? 137, lastWords: tail.text }));
  });
}

function pidFrom(guard: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const answers = guard.stdio[4] as Readable | null;
    answers?.setEncoding('utf8');
    answers?.on('data', (chunk: string) => {
      text += chunk;
    });
    answers?.once('end', () => {
      const pid = Number.parseInt(text, 10);
      if (pid > 0) resolve(pid);
      else reject(new Error(`${command} could not be started: its guard said "${text}" instead of a pid`));
    });
    guard.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
  });
}

/** Keeps the end of what a program says and hands on each line. */
class Tail {
  text = '';
  readonly #onLine: GuardedProgram['onLine'];

  constructor(onLine: GuardedProgram['onLine']) {
    this.#onLine = onLine;
  }

  follow(name: 'stdout' | 'stderr', stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => {
      this.text = `${this.text}${line}\n`.slice(-LAST_WORDS);
      this.#onLine(name, line);
    });
  }
}

/** Sends the signal; a process that is gone already is what the caller wanted. */
export function signalIfAlive(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process with this number exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and not ours.
    return hasCode(error, 'EPERM');
  }
}

const GONE_WITHIN_MS = 15_000;

/** Resolves when no process has this number any more; gives up waiting after 15 s. */
export async function gone(pid: number): Promise<boolean> {
  const until = performance.now() + GONE_WITHIN_MS;
  while (isAlive(pid)) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
