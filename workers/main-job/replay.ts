import { join } from 'node:path';
import { systemClock as clock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import type { PartEvent } from '../../src/embedded/supervise.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import { startStack, type Stack } from '../stack.ts';
import { killAndRecover, type PlannedKill } from './kills.ts';
import type { ReplayOptions } from './options.ts';
import { createOpener } from './planned-trades.ts';
import { proveBooks, type Finished, type Stage } from './prove-replay.ts';
import { prepare, type Rehearsal } from './rehearsal.ts';
import { throwAwayHome } from './replay-home.ts';
import { atRest, until } from './rest.ts';
import type { Shutdown } from './shutdown.ts';
import { stackOrInterruption } from './stack-or-interruption.ts';
import { loosenedAtBroker } from './stops.ts';
import { secondsSince, summarize, type Summary } from './summary.ts';
import type { Terminal } from './terminal.ts';

const accountName = 'SIM-HEDGE';
/** Several hundred trades need more than a demo account's money. */
const accounts = JSON.stringify([
  { login: accountName, currency: 'EUR', hedging: true, balance: '10000000' },
  { login: 'SIM-NET', currency: 'USD', hedging: false, balance: '10000' },
]);
const restWithinMs = 120_000;

/** `belay replay`: plays a file of quotes with many trades and kills, then proves both books. Answers the exit code. */
export async function replay(
  config: Config,
  options: ReplayOptions,
  terminal: Terminal,
  shutdown: Shutdown,
): Promise<number> {
  const rehearsal = await prepare(options);
  const home = await throwAwayHome();
  try {
    const summary = await perform(
      rehearsal,
      { ...config, home: home.path, databaseUrl: null, temporalAddress: null, logLevel: 'error' },
      terminal,
      shutdown,
    );
    for (const problem of summary.problems ?? []) terminal.say(`  ✘ ${problem}`);
    terminal.data(summary);
    return summary.ok ? 0 : 1;
  } finally {
    await home.remove();
  }
}

async function perform(rehearsal: Rehearsal, config: Config, terminal: Terminal, shutdown: Shutdown): Promise<Summary> {
  const began = clock.monotonic();
  const failed = new AbortController();
  const signal = AbortSignal.any([shutdown.signal, failed.signal]);
  const stack = await stackOrInterruption(
    startStack(stackOptions(rehearsal, config, terminal, (why) => failed.abort(new Error(why)))),
    shutdown.signal,
  );
  let finished: Finished;
  try {
    finished = await play(rehearsal, stack, terminal, signal);
  } finally {
    await stack.stop();
  }
  // The broker's memory can be read once the broker has ended.
  const problems = [...finished.problems, ...loosenedAtBroker(join(config.home, 'simulator'), clock)];
  return summarize({ ...finished.facts, seconds: secondsSince(began, clock.monotonic()) }, problems);
}

function stackOptions(
  { options, file, scan, plan, kills }: Rehearsal,
  config: Config,
  terminal: Terminal,
  failed: (why: string) => void,
) {
  terminal.say(`  ${file}: ${scan.quotes} quotes of ${options.symbol}, ${plan.length} trades, ${kills.length} kills`);
  return {
    config,
    simulator: [
      '--quotes',
      file,
      '--symbol',
      options.symbol,
      '--speed',
      String(options.speed),
      '--accounts',
      accounts,
      '--held',
    ],
    say: () => undefined,
    onEvent: (event: PartEvent) => {
      if (event.kind === 'died' && !event.onPurpose)
        terminal.warn(`  ⚠ ${event.name} ended with code ${event.code}\n${event.lastWords}`);
      if (event.kind === 'gave-up') failed(`${event.name} died ${event.deaths} times within a minute and was given up`);
    },
    onLog: (role: string, line: string) => terminal.warn(`  ${role}: ${line.slice(0, 2_000)}`),
  };
}

async function play(
  { options, scan, plan, kills }: Rehearsal,
  stack: Stack,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Finished> {
  const { symbol } = options;
  const account = (await stack.parts.records.accounts()).find(({ name }) => name === accountName);
  if (account === undefined) throw new Error(`account ${accountName} is missing`);
  const opener = createOpener({ stack, account, symbol, plan, signal });
  const stage: Stage = { stack, opener, terminal, signal };
  const { heldMs, done } = await runMarket(stage, { account, symbol, kills, quotes: scan.quotes });
  terminal.say('  the market is over: waiting for the last opens');
  await opener.settled();
  terminal.say('  closing what is open');
  await opener.closeAll();
  terminal.say('  waiting until all is quiet');
  await atRest(stack.parts, restWithinMs, signal);
  return proveBooks(stage, { symbol, plan, kills: { asked: kills.length, done }, heldMs });
}

interface Market {
  readonly account: AccountRecord;
  readonly symbol: string;
  readonly kills: readonly PlannedKill[];
  readonly quotes: number;
}

const lookEveryMs = 20;
const tellEveryMs = 5_000;

/** Lets the market run to its end, with each open and each kill at its quote. */
async function runMarket(
  { stack, opener, terminal, signal }: Stage,
  { account, symbol, kills, quotes: total }: Market,
) {
  const { simulator } = stack;
  let heldMs = 0;
  let done = 0;
  let toldAt = clock.monotonic();
  await simulator.releaseMarket({});
  for (;;) {
    const { quotes, ended } = await until(
      stack.parts,
      { what: 'an answer of the simulator', withinMs: 60_000, signal },
      () => simulator.getState({}),
    );
    opener.due(quotes);
    const kill = kills[done];
    if (kill !== undefined && kill.atQuote <= quotes) {
      terminal.say(`  ⚡ ${kill.victim} killed at quote ${quotes}`);
      heldMs += await killAndRecover({ stack, account, symbol, livingTrade: opener.living, signal }, kill);
      done += 1;
      continue;
    }
    if (ended) return { heldMs, done };
    if (clock.monotonic() - toldAt > tellEveryMs) {
      toldAt = clock.monotonic();
      terminal.say(
        `  ${((quotes / total) * 100).toFixed(0).padStart(3)} %  quote ${quotes}, ${opener.started()} trades, ${done} kills`,
      );
    }
    await clock.sleep(lookEveryMs, signal);
  }
}
