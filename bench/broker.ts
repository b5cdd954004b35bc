import { systemClock } from '../src/clock.ts';
import { parseOptions } from '../src/simulator/options.ts';
import { startSimulator } from '../src/simulator/simulator.ts';

/**
 * The simulated broker as a process that also says when, on the clock all processes of a host share, a quote came up and when a
 * deal was done: lines `quote NANOSECONDS` and `deal NANOSECONDS`.
 */
const simulator = await startSimulator(parseOptions(process.argv.slice(2)), systemClock);
simulator.venue.listen((events) => {
  const at = process.hrtime.bigint();
  for (const { kind } of events) if (kind === 'quote' || kind === 'deal') process.stdout.write(`${kind} ${at}\n`);
});
process.once('SIGTERM', () => void simulator.close());
process.stdout.write(`ports ${simulator.port} ${simulator.controlPort}\nREADY\n`);
await simulator.market.finished;
