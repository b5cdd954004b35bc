import { readFile } from 'node:fs/promises';
import { isAlive } from './guard.ts';
import { run } from './run.ts';

/**
 * When a process started, as text that only means something compared with itself: a pid alone may belong to somebody
 * else after a reboot. `null` when no such process exists.
 *
 * Linux tells ticks since boot and the boot's id exactly; elsewhere `ps` tells the second.
 */
export async function startOf(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  if (process.platform === 'linux') return startOnLinux(pid);

  const answer = await run({
    command: 'ps',
    args: ['-o', 'lstart=', '-p', String(pid)],
    env: { ...process.env, LC_ALL: 'C' },
    withinMs: 5_000,
  });
  const text = answer.stdout.trim();
  return text === '' ? null : text;
}

async function startOnLinux(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // The program's name is in parentheses and may hold spaces; the start is the 22nd field, the 20th after it.
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()}/${afterName[19] ?? ''}`;
  } catch {
    // It ended between the two questions.
    return null;
  }
}

/** The command line of a process, `null` when it is gone or will not tell. */
export async function commandLineOf(pid: number): Promise<string | null> {
  const answer = await run({ command: 'ps', args: ['-ww', '-o', 'args=', '-p', String(pid)], withinMs: 5_000 });
  const text = answer.stdout.trim();
  return text === '' ? null : text;
}
