import { systemClock as clock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import type { PartEvent } from '../../src/embedded/supervise.ts';
import { startStack, type Stack } from '../stack.ts';
import { writeBelayFile } from './belay-file.ts';
import { runDemo } from './demo.ts';
import type { StartOptions } from './options.ts';
import { showProgress } from './progress.ts';
import { aborted, type Shutdown } from './shutdown.ts';
import { stackOrInterruption } from './stack-or-interruption.ts';
import type { Terminal } from './terminal.ts';

const steps = ['postgres', 'schema', 'temporal', 'simulator', 'engine', 'market'];

/** `npm start`: everything up, the demo trade, then stays or ends. Answers the exit code. */
export async function start(
  config: Config,
  options: StartOptions,
  terminal: Terminal,
  shutdown: Shutdown,
): Promise<number> {
  const beganMs = clock.monotonic();
  const failed = new AbortController();
  const signal = AbortSignal.any([shutdown.signal, failed.signal]);
  const stack = await bringUp(config, terminal, shutdown, (why) => failed.abort(new Error(why)));
  const removeFile = await writeBelayFile(stack);
  try {
    announce(stack, options, terminal, clock.monotonic() - beganMs);
    const { ok } = await demo(stack, { options, terminal, signal, beganMs });
    if (!staysUp(options, terminal)) return ok ? 0 : 1;
    await stack.simulator.releaseMarket({});
    sayWhatNext(stack, terminal);
    await aborted(signal);
    signal.throwIfAborted();
    return 0;
  } finally {
    await removeFile();
    await stack.stop();
  }
}

const staysUp = ({ stay }: StartOptions, { isTerminal }: Terminal) =>
  stay === 'serve' || (stay === 'auto' && isTerminal);

async function bringUp(
  config: Config,
  terminal: Terminal,
  shutdown: Shutdown,
  failed: (why: string) => void,
): Promise<Stack> {
  terminal.say('');
  terminal.say(`  ✔ ${'node'.padEnd(10)} ${process.version}`);
  const progress = showProgress(clock, steps, terminal.say);
  const onEvent = (event: PartEvent) => tellEvent(event, terminal, failed);
  try {
    return await stackOrInterruption(
      startStack({
        config,
        simulator: ['--market', 'generator', '--held'],
        say: progress.say,
        onEvent,
        onLog: (role, line) => tellLog(role, line, terminal),
      }),
      shutdown.signal,
    );
  } finally {
    progress.end();
  }
}

/** Deaths on purpose are told by the demo itself. */
function tellEvent(event: PartEvent, terminal: Terminal, failed: (why: string) => void): void {
  if (event.kind === 'died' && !event.onPurpose)
    terminal.warn(
      `  ⚠ ${event.name} ended with code ${event.code} and is started again\n${lastLines(event.lastWords)}`,
    );
  if (event.kind === 'restart-failed') terminal.warn(`  ⚠ ${event.name} could not be started again: ${event.why}`);
  if (event.kind === 'gave-up')
    failed(`${event.name} died ${event.deaths} times within a minute and was given up\n${lastLines(event.lastWords)}`);
}

const lastLines = (words: string) => words.trimEnd().split('\n').slice(-5).join('\n');

/** Log lines of the processes: only what is wrong, so that the story stays readable. */
function tellLog(role: string, line: string, terminal: Terminal): void {
  if (/"level":"(error|fatal)"/u.test(line)) terminal.warn(`  ${role}: ${line}`);
}

function announce({ addresses }: Stack, { json }: StartOptions, terminal: Terminal, tookMs: number): void {
  const { home, temporal, temporalUi, postgres, simulator } = addresses;
  if (json) terminal.data({ home, temporal, temporalUi, postgres, simulator });
  terminal.say(`  ready after ${(tookMs / 1_000).toFixed(1)} s, data in ${home}`);
}

interface DemoRun {
  readonly options: StartOptions;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly beganMs: number;
}

async function demo(stack: Stack, { options, terminal, signal, beganMs }: DemoRun) {
  terminal.say('');
  terminal.say('  Demo: real engine, simulated market');
  const summary = await runDemo({ stack, signal, beganMs, say: (line) => terminal.say(`  ${line}`) });
  if (options.json || !terminal.isTerminal) terminal.data(summary);
  else terminal.say(`  ${summary.ok ? '✔ everything as it should be' : '✘ see above'} · ${summary.seconds} s`);
  return summary;
}

function sayWhatNext({ addresses }: Stack, terminal: Terminal): void {
  const { temporalUi, temporal, postgres, simulator } = addresses;
  terminal.say('');
  terminal.say(`  Temporal UI  ${temporalUi ?? `of the server at ${temporal}`}`);
  terminal.say(`  Temporal     ${temporal}`);
  terminal.say(`  PostgreSQL   ${postgres}`);
  terminal.say(`  Simulator    ${simulator}, its market lives on`);
  terminal.say(
    '  Next:  npm run belay -- open EURUSD buy 0.5 --sl 20p --tp 10p:50% --tp 30p      Ctrl-C stops, data stays',
  );
}
