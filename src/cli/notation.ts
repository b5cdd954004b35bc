import { z } from 'zod';
import { compare, lots, price, type Lots, type Price } from '../domain/decimal.ts';
import type { Side, UtcMs } from '../domain/facts.ts';
import type { BreakevenRule, LatePolicy, LevelRule, TargetSize } from '../domain/trade/request.ts';
import { usage } from './failure.ts';

/** What people type, read into domain values. Decimals stay text from the first character to the last. */

const decimalText = /^\d{1,12}(?:\.\d{1,12})?$/;
const zero = price('0');

/** Canonical text of a decimal, so that `20.0p` and `20p` are the same request. */
const canonical = (text: string): string => price(text);

interface Notation<Value> {
  readonly schema: z.ZodType<Value>;
  readonly rule: string;
  readonly example: string;
}

/** @throws CliFailure (usage) that names option, text, rule and an example */
function read<Value>({ schema, rule, example }: Notation<Value>, option: string, text: string): Value {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw usage({
    code: 'invalid-value',
    field: option,
    value: `"${text}"`,
    rule,
    fix: `for example ${option} ${example}`,
  });
}

const reader =
  <Value>(notation: Notation<Value>) =>
  (option: string) =>
  (text: string): Value =>
    read(notation, option, text);

const positive = (text: string | undefined): text is string =>
  text !== undefined && decimalText.test(text) && compare(price(text), zero) > 0;

function levelOf(text: string): LevelRule | null {
  const [, amount, unit] = /^([\d.]+)(p|pt|r)?$/i.exec(text) ?? [];
  if (!positive(amount)) return null;
  switch (unit?.toLowerCase()) {
    case undefined:
      return { price: price(amount) };
    case 'p':
      return { pips: canonical(amount) };
    case 'pt':
      return { points: canonical(amount) };
    default:
      return { r: canonical(amount) };
  }
}

const orInvalid =
  <Value>(parse: (text: string) => Value | null) =>
  (text: string, context: z.RefinementCtx): Value => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue({ code: 'custom', message: 'invalid' });
    return z.NEVER;
  };

const parsed = <Value>(parse: (text: string) => Value | null): z.ZodType<Value> =>
  z.string().trim().transform(orInvalid(parse));

const levelRule = 'a price, or a distance from the entry: p pips, pt points, r multiples of the risk; above zero';

/** `1.0830`, `20p`, `200pt`, `1.5r`. */
export const level = reader<LevelRule>({ schema: parsed(levelOf), rule: levelRule, example: '20p' });

/** A level, or `none` for no level at all. */
export const levelOrNone = reader<LevelRule | 'none'>({
  schema: parsed((text) => (text.toLowerCase() === 'none' ? 'none' : levelOf(text))),
  rule: `${levelRule}; or none`,
  example: '40p',
});

/** A target as typed: `10p:50%`; without a share it takes what the others leave. */
export interface TypedTarget {
  readonly at: LevelRule;
  readonly size: TargetSize;
}

function targetOf(text: string): TypedTarget | null {
  const [where = '', share, ...more] = text.split(':');
  const at = levelOf(where);
  if (at === null || more.length > 0) return null;
  if (share === undefined) return { at, size: { rest: true } };
  const [, percent = ''] = /^(.+)%$/.exec(share) ?? [];
  return decimalText.test(percent) ? { at, size: { share: canonical(percent) } } : null;
}

export const target = reader<TypedTarget>({
  schema: parsed(targetOf),
  rule: 'LEVEL:SHARE% of the original volume; the last one may leave the share out and takes the rest',
  example: '10p:50%',
});

export const volume = reader<Lots>({
  schema: z.string().trim().regex(decimalText).transform(lots),
  rule: 'a volume in lots',
  example: '0.1',
});

export const priceLevel = reader<Price>({
  schema: z.string().trim().refine(positive).transform(price),
  rule: 'a price above zero',
  example: '1.085',
});

