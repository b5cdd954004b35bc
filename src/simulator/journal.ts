import {
  closeSync,
  existsSync,
  fdatasync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../clock.ts';
import type { Input } from './exchange/inputs.ts';

/**
 * The broker's memory: every input with its time, in order, one line each. Starting again is applying them all.
 *
 * A line is written to the operating system before its input is applied, so nothing a client was told is lost when the process
 * is killed. It is forced to the disk once a second: a power cut may cost the last second. A half-written last line was never
 * answered and is cut off at the next start.
 */
export interface Journal {
  append(time: number, input: Input): void;
  close(): void;
}

/** Forgets with the process. */
export const noJournal: Journal = { append: () => {}, close: () => {} };

/** A journal that cannot be trusted or is in use. */
export class JournalUnusable extends Error {
  override readonly name = 'JournalUnusable';
}

const FILE = 'journal.jsonl';
const LOCK = 'lock';
const SYNC_EVERY_MS = 1000;

/**
 * Opens the journal of a directory, made when missing, and hands every input it holds to `replay` first.
 *
 * @throws JournalUnusable when another simulator uses the directory or a line before the last cannot be read
 */
export function openJournal(directory: string, clock: Clock, replay: (time: number, input: Input) => void): Journal {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  lock(directory);
  const file = openSync(join(directory, FILE), 'a+', 0o600);
  try {
    ftruncateSync(file, replayAll(file, replay));
  } catch (error) {
    // A directory that is refused must be free for whoever repairs it.
    closeSync(file);
    rmSync(join(directory, LOCK), { force: true });
    throw error;
  }
  let dirty = false;
  let broken = false;
  const stop = clock.every(SYNC_EVERY_MS, () => {
    if (!dirty) return;
    dirty = false;
    fdatasync(file, (error) => {
      // A disk that refuses must end the broker: it could not keep what it promises from here on.
      if (error !== null) throw error;
    });
  });
  return {
    append: (time, input) => {
      if (broken) throw new JournalUnusable('the journal could not be written before; restart the broker');
      // Stays set when the write throws: after half a line nothing may follow, or the rest could not be read again.
      broken = true;
      writeWhole(file, `${encode(time, input)}\n`);
      broken = false;
      dirty = true;
    },
    close: () => {
      stop();
      closeSync(file);
      rmSync(join(directory, LOCK), { force: true });
    },
  };
}

function writeWhole(file: number, line: string): void {
  const bytes = Buffer.from(line);
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
}

/** Quotes are by far the most, so they get a short form. */
function encode(time: number, input: Input): string {
  if (input.kind !== 'quote') return JSON.stringify([time, input]);
  const { symbol, bid, ask, sourceTime, taken } = input;
  return JSON.stringify([time, symbol, bid, ask, sourceTime, taken ? 1 : 0]);
}

function decode(line: string): { time: number; input: Input } {
  const row: unknown = JSON.parse(line);
  if (!Array.isArray(row) || typeof row[0] !== 'number') throw new Error('not a journal line');
  const [time, second, bid, ask, sourceTime, taken] = row;
  if (typeof second !== 'string') return { time, input: second };
  return { time, input: { kind: 'quote', symbol: second, bid, ask, sourceTime, taken: taken === 1 } };
}

/** Replays the whole lines and returns where they end. */
function replayAll(file: number, replay: (time: number, input: Input) => void): number {
  let end = 0;
  let number = 0;
  for (const line of wholeLines(file)) {
    number += 1;
    try {
      const { time, input } = decode(line.toString());
      replay(time, input);
    } catch (error) {
      throw new JournalUnusable(`journal line ${number} cannot be replayed`, { cause: error });
    }
    end += line.length + 1;
  }
  return end;
}

function* wholeLines(file: number): Generator<Buffer> {
  const block = Buffer.alloc(1 << 20);
  let rest = Buffer.alloc(0);
  for (let at = 0, read = readSync(file, block, 0, block.length, 0); read > 0;) {
    const bytes = Buffer.concat([rest, block.subarray(0, read)]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    at += read;
    read = readSync(file, block, 0, block.length, at);
  }
}

/** One process per directory; the lock of a dead process is taken over. */
function lock(directory: string): void {
  const path = join(directory, LOCK);
  const owner = existsSync(path) ? readFileSync(path, 'utf8') : null;
  if (owner !== null && isAlive(owner)) throw new JournalUnusable(`${directory} is used by process ${owner}`);
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  writeSync(file, `${process.pid} ${startedAt(process.pid)}`);
  closeSync(file);
}

function isAlive(owner: string): boolean {
  const [pid = 0, started = 0] = owner.split(' ').map(Number);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    // ESRCH: nobody has this id any more.
    return false;
  }
  return startedAt(pid) === started;
}

/** Ticks after boot at which the process started, 0 where the system does not tell: process ids are used again, pairs are not. */
function startedAt(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 0;
  const afterName = readFileSync(path, 'utf8').split(') ').at(-1) ?? '';
  return Number(afterName.split(' ')[19] ?? 0);
}
