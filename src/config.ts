import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** `off`: no opens, automation paused; `shadow`: every check is made, nothing is sent; `live`. */
export type ExecutionMode = 'off' | 'shadow' | 'live';

/** What the environment says, with its defaults. A fact of the start: nothing reads it again later. */
export interface Config {
  /** Absolute path of the data folder. */
  readonly home: string;
  /** Absolute path of the folder all Belays of this user share. */
  readonly cacheFolder: string;
  /** Mode of an account that does not set its own. */
  readonly executionMode: ExecutionMode;
  /** `null`: the embedded server. */
  readonly databaseUrl: string | null;
  /** `null`: the embedded server. */
  readonly temporalAddress: string | null;
  readonly temporalNamespace: string;
  /** `null`: look for the program. */
  readonly temporalCliPath: string | null;
  readonly buildTemporal: boolean;
  readonly logLevel: LogLevel;
  /** `null`: a generated key file in the home. */
  readonly secretsKey: string | null;
  readonly secretsKeyFile: string | null;
  /** The PATH programs are looked for on. */
  readonly searchPath: string;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** One line of the table that documentation and `config explain` show. */
export interface Setting {
  readonly name: string;
  readonly meaning: string;
  /** In words where it is computed. */
  readonly defaultsTo: string;
  readonly rule: string;
  readonly secret: boolean;
}

/** The environment does not fit; the message names variable, value, rule and fix of each problem. */
export class ConfigError extends Error {
  readonly exitCode = 2;
}

const checkout = fileURLToPath(new URL('..', import.meta.url));

const text = z.string().trim().min(1);
const path = text.transform((value) => (isAbsolute(value) ? value : resolve(checkout, value)));
const word = z.string().trim().toLowerCase();
const flag = word.pipe(z.enum(['1', 'true', '0', 'false'])).transform((value) => value === '1' || value === 'true');
const postgresUrl = text.regex(/^postgres(ql)?:\/\/\S+$/);
const address = text.regex(/^[^\s/:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/);

/** The one schema of the environment: every name we read, its rule and its meaning. */
const variables = {
  BELAY_HOME: {
    schema: path,
    rule: 'a folder',
    meaning: 'data folder; one running Belay each',
    defaultsTo: '.belay in the checkout',
  },
  BELAY_CACHE: {
    schema: path,
    rule: 'a folder',
    meaning: 'downloads shared by every Belay of this user',
    defaultsTo: '$XDG_CACHE_HOME/belay, else ~/.cache/belay',
  },
  BELAY_EXECUTION_MODE: {
    schema: word.pipe(z.enum(['off', 'shadow', 'live'])),
    rule: 'off, shadow or live',
    meaning: 'execution mode of accounts that set none',
    defaultsTo: 'live',
  },
  EXECUTE_VIA_TS: {
    schema: flag,
    rule: 'true or false',
    meaning: 'alias of BELAY_EXECUTION_MODE: true is live, false is off',
    defaultsTo: 'unset',
  },
  DATABASE_URL: {
    schema: postgresUrl,
    rule: 'postgres://user:password@host:port/database',
    meaning: 'your own PostgreSQL',
    defaultsTo: 'the embedded one',
    secret: true,
  },
  TEMPORAL_ADDRESS: {
    schema: address,
    rule: 'host:port',
    meaning: 'your own Temporal server',
    defaultsTo: 'the embedded one',
  },
  TEMPORAL_NAMESPACE: {
    schema: text,
    rule: 'a name',
    meaning: 'namespace on the Temporal server',
    defaultsTo: 'default',
  },
  TEMPORAL_CLI_PATH: {
    schema: path,
    rule: 'the path of a temporal program',
    meaning: 'the program the embedded server runs',
    defaultsTo: 'PATH, cache, download',
  },
  BELAY_BUILD_TEMPORAL: {
    schema: flag,
    rule: '1 or 0',
    meaning: 'allow building Temporal with Go when nothing else brings it',
    defaultsTo: '0',
  },
  BELAY_LOG_LEVEL: {
    schema: word.pipe(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])),
    rule: 'trace, debug, info, warn, error or silent',
    meaning: 'least severe log line shown',
    defaultsTo: 'info',
  },
  BELAY_SECRETS_KEY: {
    schema: text,
    rule: 'the key ring as text',
    meaning: 'key that encrypts broker credentials',
    defaultsTo: 'unset',
    secret: true,
  },
  BELAY_SECRETS_KEY_FILE: {
    schema: path,
    rule: 'a file',
    meaning: 'file that holds the key ring',
    defaultsTo: 'a generated file in the data folder',
  },
  XDG_CACHE_HOME: { schema: path, rule: 'a folder', meaning: 'where caches of this user live', defaultsTo: '~/.cache' },
  PATH: { schema: z.string(), rule: 'folders', meaning: 'where programs are looked for', defaultsTo: 'empty' },
} as const satisfies Readonly<Record<string, Variable>>;

