import { join } from 'node:path';
import { configOfThisProcess } from '../../src/config.ts';
import { run } from '../../src/embedded/run.ts';
import { startStack, type Stack } from '../../workers/stack.ts';
import { checkout } from '../support/checkout.ts';
import { tempHome } from '../support/temp-folder.ts';
import { temporalProgram } from '../support/temporal.ts';

/** What one command line came to. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one object of a `--json` answer. @throws when it is not exactly one */
  json(): Json;
}

// oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the tests are about
export type Json = Readonly<Record<string, any>>;

/** Runs the real command line as a process of its own. */
export async function belay(words: string, env: Readonly<Record<string, string>>): Promise<Said> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    join(checkout, 'src/cli/main.ts'),
    ...words.split(' ').filter((word) => word !== ''),
  ];
  const inherited = Object.fromEntries(
    ['PATH', 'HOME', 'NO_COLOR'].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
  const said = await run({ command: process.execPath, args, env: { ...inherited, ...env }, withinMs: 20_000 });
  return { ...said, json: () => JSON.parse(said.stdout) as Json };
}

/** A whole Belay with a market that moves only by hand, and its command line. */
export interface Stand {
  readonly stack: Stack;
  /** Where a command line of its own finds this Belay. */
  readonly env: Readonly<Record<string, string>>;
  belay(words: string): Promise<Said>;
  /** The answer of a command that must end well. */
  done(words: string): Promise<Json>;
  quote(bid: string, ask: string): Promise<void>;
  /** Everything that a refused command must leave as it is: the broker's whole book and the rows of ours. */
  untouched(): Promise<object>;
  close(): Promise<void>;
}

export async function raiseStand(): Promise<Stand> {
  const folder = await tempHome();
  try {
    const stack = await startStack({
      config: {
        ...configOfThisProcess(),
        home: folder.path,
        logLevel: 'error',
        executionMode: 'live',
        databaseUrl: null,
        temporalAddress: null,
        temporalCliPath: temporalProgram(),
      },
      simulator: ['--market', 'manual'],
      say: () => undefined,
    });
    const { databaseUrl, temporalAddress } = stack.parts.config;
    const env = { BELAY_HOME: folder.path, DATABASE_URL: databaseUrl ?? '', TEMPORAL_ADDRESS: temporalAddress ?? '' };
    return {
      stack,
      env,
      belay: (words) => belay(words, env),
      done: (words) => mustEndWell(words, env),
      quote: async (bid, ask) => void (await stack.simulator.pushQuote({ symbol: 'EURUSD', bid, ask })),
      untouched: () => stateOf(stack),
      close: async () => {
        await stack.stop();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function mustEndWell(words: string, env: Readonly<Record<string, string>>): Promise<Json> {
  const said = await belay(`${words} --json`, env);
  if (said.code !== 0) throw new Error(`belay ${words} ended with ${said.code}:\n${said.stdout}${said.stderr}`);
  return said.json();
}

async function stateOf({ simulator, parts }: Stack): Promise<object> {
  const { positions, orders, deals, effects } = await simulator.getBook({ login: 'SIM-HEDGE' });
  const { rows } = await parts.records.pool.query(
    'select (select count(*)::int from trade) trades, (select count(*)::int from broker_command) commands, (select count(*)::int from profit_target) targets',
  );
  return {
    positions: positions.map(({ positionId, lots, stopLoss }) => ({ positionId, lots, stopLoss })),
    orders: orders.length,
    deals: deals.length,
    effects: effects.length,
    rows: rows[0] as object,
  };
}
