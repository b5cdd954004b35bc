import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { isAlive } from '../embedded/guard.ts';
import { unreachablePart } from './failure.ts';

/** Where the running Belay is found. */
export interface Addresses {
  readonly temporal: string;
  readonly namespace: string;
  readonly databaseUrl: string;
}

/** What `npm start` writes down of itself; more keys than these are its own business. */
const runningBelay = z.object({
  temporal: z.string().min(1),
  namespace: z.string().min(1),
  databaseUrl: z.string().min(1),
  pid: z.int().positive(),
});

/**
 * From the environment where it names both, else from the data folder.
 *
 * @throws CliFailure (unreachable) when nothing runs there
 */
export async function addressesOf(config: Config): Promise<Addresses> {
  const { databaseUrl, temporalAddress, temporalNamespace } = config;
  if (databaseUrl !== null && temporalAddress !== null)
    return { temporal: temporalAddress, namespace: temporalNamespace, databaseUrl };
  const running = await readRunning(config.home);
  return {
    temporal: temporalAddress ?? running.temporal,
    namespace: running.namespace,
    databaseUrl: databaseUrl ?? running.databaseUrl,
  };
}

async function readRunning(home: string): Promise<z.infer<typeof runningBelay>> {
  const notRunning = (rule: string) => unreachablePart('belay', home, rule);
  const text = await textOf(join(home, 'belay.json'));
  if (text === null)
    throw notRunning('no Belay runs on this data folder, and DATABASE_URL and TEMPORAL_ADDRESS are unset');
  const parsed = runningBelay.safeParse(jsonOf(text));
  if (!parsed.success) throw notRunning('its belay.json is not one of this version');
  if (!isAlive(parsed.data.pid)) throw notRunning(`the Belay that ran here (process ${parsed.data.pid}) has ended`);
  return parsed.data;
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    // Missing or unreadable: either way there is nothing to connect to.
    return null;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Becomes the same refusal as a wrong shape.
    return null;
  }
}
