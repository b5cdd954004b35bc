import { systemClock } from '../src/clock.ts';
import { ConfigError, configOfThisProcess } from '../src/config.ts';
import { HomeInUse } from '../src/embedded/home-lock.ts';
import { parseOptions, Usage } from './main-job/options.ts';
import { PlanRefused, QuotesRefused } from './main-job/refusals.ts';
import { replay } from './main-job/replay.ts';
import { Interrupted, listenForShutdown, type Shutdown } from './main-job/shutdown.ts';
import { start } from './main-job/start.ts';
import { openTerminal, type Terminal } from './main-job/terminal.ts';

/** The embedded default: everything on this computer, from one terminal. Also plays a file of quotes. */
async function main(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal(argv.includes('--json'));
  const shutdown = listenForShutdown(systemClock);
  try {
    const options = parseOptions(argv);
    const config = configOfThisProcess();
    return options.job === 'start'
      ? await start(config, options, terminal, shutdown)
      : await replay(config, options, terminal, shutdown);
  } catch (error) {
    // The edge of the process: every way to fail has its words and its exit code.
    return failed(error, terminal, shutdown, argv.includes('--json'));
  }
}

function failed(error: unknown, terminal: Terminal, shutdown: Shutdown, json: boolean): number {
  const interruption = error instanceof Interrupted ? error : shutdown.interrupted();
  if (interruption !== null) {
    terminal.warn(`  stopped: ${interruption.message}`);
    return interruption.exitCode;
  }
  const why = reasonOf(error);
  terminal.warn(why instanceof Error ? why.message : String(why));
  if (error instanceof PlanRefused || error instanceof QuotesRefused) {
    if (json) terminal.data({ error: error.denial });
    return error.exitCode;
  }
  return error instanceof ConfigError || error instanceof HomeInUse || error instanceof Usage ? error.exitCode : 1;
}

/** An aborted pause says only that; what aborted it is its cause. */
function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.name === 'AbortError' ? (error.cause ?? error) : error;
}

process.exitCode = await main(process.argv.slice(2));
// Everything is stopped in order; a handle a library kept must not keep us.
process.exit();
