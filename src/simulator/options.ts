import { parseArgs } from 'node:util';

import { z } from 'zod';

import { defaultAccounts, type NewAccount } from './accounts.ts';

export interface SimulatorOptions {
  /** 0 = any free port. */
  readonly port: number;
  readonly controlPort: number;
  /** File of quotes; `null` = generated or manual. */
  readonly quotes: string | null;
  readonly symbol: string;
  /** Divides the pauses between quotes; 0 = none. */
  readonly speed: number;
  readonly market: 'generator' | 'manual';
  readonly seed: string;
  /** Where the journal lives; `null` = forget at the end. */
  readonly state: string | null;
  readonly accounts: readonly NewAccount[];
  readonly held: boolean;
  readonly maxExecutionDelayMs: number;
  readonly stateLagMs: number;
  readonly historyLagMs: number;
}

/** A wrong option, told with its name and value. */
export class BadOption extends Error {
  override readonly name = 'BadOption';
}

const port = z.coerce.number().int().min(0).max(65_535);
const milliseconds = z.coerce.number().int().min(0).max(600_000);

const account = z.strictObject({
  login: z.string().min(1),
  password: z.string().default('sim'),
  currency: z.string().default('EUR'),
  hedging: z.boolean().default(true),
  balance: z.string().default('10000'),
  leverage: z.number().int().min(1).max(3000).default(500),
});

const schema = z
  .object({
    port: port.default(0),
    'control-port': port.default(0),
    quotes: z.string().optional(),
    symbol: z.string().default('EURUSD'),
    speed: z.coerce.number().min(0).default(1),
    market: z.enum(['generator', 'manual']).default('generator'),
    seed: z.string().default('belay'),
    state: z.string().optional(),
    accounts: z.string().transform(parsedJson).pipe(z.array(account).min(1)).optional(),
    held: z.boolean().default(false),
    'max-execution-delay-ms': milliseconds.default(1000),
    'state-lag-ms': milliseconds.default(500),
    'history-lag-ms': milliseconds.default(500),
  })
  .transform((raw): SimulatorOptions => ({
    port: raw.port,
    controlPort: raw['control-port'],
    quotes: raw.quotes ?? null,
    symbol: raw.symbol,
    speed: raw.speed,
    market: raw.market,
    seed: raw.seed,
    state: raw.state ?? null,
    accounts: raw.accounts ?? defaultAccounts,
    held: raw.held,
    maxExecutionDelayMs: raw['max-execution-delay-ms'],
    stateLagMs: raw['state-lag-ms'],
    historyLagMs: raw['history-lag-ms'],
  }));

/** @throws BadOption on an unknown option or a value that does not fit */
export function parseOptions(args: readonly string[]): SimulatorOptions {
  const found = schema.safeParse(rawOptions(args));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new BadOption(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}

const text = { type: 'string' } as const;

function rawOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: text,
        'control-port': text,
        quotes: text,
        symbol: text,
        speed: text,
        market: text,
        seed: text,
        state: text,
        accounts: text,
        held: { type: 'boolean' },
        'max-execution-delay-ms': text,
        'state-lag-ms': text,
        'history-lag-ms': text,
      },
    }).values;
  } catch (error) {
    // Unknown options are the caller's mistake, told like a wrong value.
    throw new BadOption(error instanceof Error ? error.message : String(error));
  }
}

function parsedJson(value: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // Becomes an issue of this option instead of a stack.
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
}
