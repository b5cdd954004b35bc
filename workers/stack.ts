import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../src/config.ts';
import { migrate } from '../src/db/migrate.ts';
import { findTemporal } from '../src/embedded/find-temporal.ts';
import { acquireHome } from '../src/embedded/home-lock.ts';
import { superviseNode } from '../src/embedded/node-process.ts';
import { freePort, rememberedPort } from '../src/embedded/ports.ts';
import { startPostgres } from '../src/embedded/postgres.ts';
import type { OnPartEvent, Part } from '../src/embedded/supervise.ts';
import { requireTemporal, startTemporal } from '../src/embedded/temporal.ts';
import { loadKeyRing } from '../src/secrets.ts';
import { createControl, type Control } from '../src/simulator/control-client.ts';
import { compose, type Parts } from './compose.ts';
import { addSimulatedAccounts } from './simulated-accounts.ts';

export type Role = 'postgres' | 'temporal' | 'simulator' | 'engine' | 'market';

export interface StackOptions {
  readonly config: Config;
  /** Arguments of the simulator besides ports and state folder. */
  readonly simulator: readonly string[];
  readonly markets?: number;
  /** Milliseconds something took, or what went wrong; one line each. */
  readonly say: (line: string) => void;
  readonly onEvent?: OnPartEvent;
  readonly onLog?: (role: string, line: string) => void;
}

/** A whole Belay with its own database, Temporal server and broker, each in its own process. */
export interface Stack {
  readonly parts: Parts;
  readonly simulator: Control;
  readonly addresses: {
    readonly home: string;
    readonly temporal: string;
    readonly temporalUi: string | null;
    readonly postgres: string;
    readonly simulator: string;
  };
  /** `host:port` of the simulator's control port. */
  readonly simulatorControl: string;
  /** `null` for what somebody else runs (an address was given). */
  part(role: Role): Part | null;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const preferredSimulatorPort = 4_700;

/**
 * Starts everything in parallel where nothing depends on it, and ends it in the reverse order.
 *
 * @throws HomeInUse when another Belay runs on this home; Error with the last words of what did not start
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { config } = options;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse())
      await end().catch((error: unknown) => options.say(`✘ ${String(error)}`));
  };
  try {
    const lock = await acquireHome(config.home);
    stops.push(lock.release);
    return await startParts(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: StackOptions,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const { config } = options;
  const running = new Map<string, Part>();
  const keep = <P extends Part>(role: string, part: P): P => {
    running.set(role, part);
    stops.push(() => part.stop());
    return part;
  };
  const [database, temporal, simulator] = await allOrNone([
    startDatabase(options, keep),
    startTemporalServer(options, keep),
    startSimulator(options, keep),
  ]);
  const connected: Config = {
    ...config,
    ...(await keyFile(config)),
    databaseUrl: database,
    temporalAddress: temporal.address,
  };
  const parts = await compose(connected, 'up');
  stops.push(() => parts.close());
  await addSimulatedAccounts(parts, `127.0.0.1:${simulator.port}`);
  const env = {
    DATABASE_URL: database,
    TEMPORAL_ADDRESS: temporal.address,
    BELAY_HOME: config.home,
    BELAY_LOG_LEVEL: config.logLevel,
    ...(connected.secretsKeyFile === null ? {} : { BELAY_SECRETS_KEY_FILE: connected.secretsKeyFile }),
  };
  const workers = [
    'engine',
    ...Array.from({ length: options.markets ?? 1 }, (_, index) => (index === 0 ? 'market' : `market-${index + 1}`)),
  ];
  await allOrNone(workers.map(async (role) => keep(role, await startWorker(options, role, env))));
  const simulatorControl = `127.0.0.1:${simulator.controlPort}`;
  const control = createControl(simulatorControl, parts.clock.now);
  stops.push(async () => control.close());
  return {
    parts,
    simulator: control,
    simulatorControl,
    addresses: {
      home: config.home,
      temporal: temporal.address,
      temporalUi: temporal.uiUrl,
      postgres: withoutPassword(database),
      simulator: `127.0.0.1:${simulator.port}`,
    },
    part: (role) => running.get(role) ?? null,
    stop,
  };
}

/** The processes find the generated key by its file: with a database address of their own they would not make one. */
async function keyFile(config: Config): Promise<Pick<Config, 'secretsKeyFile'>> {
  await loadKeyRing(config);
  const generated = config.secretsKey === null && config.secretsKeyFile === null;
  return { secretsKeyFile: generated ? join(config.home, 'secrets.key') : config.secretsKeyFile };
}

type Keep = <P extends Part>(role: string, part: P) => P;

/** Waits for all before it fails, so that what did start is known and can be stopped. */
async function allOrNone<const Works extends readonly Promise<unknown>[]>(
  works: Works,
): Promise<{ -readonly [Index in keyof Works]: Awaited<Works[Index]> }> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return Promise.all(works);
}

