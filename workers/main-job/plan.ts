import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { lots, price, type Lots } from '../../src/domain/decimal.ts';
import type { Side } from '../../src/domain/facts.ts';
import type { BreakevenRule, LevelRule, TargetRule } from '../../src/domain/trade/request.ts';
import { PlanRefused } from './refusals.ts';

/** One trade of a replay: opened at the market once the market has given `atQuote` quotes. */
export interface PlannedTrade {
  readonly atQuote: number;
  readonly side: Side;
  readonly volume: Lots;
  readonly stopLoss: LevelRule;
  readonly targets: readonly TargetRule[];
  readonly breakeven: BreakevenRule | null;
}

const decimalRule = 'a positive decimal as text, like "0.3"';
const decimal = z
  .string(decimalRule)
  .refine((text) => /^\d{1,9}(\.\d{1,9})?$/.test(text) && /[1-9]/.test(text), decimalRule);

const pips = z.strictObject({ pips: decimal });
const points = z.strictObject({ points: decimal });
const level = z.union(
  [pips, points, z.strictObject({ r: decimal }), z.strictObject({ price: decimal.transform(price) })],
  'one of {"price"}, {"pips"}, {"points"}, {"r"} with a positive decimal as text',
);
const target = z
  .strictObject({
    at: level,
    share: decimal.optional(),
    late: z
      .enum(['act-if-beyond', 'act', 'skip', 'ask'], 'one of act-if-beyond, act, skip, ask')
      .default('act-if-beyond'),
  })
  .transform(({ at, share, late }): TargetRule => ({
    at,
    size: share === undefined ? { rest: true } : { share },
    late,
  }));

const trade = z.strictObject({
  atQuote: z
    .number('a whole number of quotes, 1 or more')
    .int('a whole number of quotes, 1 or more')
    .min(1, 'a whole number of quotes, 1 or more'),
  side: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(['BUY', 'SELL'], 'BUY or SELL')),
  volume: decimal.transform(lots),
  stopLoss: level,
  targets: z.array(target).max(20, 'at most 20 targets').default([]),
  breakeven: z
    .strictObject({
      afterLevel: z.number('the number of a target').int('the number of a target').min(1, 'the number of a target'),
      offset: z.union([pips, points], 'one of {"pips"}, {"points"}'),
    })
    .nullable()
    .default(null),
});

const plan = z.strictObject({
  trades: z.array(trade, 'a list of trades').min(1, 'at least one trade').max(5_000, 'at most 5000 trades'),
});

/**
 * The plan in a file, by rising quote.
 *
 * @throws PlanRefused naming field, value, rule and fix of the first problem
 */
export async function readPlan(file: string): Promise<readonly PlannedTrade[]> {
  const content = await contentOf(file);
  const checked = plan.safeParse(content);
  if (checked.success) return checked.data.trades.toSorted((left, right) => left.atQuote - right.atQuote);
  const [issue] = checked.error.issues;
  const path = issue?.path ?? [];
  throw new PlanRefused(file, {
    code: 'plan-invalid',
    field:
      path.length === 0
        ? 'the plan'
        : path
            .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
            .join('')
            .replace(/^\./u, ''),
    value: shown(path.reduce<unknown>((value, part) => Object(value)[part], content)),
    rule:
      issue?.code === 'unrecognized_keys'
        ? `it has the unknown key ${issue.keys.join(', ')}`
        : `it must be ${issue?.message ?? 'as documented'}`,
    fix: 'see docs/how-to/replay.md for the format',
  });
}

const shown = (value: unknown) => (value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80));

async function contentOf(file: string): Promise<unknown> {
  const fix = 'name a readable file of JSON';
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // A file that cannot be read is the caller's matter, told like a wrong value.
    throw new PlanRefused(file, { code: 'plan-unreadable', field: '--trades', value: file, rule: String(error), fix });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    // Node's own words name the place.
    throw new PlanRefused(file, {
      code: 'plan-unreadable',
      field: 'the plan',
      value: 'not JSON',
      rule: String(error),
      fix,
    });
  }
}