interface Variable {
  readonly schema: z.ZodType;
  readonly rule: string;
  readonly meaning: string;
  readonly defaultsTo: string;
  readonly secret?: boolean;
}

const environment = z.object(
  Object.fromEntries(Object.entries(variables).map(([name, { schema }]) => [name, schema.optional()])) as {
    [Name in keyof typeof variables]: z.ZodOptional<(typeof variables)[Name]['schema']>;
  },
);

/** Every variable we read, in the order of the documentation. */
export const settings: readonly Setting[] = Object.entries<Variable>(variables).map(
  ([name, { rule, meaning, defaultsTo, secret }]) => ({
    name,
    rule,
    meaning,
    defaultsTo,
    secret: secret ?? false,
  }),
);

/**
 * What this environment says. An empty value counts as unset. Pure.
 *
 * @throws ConfigError on a value that breaks its rule, an unknown BELAY_ name, or two settings that contradict
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(given);
  const problems = [
    ...unknownNames(given),
    ...(parsed.success ? contradictions(parsed.data) : brokenRules(parsed.error, given)),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.join('\n'));
  return toConfig(parsed.data);
}

/** The configuration of this process. */
export function configOfThisProcess(): Config {
  return loadConfig(process.env);
}

type Environment = z.infer<typeof environment>;

function toConfig(env: Environment): Config {
  const caches = env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return {
    home: env.BELAY_HOME ?? join(checkout, '.belay'),
    cacheFolder: env.BELAY_CACHE ?? join(caches, 'belay'),
    executionMode: env.BELAY_EXECUTION_MODE ?? modeOfAlias(env.EXECUTE_VIA_TS) ?? 'live',
    databaseUrl: env.DATABASE_URL ?? null,
    temporalAddress: env.TEMPORAL_ADDRESS ?? null,
    temporalNamespace: env.TEMPORAL_NAMESPACE ?? 'default',
    temporalCliPath: env.TEMPORAL_CLI_PATH ?? null,
    buildTemporal: env.BELAY_BUILD_TEMPORAL ?? false,
    logLevel: env.BELAY_LOG_LEVEL ?? 'info',
    secretsKey: env.BELAY_SECRETS_KEY ?? null,
    secretsKeyFile: env.BELAY_SECRETS_KEY_FILE ?? null,
    searchPath: env.PATH ?? '',
  };
}

function modeOfAlias(executeViaTs: boolean | undefined): ExecutionMode | null {
  if (executeViaTs === undefined) return null;
  return executeViaTs ? 'live' : 'off';
}

function contradictions(env: Environment): readonly string[] {
  const problems: string[] = [];
  const alias = modeOfAlias(env.EXECUTE_VIA_TS);
  if (alias !== null && env.BELAY_EXECUTION_MODE !== undefined && alias !== env.BELAY_EXECUTION_MODE) {
    problems.push(
      `EXECUTE_VIA_TS means execution mode "${alias}", BELAY_EXECUTION_MODE is "${env.BELAY_EXECUTION_MODE}": they must agree. Unset EXECUTE_VIA_TS.`,
    );
  }
  if (env.BELAY_SECRETS_KEY !== undefined && env.BELAY_SECRETS_KEY_FILE !== undefined) {
    problems.push('BELAY_SECRETS_KEY and BELAY_SECRETS_KEY_FILE are both set: only one may say the key. Unset one.');
  }
  return problems;
}

function brokenRules(error: z.ZodError, given: Readonly<Record<string, string | undefined>>): readonly string[] {
  const names = new Set(error.issues.map((issue) => String(issue.path[0])));
  return [...names].map((name) => {
    const setting = settings.find((known) => known.name === name);
    const shown = setting?.secret === true ? 'a value that is not shown' : `"${given[name] ?? ''}"`;
    return `${name} is ${shown}: it must be ${setting?.rule ?? 'valid'}. Correct it, or unset it for the default (${setting?.defaultsTo ?? 'none'}).`;
  });
}

function unknownNames(given: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = settings.map((setting) => setting.name);
  return Object.keys(given)
    .filter((name) => name.startsWith('BELAY_') && !known.includes(name))
    .map(
      (name) =>
        `${name} is not a setting of Belay: did you mean ${nearest(name, known)}? Correct the name, or unset it.`,
    );
}

function nearest(name: string, known: readonly string[]): string {
  const ours = known.filter((candidate) => candidate.startsWith('BELAY_'));
  return ours.reduce((best, candidate) => (distance(name, candidate) < distance(name, best) ? candidate : best));
}

/** Edits (insert, delete, replace) that turn one name into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index += 1) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[index] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
