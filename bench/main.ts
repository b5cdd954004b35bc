import { arming } from './arming.ts';
import { commits } from './commits.ts';
import type { Figure } from './figure.ts';
import { history } from './history.ts';
import { index } from './index.ts';
import { paths } from './paths.ts';
import { recovery } from './recovery.ts';
import { start } from './start.ts';

/** What `npm run bench -- NAME …` knows. */
const benches: Readonly<Record<string, () => AsyncGenerator<Figure>>> = {
  index,
  paths,
  commits,
  history,
  start,
  recovery,
  arming,
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) {
    process.stderr.write(`no bench is named ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}\n`);
    return 2;
  }
  const chosen = names.length > 0 ? names : Object.keys(benches);
  for (const name of chosen) {
    for await (const figure of benches[name]?.() ?? []) process.stdout.write(`${JSON.stringify(figure)}\n`);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
