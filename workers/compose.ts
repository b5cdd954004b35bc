import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { hostname } from 'node:os';
import { systemClock, type Clock } from '../src/clock.ts';
import { ConfigError, type Config } from '../src/config.ts';
import { createRegistry, isUnsupported, platformConnectors, type Registry } from '../src/connectors/registry.ts';
import { createRecords, type OpenRecords } from '../src/db/records.ts';
import { createLog, marker, type Log } from '../src/log.ts';
import { loadKeyRing, seal, unseal, type KeyRing } from '../src/secrets.ts';
import type { AccountRecord } from '../src/trading/records.ts';
import { createTradingService, type AccountAccess, type TradingService } from '../src/trading/trading-service.ts';

/** What every process of Belay is made of. */
export interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: OpenRecords;
  readonly access: AccountAccess;
  readonly trading: TradingService;
  readonly client: Client;
  readonly keys: KeyRing;
  /** `role/host/pid`, as the Temporal UI shows it. */
  readonly identity: string;
  close(): Promise<void>;
}

/** Connects one process to the database, Temporal and the brokers. */
export async function compose(config: Config, role: string): Promise<Parts> {
  const { databaseUrl, temporalAddress } = config;
  if (databaseUrl === null)
    throw new ConfigError('DATABASE_URL is unset: a single process needs it. `npm start` sets it for its own.');
  if (temporalAddress === null)
    throw new ConfigError('TEMPORAL_ADDRESS is unset: a single process needs it. `npm start` sets it for its own.');
  const log = createLog({ process: role, level: config.logLevel });
  const clock = systemClock;
  const records = createRecords({ url: databaseUrl });
  const registry = createRegistry(
    platformConnectors({ clock, log, onLateReply: (late) => void ingestLate(records, log, late) }),
  );
  const keys = await loadKeyRing(config);
  const access = accessOf(registry, keys);
  const trading = createTradingService({
    records,
    access,
    clock,
    log: { executed: (event) => marker(log, 'TS_EXEC_PATH', event) },
  });
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection, namespace: config.temporalNamespace, identity: identityOf(role) });
  const close = async () => {
    await connection.close();
    await registry.close();
    await records.close();
  };
  return { config, clock, log, records, access, trading, client, keys, identity: identityOf(role), close };
}

const identityOf = (role: string) => `${role}/${hostname()}/${process.pid}`;

function accessOf(registry: Registry, keys: KeyRing): AccountAccess {
  return {
    connectorFor: (platform) => {
      const found = registry.connectorFor({ platform });
      return isUnsupported(found) ? null : found;
    },
    reach: (account: AccountRecord) => {
      const { id, platform, endpoint, login, bounds } = account;
      return { id, platform, endpoint, login, bounds, credentials: openCredentials(keys, account) };
    },
  };
}

type Credentials = Readonly<Record<string, string>>;

const sealedFor = (account: string) => ({ account, purpose: 'broker-credentials', version: 1 });

/** Credentials as they are stored; `account` is the name they are bound to. */
export function sealCredentials(keys: KeyRing, account: string, credentials: Credentials): string {
  return seal(keys, JSON.stringify(credentials), sealedFor(account));
}

function openCredentials(keys: KeyRing, account: AccountRecord): Credentials {
  return JSON.parse(unseal(keys, account.sealedCredentials, sealedFor(account.name))) as Credentials;
}

type Late = Parameters<NonNullable<Parameters<typeof platformConnectors>[0]['onLateReply']>>[0];

/** An answer that came after its send was given up is evidence like any other. */
async function ingestLate(records: OpenRecords, log: Log, late: Late): Promise<void> {
  if (late.outcome.kind !== 'accepted') return;
  try {
    await records.ingest(late.account, late.outcome.value.facts, 'command-read', null);
  } catch (error) {
    // The look-up of the command reads the same facts again.
    log.warn({ commandId: late.commandId, error }, 'a late reply could not be recorded');
  }
}

/** The connection of a worker; the runtime's own signal handlers and log lines are switched off first. */
export async function connectWorker({ temporalAddress }: Config): Promise<NativeConnection> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  return NativeConnection.connect({ address: temporalAddress ?? '' });
}

/** Says `READY` once it polls, and ends in order on the first signal. */
export async function runUntilStopped(worker: Worker, parts: Parts): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => worker.shutdown());
  const run = worker.run();
  process.stdout.write('READY\n');
  await run;
  await parts.close();
}
