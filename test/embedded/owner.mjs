// Starts the programs its arguments name under the guard, prints their pids and waits to be killed.
import { spawnGuarded } from '../../src/embedded/guard.ts';

const script = process.argv[2];
const child = await spawnGuarded({
  command: process.execPath,
  args: [script],
  env: process.env,
  cwd: '/',
  runAs: null,
  stopSignal: 'TERM',
  onLine: () => undefined,
});
process.stdout.write(`${child.pid}\n`);