async function startDatabase({ config, say, onEvent }: StackOptions, keep: Keep): Promise<string> {
  const began = performance.now();
  const url =
    config.databaseUrl ??
    keep('postgres', await startPostgres({ home: config.home, fsync: true, onEvent: onEvent ?? ignore })).url;
  say(line('postgres', withoutPassword(url), began));
  const migrating = performance.now();
  await migrate(url);
  say(line('schema', 'migrated', migrating));
  return url;
}

async function startTemporalServer(
  { config, say, onEvent }: StackOptions,
  keep: Keep,
): Promise<{ address: string; uiUrl: string | null }> {
  const began = performance.now();
  if (config.temporalAddress !== null) {
    await requireTemporal(config.temporalAddress, config.temporalNamespace);
    say(line('temporal', config.temporalAddress, began));
    return { address: config.temporalAddress, uiUrl: null };
  }
  const program = await findTemporal({
    cliPath: config.temporalCliPath,
    searchPath: config.searchPath,
    cacheFolder: config.cacheFolder,
    mayBuild: config.buildTemporal,
    onProgress: say,
  });
  const server = keep('temporal', await startTemporal({ program, home: config.home, onEvent: onEvent ?? ignore }));
  say(line('temporal', `${server.address}, page ${server.uiUrl}`, began));
  return server;
}

interface SimulatorPorts {
  readonly port: number;
  readonly controlPort: number;
}

async function startSimulator(options: StackOptions, keep: Keep): Promise<SimulatorPorts> {
  const began = performance.now();
  const { home } = options.config;
  const remembered: SimulatorPorts = {
    port: await rememberedPort(home, 'simulator', preferredSimulatorPort),
    controlPort: await rememberedPort(home, 'simulator-control', preferredSimulatorPort + 1),
  };
  const ports = await simulatorOn(options, keep, remembered).catch(async (error: unknown) => {
    // A port found free may be lost before the simulator binds it: then once more with others.
    if (!(error instanceof Error && error.message.includes('EADDRINUSE'))) throw error;
    return simulatorOn(options, keep, { port: await freePort(null), controlPort: await freePort(null) });
  });
  options.say(line('simulator', `127.0.0.1:${ports.port}`, began));
  return ports;
}

async function simulatorOn(options: StackOptions, keep: Keep, ports: SimulatorPorts): Promise<SimulatorPorts> {
  const doors = ['--port', String(ports.port), '--control-port', String(ports.controlPort)];
  const state = ['--state', join(options.config.home, 'simulator')];
  const argv = ['src/simulator/main.ts', ...doors, ...state, ...options.simulator];
  keep('simulator', await superviseNode({ ...nodePlan(options, 'simulator'), argv }));
  return ports;
}

async function startWorker(options: StackOptions, role: string, env: Readonly<Record<string, string>>): Promise<Part> {
  const began = performance.now();
  const argv = ['--disable-warning=ExperimentalWarning', `workers/${role.split('-')[0]}.ts`];
  const part = await superviseNode({ ...nodePlan(options, role), argv, env });
  options.say(line(role, `process ${part.pid() ?? 0}`, began));
  return part;
}

function nodePlan(options: StackOptions, name: string) {
  return {
    name,
    cwd: root,
    onEvent: options.onEvent ?? ignore,
    onLine: (stream: 'stdout' | 'stderr', text: string) => {
      if (stream === 'stderr') options.onLog?.(name, text);
    },
    readyWhen: (text: string) => text === 'READY',
  };
}

const ignore = (): void => undefined;

function line(name: string, what: string, began: number): string {
  return `✔ ${name.padEnd(10)} ${what.padEnd(48)} ${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/([^:@/]+):[^@]*@/u, '://$1@');
}
