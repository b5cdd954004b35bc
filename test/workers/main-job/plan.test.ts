import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listed } from '../../../src/simulator/exchange/listings.ts';
import { readPlan } from '../../../workers/main-job/plan.ts';
import { scanQuotes } from '../../../workers/main-job/quote-scan.ts';
import { PlanRefused, QuotesRefused } from '../../../workers/main-job/refusals.ts';
import { seededPlan } from '../../../workers/main-job/seeded-plan.ts';
import { tempFolder, type TempFolder } from '../../support/temp-folder.ts';

let folder: TempFolder;
beforeAll(async () => {
  folder = await tempFolder();
});
afterAll(() => folder.remove());

const eurusd = listed('EURUSD');

async function written(name: string, content: string): Promise<string> {
  const file = join(folder.path, name);
  await writeFile(file, content);
  return file;
}

const trade = {
  atQuote: 5,
  side: 'buy',
  volume: '0.6',
  stopLoss: { pips: '20' },
  targets: [{ at: { pips: '10' }, share: '50' }, { at: { price: '1.09' } }],
};
const planFile = (...trades: readonly object[]) => written('plan.json', JSON.stringify({ trades }));

describe('a plan', () => {
  test('is read with its defaults, by rising quote', async () => {
    const [first, second] = await readPlan(await planFile({ ...trade, atQuote: 9 }, trade));
    expect([first?.atQuote, second?.atQuote]).toEqual([5, 9]);
    expect(first).toMatchObject({ side: 'BUY', volume: '0.6', breakeven: null });
    expect(first?.targets).toEqual([
      { at: { pips: '10' }, size: { share: '50' }, late: 'act-if-beyond' },
      { at: { price: '1.09' }, size: { rest: true }, late: 'act-if-beyond' },
    ]);
  });

  test.each([
    [{ ...trade, volume: 0.6 }, 'trades[0].volume', '0.6', /decimal as text/u],
    [{ ...trade, volume: '-1' }, 'trades[0].volume', '"-1"', /decimal as text/u],
    [{ ...trade, volume: '0' }, 'trades[0].volume', '"0"', /decimal as text/u],
    [{ ...trade, atQuote: 0 }, 'trades[0].atQuote', '0', /whole number of quotes/u],
    [{ ...trade, side: 'long' }, 'trades[0].side', '"long"', /BUY or SELL/u],
    [{ ...trade, stopLoss: undefined }, 'trades[0].stopLoss', 'missing', /one of/u],
    [
      { ...trade, targets: [{ at: { pips: '1' }, late: 'never' }] },
      'trades[0].targets[0].late',
      '"never"',
      /act-if-beyond/u,
    ],
    [{ ...trade, extra: 1 }, 'trades[0]', /./u, /unknown key extra/u],
  ])('is refused with field, value, rule and fix: %j', async (bad, field, value, rule) => {
    const refusal = await readPlan(await planFile(bad)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PlanRefused);
    const expected = {
      field,
      value: value instanceof RegExp ? expect.stringMatching(value) : value,
      rule: expect.stringMatching(rule),
    };
    expect((refusal as PlanRefused).denial).toMatchObject(expected);
    expect((refusal as PlanRefused).denial.fix).toContain('replay.md');
  });

  test('that is no JSON or not there is refused', async () => {
    await expect(readPlan(await written('bad.json', '{'))).rejects.toThrow(PlanRefused);
    await expect(readPlan(join(folder.path, 'none.json'))).rejects.toThrow(/none\.json/u);
  });
});

describe('a file of quotes', () => {
  const rows = (count: number, bidOf: (index: number) => number) =>
    Array.from(
      { length: count },
      (_, index) =>
        `${1_000 + index},${(bidOf(index) / 100_000).toFixed(5)},${((bidOf(index) + 10) / 100_000).toFixed(5)}`,
    );

  test('shows its length, range and fastest stretch', async () => {
    const file = await written(
      'move.csv',
      rows(1_000, (at) => (at < 500 ? 108_000 : at < 520 ? 108_000 + (at - 500) * 10 : 108_200)).join('\n'),
    );
    const scan = await scanQuotes(file, eurusd);
    expect(scan).toMatchObject({ quotes: 1_000, rangePoints: 200, widestSpreadPoints: 10 });
    expect(scan.move).toEqual({ from: 501, to: 530 });
  });

  test('is refused with its line when one cannot be read, before anything starts', async () => {
    const file = await written('bad.csv', [...rows(3, () => 108_000), 'yesterday,1,2'].join('\n'));
    const refusal = await scanQuotes(file, eurusd).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(QuotesRefused);
    expect(String(refusal)).toContain('bad.csv:4');
  });

  test('is refused when it is missing or empty', async () => {
    await expect(scanQuotes(join(folder.path, 'none.csv'), eurusd)).rejects.toThrow(QuotesRefused);
    await expect(scanQuotes(await written('empty.csv', ''), eurusd)).rejects.toThrow(/no quotes/u);
  });
});

describe('a seeded plan', () => {
  const scan = { quotes: 10_000, rangePoints: 1_500, widestSpreadPoints: 20, move: { from: 4_000, to: 4_300 } };

  test('is the same for the same seed, and another for another', () => {
    expect(seededPlan(scan, eurusd, 'a')).toEqual(seededPlan(scan, eurusd, 'a'));
    expect(seededPlan(scan, eurusd, 'a')).not.toEqual(seededPlan(scan, eurusd, 'b'));
  });

  test('has 300 trades of both sides with one to three rising targets, opened before and in the fast move', () => {
    const plan = seededPlan(scan, eurusd, 'a');
    expect(plan).toHaveLength(300);
    expect(new Set(plan.map(({ side }) => side))).toEqual(new Set(['BUY', 'SELL']));
    expect(new Set(plan.map(({ targets }) => targets.length))).toEqual(new Set([1, 2, 3]));
    expect(plan.every(({ atQuote }) => atQuote >= 1 && atQuote <= 4_300)).toBe(true);
    expect(plan.filter(({ atQuote }) => atQuote >= 4_000).length).toBeGreaterThan(50);
    for (const { targets } of plan) {
      const points = targets.map(({ at }) => Number('points' in at ? at.points : 'none'));
      expect(points).toEqual(points.toSorted((left, right) => left - right));
      expect(new Set(points).size).toBe(points.length);
    }
  });
});
