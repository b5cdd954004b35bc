import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../src/clock.ts';
import type { Input } from '../../src/simulator/exchange/inputs.ts';
import { openJournal } from '../../src/simulator/journal.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'belay-journal-'));
  file = join(directory, 'journal.jsonl');
});

afterEach(() => rm(directory, { recursive: true }));

const quote = { kind: 'quote', symbol: 'EURUSD', bid: 1, ask: 2, sourceTime: null, taken: true } as const;
const source = { kind: 'source', id: 'generator ä' } as const;

function open() {
  const replayed: [number, Input][] = [];
  const journal = openJournal(directory, systemClock, (time, input) => replayed.push([time, input]));
  return { journal, replayed };
}

describe('the journal', () => {
  test('gives back what was written, in order', () => {
    const first = open().journal;
    first.append(1, source);
    first.append(2, { ...quote, sourceTime: 9, taken: false });
    first.close();
    const { journal, replayed } = open();
    journal.close();
    expect(replayed).toEqual([
      [1, source],
      [2, { ...quote, sourceTime: 9, taken: false }],
    ]);
  });

  test('cuts a half-written last line and goes on behind the whole ones', async () => {
    const first = open().journal;
    first.append(1, quote);
    first.close();
    await appendFile(file, '[2,"EURUSD",1');
    const second = open();
    second.journal.append(3, source);
    second.journal.close();
    const { journal, replayed } = open();
    journal.close();
    expect(replayed.map(([time]) => time)).toEqual([1, 3]);
  });

  test('refuses a damaged line in the middle, by its number, and leaves the file alone', async () => {
    const damaged = '[1,"EURUSD",1,2,null,1]\n???\n[3,"EURUSD",1,2,null,1]\n';
    await writeFile(file, damaged);
    expect(() => open()).toThrow('journal line 2');
    expect(await readFile(file, 'utf8')).toBe(damaged);
  });

  test('reads more than one block', () => {
    const first = open().journal;
    for (let n = 0; n < 50_000; n += 1) first.append(n, quote);
    first.close();
    const { journal, replayed } = open();
    journal.close();
    expect(replayed).toHaveLength(50_000);
    expect(replayed.every(([time], n) => time === n)).toBe(true);
  });
});
