import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { devServerFlags, sqliteFlags } from './dev-server-flags.ts';
import { spawnGuarded, type GuardedChild } from './guard.ts';
import { importantLines } from './last-words.ts';
import { answers, freePort, rememberedPort } from './ports.ts';
import { supervise, type OnPartEvent, type Part } from './supervise.ts';

export interface TemporalOptions {
  /** The `temporal` program, from {@link findTemporal}. */
  readonly program: string;
  /** Where the state lives, over restarts; `null`: in memory, gone when it dies. */
  readonly home: string | null;
  /** Preferred ports when the home does not remember others. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly onEvent: OnPartEvent;
}

export interface EmbeddedTemporal extends Part {
  /** `127.0.0.1:port`; stays the same over restarts. */
  readonly address: string;
  readonly uiUrl: string;
}

export const temporalNamespace = 'default';
const PREFERRED_PORT = 7_233;
const PREFERRED_UI_PORT = 8_233;
const endedEarly = 'ended before it was ready';
const READY_WITHIN_MS = 30_000;

interface Ports {
  readonly port: number;
  readonly uiPort: number;
}

/** @throws Error with the server's own words when it does not start */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  if (options.home !== null) await mkdir(options.home, { recursive: true });
  const startOn = async (ports: Ports) => {
    const launch = () => launchTemporal(options, ports);
    return { part: await supervise({ name: 'temporal', onEvent: options.onEvent, launch }), ports };
  };
  const { part, ports } = await startOn(await choosePorts(options)).catch(async (error: unknown) => {
    // A port found free may be lost before the server binds it, one of its own choice too; it then dies with a stack trace that does
    // not always name it. So an early end is tried once more with other ports.
    if (!(error instanceof Error && error.message.includes(endedEarly))) throw error;
    return startOn({ port: await freePort(null), uiPort: await freePort(null) });
  });
  return {
    name: part.name,
    address: `127.0.0.1:${ports.port}`,
    uiUrl: `http://127.0.0.1:${ports.uiPort}`,
    pid: () => part.pid(),
    kill9: (downMs) => part.kill9(downMs),
    up: () => part.up(),
    stop: () => part.stop(),
  };
}

async function choosePorts(options: TemporalOptions): Promise<Ports> {
  const preferred = options.port ?? PREFERRED_PORT;
  const preferredUi = options.uiPort ?? PREFERRED_UI_PORT;
  const { home } = options;
  if (home === null) return { port: await freePort(preferred), uiPort: await freePort(preferredUi) };
  return {
    port: await rememberedPort(home, 'temporal', preferred),
    uiPort: await rememberedPort(home, 'temporalUi', preferredUi),
  };
}

async function launchTemporal(options: TemporalOptions, ports: Ports): Promise<GuardedChild> {
  const child = await spawnGuarded({
    command: options.program,
    args: argsFor(options.home, ports),
    // Its own TEMPORAL_… settings are for clients; a stray one must not change our server.
    env: { PATH: process.env['PATH'], HOME: options.home ?? '/' },
    cwd: '/',
    runAs: null,
    stopSignal: 'TERM',
    onLine: () => undefined,
  });
  try {
    await serves(child, ports.port);
  } catch (error) {
    // Whatever stopped it from serving, nothing may stay behind.
    await child.stop();
    throw error;
  }
  return child;
}

function argsFor(home: string | null, ports: Ports): readonly string[] {
  const state = home === null ? [] : ['--db-filename', join(home, 'temporal.db'), ...sqliteFlags];
  const where = ['--ip', '127.0.0.1', '--port', String(ports.port), '--ui-port', String(ports.uiPort)];
  return [
    'server',
    'start-dev',
    ...where,
    '--namespace',
    temporalNamespace,
    '--log-level',
    'error',
    ...state,
    ...devServerFlags,
  ];
}

/** Ready is a namespace described, by our own child: somebody else may listen on the port. */
async function serves(child: GuardedChild, port: number): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  let dead = false;
  void child.ended.then(() => {
    dead = true;
  });
  while (!dead && performance.now() < until) {
    // A gRPC channel that was refused once sits out a back-off of a second: dial first.
    if ((await answers(port)) && (await describes(`127.0.0.1:${port}`, temporalNamespace)) === null && !dead) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const what = dead ? endedEarly : `was not ready after ${READY_WITHIN_MS} ms`;
  throw new Error(`The Temporal server ${what}\n${importantLines(child.lastWords())}`);
}

const CONNECT_WITHIN_MS = 5_000;

/** `null` when the server at `address` knows the namespace, else why not. Takes at most 5 s. */
export async function describes(address: string, namespace: string): Promise<string | null> {
  // Lazy: one that `connect` could not establish is never handed out, and its channel would dial for ever.
  const connection = Connection.lazy({ address, connectTimeout: CONNECT_WITHIN_MS });
  try {
    const { workflowService } = connection;
    await connection.withDeadline(Date.now() + CONNECT_WITHIN_MS, () =>
      workflowService.describeNamespace({ namespace }),
    );
    return null;
  } catch (error) {
    // Any failure means the same to the caller, who decides whether to ask again.
    return error instanceof Error ? error.message : String(error);
  } finally {
    await connection.close();
  }
}

/**
 * Makes sure that a server somebody else runs can be used.
 *
 * @throws Error after 5 s when it does not answer: it is never replaced by something else
 */
export async function requireTemporal(address: string, namespace: string): Promise<void> {
  const problem = (await dials(address)) ? await describes(address, namespace) : 'nobody answers there';
  if (problem === null) return;
  throw new Error(
    `TEMPORAL_ADDRESS is "${address}", where namespace "${namespace}" cannot be used: ${problem}. Correct it, or unset it to run the embedded server.`,
  );
}

async function dials(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const until = performance.now() + CONNECT_WITHIN_MS;
  while (!(await answers(Number(port), hostname))) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return true;
}
