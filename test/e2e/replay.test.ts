import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listed } from '../../src/simulator/exchange/listings.ts';
import { normal, seededRandom } from '../../src/simulator/random.ts';
import { scanQuotes } from '../../workers/main-job/quote-scan.ts';
import { seededPlan } from '../../workers/main-job/seeded-plan.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';
import { startUp, survivors, type UpProcess } from './up-process.ts';

let folder: TempFolder;
let running: UpProcess | null = null;

beforeAll(async () => {
  folder = await tempFolder();
});
afterAll(async () => {
  running?.kill('SIGKILL');
  await running?.ended;
  await folder.remove();
});

/** Monday, 2014-05-05 12:00 UTC: the session is open. */
const opensAt = 1_399_291_200_000;
const quoteCount = 3_000;

/** A quiet walk with one fast fall and half a recovery. */
function quoteLines(): readonly string[] {
  const random = seededRandom('a fast day');
  let bid = 139_000;
  return Array.from({ length: quoteCount }, (_, at) => {
    const drift = at > 1_400 && at < 1_700 ? -3 : at > 1_900 && at < 2_200 ? 1.5 : 0;
    bid += Math.round(drift + normal(random) * 4);
    const spread = 10 + Math.floor(random() * 5);
    return `${opensAt + at * 100},${(bid / 100_000).toFixed(5)},${((bid + spread) / 100_000).toFixed(5)}`;
  });
}

const replayHomes = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith(`belay-replay-${running?.pid ?? 0}-`));

async function ended(...args: readonly string[]): Promise<{ readonly code: number; readonly up: UpProcess }> {
  running = startUp(args, join(folder.path, 'not-used'));
  return { code: await running.ended, up: running };
}

describe('a replayed day', () => {
  test('ends with equal books although every part was killed along the way', async () => {
    const file = join(folder.path, 'eurusd-fast.csv.gz');
    await writeFile(file, gzipSync(['timestamp_ms,bid,ask', ...quoteLines()].join('\n')));
    const plan = join(folder.path, 'plan.json');
    await writeFile(
      plan,
      JSON.stringify({
        trades: seededPlan(await scanQuotes(file, listed('EURUSD')), listed('EURUSD'), 'slice', 40).map(asWritten),
      }),
    );

    running = startUp(
      ['--replay', file, '--trades', plan, '--kills', '5', '--speed', '8', '--json'],
      join(folder.path, 'not-used'),
    );
    const below = new Set<number>();
    const watching = setInterval(
      () => void running?.descendants().then((pids) => pids.forEach((pid) => below.add(pid))),
      2_000,
    );
    const code = await running.ended;
    clearInterval(watching);

    expect({ code, stderr: running.stderr() }).toEqual({
      code: 0,
      stderr: expect.stringContaining('⚡ temporal killed'),
    });
    for (const part of ['engine', 'market', 'simulator', 'postgres'])
      expect(running.stderr()).toContain(`⚡ ${part} killed`);
    expect(running.lines).toHaveLength(1);
    const summary = JSON.parse(running.lines[0] ?? '') as Record<string, number>;
    expect(summary).toMatchObject({
      ok: true,
      trades: 40,
      duplicates: 0,
      unknown: 0,
      booksEqual: true,
      kills: 5,
      refused: 0,
    });
    expect(summary['dealsBroker']).toBe(summary['dealsEngine']);
    expect(summary['targetsFired']).toBeGreaterThan(20);
    expect(await survivors([...below])).toEqual([]);
    expect(await replayHomes()).toEqual([]);
  }, 200_000);

  test('is refused with file and line when a line does not parse, and nothing is started', async () => {
    const file = join(folder.path, 'bad.csv');
    await writeFile(file, [...quoteLines().slice(0, 5), '1399291201000,1.39,abc'].join('\n'));
    const { code, up } = await ended('--replay', file, '--json');
    expect({ code, lines: up.lines }).toEqual({ code: 3, lines: [expect.stringContaining('"error"')] });
    expect(up.stderr()).toContain('bad.csv:6');
    expect(await replayHomes()).toEqual([]);
  });

  test('is refused with field, value and rule when the plan breaks one', async () => {
    const file = join(folder.path, 'good.csv');
    await writeFile(file, quoteLines().slice(0, 5).join('\n'));
    const plan = join(folder.path, 'bad-plan.json');
    await writeFile(
      plan,
      JSON.stringify({ trades: [{ atQuote: 1, side: 'BUY', volume: '-1', stopLoss: { pips: '5' } }] }),
    );
    const { code, up } = await ended('--replay', file, '--trades', plan, '--json');
    expect(code).toBe(3);
    expect(JSON.parse(up.lines[0] ?? '')).toMatchObject({ error: { field: 'trades[0].volume', value: '"-1"' } });
  });
});

/** A plan is JSON as people write it: the size of a target stands as its share. */
function asWritten({ targets, ...trade }: ReturnType<typeof seededPlan>[number]): object {
  return {
    ...trade,
    targets: targets.map(({ at, size, late }) => ({ at, late, ...('share' in size ? { share: size.share } : {}) })),
  };
}
