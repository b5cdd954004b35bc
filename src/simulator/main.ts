import { systemClock } from '../clock.ts';
import { parseOptions } from './options.ts';
import { startSimulator, type Simulator } from './simulator.ts';

/** The broker as a process of its own. Tells where it serves by the line READY and one line of JSON. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const simulator = await startSimulator(options, systemClock);
  const end = (exitCode: number) => {
    process.exitCode = exitCode;
    void simulator.close();
  };
  process.once('SIGTERM', () => end(0));
  process.once('SIGINT', () => end(0));
  process.stdout.write(`READY\n${JSON.stringify(address(simulator))}\n`);
  await simulator.market.finished;
}

function address({ port, controlPort, venue }: Simulator) {
  const accounts = [...venue.exchange.accounts.values()].map(({ login, password, currency, hedging }) => ({
    login,
    password,
    currency,
    hedging,
  }));
  return { port, controlPort, pid: process.pid, accounts };
}

try {
  await main();
} catch (error) {
  // The edge of the process: one line for the person, and a code for the script.
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