/** Part of what remains: `50%`, or lots. */
export const part = reader<{ readonly lots: Lots } | { readonly percentOfRemaining: string }>({
  schema: parsed((text) => {
    const [, amount, percent] = /^([\d.]+)(%)?$/.exec(text) ?? [];
    if (!positive(amount)) return null;
    return percent === undefined ? { lots: lots(amount) } : { percentOfRemaining: canonical(amount) };
  }),
  rule: 'a share of what remains in percent, or lots; above zero',
  example: '50%',
});

export const offset = reader<BreakevenRule['offset']>({
  schema: parsed((text) => {
    const [, amount = '', unit] = /^([\d.]+)(p|pt)$/i.exec(text) ?? [];
    if (!decimalText.test(amount)) return null;
    return unit?.toLowerCase() === 'p' ? { pips: canonical(amount) } : { points: canonical(amount) };
  }),
  rule: 'a distance in pips (p) or points (pt), added on the profit side',
  example: '10pt',
});

const words = <const Word extends string>(all: readonly Word[]) =>
  parsed((text) => all.find((word) => word.toLowerCase() === text.toLowerCase()) ?? null);

/** One of a few words, in any case. */
export function oneOf<const Word extends string>(all: readonly Word[]) {
  return reader<Word>({ schema: words(all), rule: `one of ${all.join(', ')}`, example: all[0] ?? '' });
}

export const side = oneOf<Side>(['BUY', 'SELL']);
export const latePolicy = oneOf<LatePolicy>(['act-if-beyond', 'act', 'skip', 'ask']);

/** Typed without capitals it is meant in capitals; a broker's own spelling (`EURUSD.m`) is left as it is. */
export const symbol = reader<string>({
  schema: z
    .string()
    .trim()
    .regex(/^[\w.#+-]{1,32}$/)
    .transform((text) => (/[A-Z]/.test(text) ? text : text.toUpperCase())),
  rule: 'a symbol the broker lists',
  example: 'EURUSD',
});

/** Number of a target, from 1. */
export const targetNumber = reader<number>({
  schema: z
    .string()
    .regex(/^\d{1,2}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(20)),
  rule: 'the number of a target, from 1 to 20',
  example: '1',
});

/** `2=act`, `2=skip`: what to do with a target that was crossed while nobody was there. */
export const targetVerdict = reader<{ readonly level: number; readonly verdict: 'act' | 'skip' }>({
  schema: parsed((text) => {
    const [, number, word] = /^(\d{1,2})=(act|skip)$/i.exec(text) ?? [];
    return number === undefined
      ? null
      : { level: Number(number), verdict: word?.toLowerCase() === 'act' ? 'act' : 'skip' };
  }),
  rule: 'NUMBER=act or NUMBER=skip',
  example: '2=act',
});

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const longestWaitMs = 600_000;

/** A wait in milliseconds: `500ms`, `10s`, `2m`; at most ten minutes. */
export const duration = reader<number>({
  schema: parsed((text) => {
    const [, amount, unit] = /^(\d{1,6})(ms|s|m)$/i.exec(text) ?? [];
    if (amount === undefined) return null;
    const total = Number(amount) * (unitMs[unit?.toLowerCase() ?? ''] ?? 0);
    return total > 0 && total <= longestWaitMs ? total : null;
  }),
  rule: 'a time with its unit (ms, s, m), at most ten minutes',
  example: '10s',
});

/** UTC milliseconds of an ISO time with its zone. */
export const instant = reader<UtcMs>({
  schema: z.iso.datetime({ offset: true }).transform((text) => new Date(text).getTime()),
  rule: 'a time as ISO 8601 with its zone',
  example: '2026-01-31T18:00:00Z',
});

/** What makes asking twice asking once; short enough to be part of a command's step key. */
export const idempotencyKey = reader<string>({
  schema: z.string().regex(/^[\x21-\x7e]{1,100}$/),
  rule: '1 to 100 visible characters',
  example: 'signal-2026-01-31-a',
});
