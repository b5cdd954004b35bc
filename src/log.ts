import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.ts';

export type Log = Logger;

export interface LogOptions {
  /** Which process speaks: `engine`, `market` … */
  readonly process: string;
  readonly level: LogLevel;
  /** Standard error unless given: standard output belongs to commands. */
  readonly to?: DestinationStream;
}

const secretNames = [
  'password',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'clientSecret',
  'credentials',
  'apiKey',
  'authorization',
  'secretsKey',
  'databaseUrl',
];

/** A logger of JSON lines; what is named like a secret is replaced, two levels deep. */
export function createLog(options: LogOptions): Log {
  const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    {
      level: options.level,
      base: { process: options.process },
      redact: { paths, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    options.to ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** The seed's two markers: a read or a check went through TradingService, or an order to a broker did. */
export type MarkerName = 'TS_PATH' | 'TS_EXEC_PATH';

/** What a marker says; the same keys as the seed's, absent when they do not apply. */
export interface MarkerFields {
  /** The business step: `open`, `partial_close`, `breakeven` … */
  readonly flow: string;
  readonly accountId: string;
  readonly ok: boolean;
  readonly symbol?: string;
  readonly tradeId?: string;
  readonly commandId?: string;
  readonly workflowId?: string;
  /** Outcome of the command, where there is one. */
  readonly outcome?: string;
  /** Why, in words, when it is not `ok`. */
  readonly because?: string;
  /** How long it took. */
  readonly elapsedMs?: number;
}

/** Writes one structured event whose message is the marker itself, so that both people and machines find it. */
export function marker(log: Pick<Log, 'info'>, name: MarkerName, fields: MarkerFields): void {
  log.info({ marker: name, ...fields }, name);
}
