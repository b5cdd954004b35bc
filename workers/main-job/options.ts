import { parseArgs } from 'node:util';
import { z } from 'zod';
import { listings } from '../../src/simulator/exchange/listings.ts';

/** `once`: ends after the main job; `serve`: stays up; `auto`: stays in a terminal, ends without one. */
export interface StartOptions {
  readonly job: 'start';
  readonly stay: 'once' | 'serve' | 'auto';
  readonly json: boolean;
}

export interface ReplayOptions {
  readonly job: 'replay';
  readonly file: string;
  /** Divides the pauses between quotes; 0 leaves them out. */
  readonly speed: number;
  /** `null`: a seeded plan. */
  readonly plan: string | null;
  readonly kills: number;
  readonly symbol: string;
  readonly seed: string;
  readonly json: boolean;
}

/** The command line does not fit: what is wrong, why, and what to type. */
export class Usage extends Error {
  override readonly name = 'Usage';
  readonly exitCode = 2;
}

const startUsage = 'npm start [-- --once | --serve] [--json]';
const replayUsage =
  'npm run belay -- replay FILE [--speed N] [--trades PLAN.json] [--kills N] [--symbol S] [--platform sim] [--seed S] [--json]';

const startFlags = { once: { type: 'boolean' }, serve: { type: 'boolean' }, json: { type: 'boolean' } } as const;
const text = { type: 'string' } as const;
const replayFlags = {
  replay: text,
  speed: text,
  trades: text,
  kills: text,
  symbol: text,
  platform: text,
  seed: text,
  json: { type: 'boolean' },
} as const;

/** @throws Usage naming the option, its value and the known ones */
export function parseOptions(argv: readonly string[]): StartOptions | ReplayOptions {
  const isReplay = argv.some((word) => word === '--replay' || word.startsWith('--replay='));
  return isReplay ? replayOptions(argv) : startOptions(argv);
}

function startOptions(argv: readonly string[]): StartOptions {
  const {
    once = false,
    serve = false,
    json = false,
  } = parsed(startUsage, () => parseArgs({ args: [...argv], options: startFlags }).values);
  if (once && serve) throw new Usage(`--once and --serve exclude each other\n${startUsage}`);
  return { job: 'start', stay: once ? 'once' : serve ? 'serve' : 'auto', json };
}

const replaySchema = z.object({
  replay: z.string().min(1),
  speed: z.coerce.number('must be a number').min(0, 'must be 0 or more').default(240),
  trades: z.string().min(1).optional(),
  kills: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(0, 'must be 0 or more')
    .max(500, 'must be 500 or less')
    .default(0),
  symbol: z.string().optional(),
  platform: z.literal('sim', 'must be sim: the only platform that can be replayed on').default('sim'),
  seed: z.string().min(1).default('belay'),
  json: z.boolean().default(false),
});

function replayOptions(argv: readonly string[]): ReplayOptions {
  const raw = parsed(replayUsage, () => parseArgs({ args: [...argv], options: replayFlags }).values);
  const checked = replaySchema.safeParse(raw);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const name = issue?.path.join('.') ?? '';
    throw new Usage(
      `--${name} is "${String(Object(raw)[name] ?? '')}": it ${issue?.message ?? 'does not fit'}\n${replayUsage}`,
    );
  }
  const { replay, speed, trades, kills, symbol, seed, json } = checked.data;
  return {
    job: 'replay',
    file: replay,
    speed,
    plan: trades ?? null,
    kills,
    symbol: symbolOf(symbol, replay),
    seed,
    json,
  };
}

/** From the option, else the symbol the file's name contains, else EURUSD. */
function symbolOf(asked: string | undefined, file: string): string {
  const known = [...listings.keys()];
  const name = (file.split('/').at(-1) ?? '').toUpperCase();
  const symbol = asked?.toUpperCase() ?? known.find((one) => name.includes(one)) ?? 'EURUSD';
  if (!known.includes(symbol))
    throw new Usage(`--symbol is "${asked ?? ''}": the simulated broker lists ${known.join(', ')}\n${replayUsage}`);
  return symbol;
}

function parsed<Values>(usage: string, parse: () => Values): Values {
  try {
    return parse();
  } catch (error) {
    // Node's own words name the option; the known ones are ours to say.
    throw new Usage(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}
