import type { Denial } from '../domain/outcome.ts';

/** What scripts branch on; a new kind of failure does not compile until it has its code. */
export const exitCodes = {
  /** Our fault. */
  fault: 1,
  usage: 2,
  /** Our own rules said no: nothing was sent. */
  denied: 3,
  /** The broker said no. */
  rejected: 4,
  /** It may have happened: never repeat it blindly. */
  unknown: 5,
  unreachable: 6,
  /** The command lives on. */
  'timed-out': 7,
} as const;

export type FailureKind = keyof typeof exitCodes;

/** How people call us from a checkout. */
export const belay = 'npm run belay --';

/** A command that did not end well: what, why, and what to type next. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly kind: FailureKind;
  readonly detail: Denial;
  /** The next command to type. */
  readonly next: string;
  /** What else a script wants to know: the trade, the key. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(kind: FailureKind, detail: Denial, next: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(`${detail.field} ${detail.value}: ${detail.rule}`);
    this.kind = kind;
    this.detail = detail;
    this.next = next;
    this.facts = facts;
  }

  with(facts: Readonly<Record<string, unknown>>): CliFailure {
    return new CliFailure(this.kind, this.detail, this.next, { ...this.facts, ...facts });
  }

  leadingTo(next: string): CliFailure {
    return new CliFailure(this.kind, this.detail, next, this.facts);
  }
}

/** What was typed cannot be meant; the edge adds which command's help tells more. */
export function usage(detail: Omit<Denial, 'code'> & { readonly code?: string }): CliFailure {
  return new CliFailure('usage', { code: 'usage', ...detail }, `${belay} --help`);
}

export function deniedBy(detail: Denial, next: string): CliFailure {
  return new CliFailure('denied', detail, next);
}

export function unreachablePart(
  part: 'temporal' | 'database' | 'belay' | 'broker',
  value: string,
  rule: string,
): CliFailure {
  const fix = part === 'belay' ? 'start it' : `bring the ${part} back`;
  return new CliFailure(
    'unreachable',
    { code: `${part}-unreachable`, field: part, value, rule, fix },
    part === 'broker' ? `${belay} account ls` : 'npm start',
  );
}

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'EPIPE',
  // PostgreSQL: starting up, shutting down, crashed, too many connections.
  '57P01',
  '57P02',
  '57P03',
  '53300',
]);
const grpcUnavailable = 14;

/** Any error as a failure with an exit code. */
export function failureOf(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  const chain = causes(error);
  if (chain.some(({ code }) => code === grpcUnavailable)) return unreachablePart('temporal', 'away', firstLine(error));
  if (
    chain.some(
      ({ code, message }) => networkCodes.has(String(code)) || message === 'Connection terminated unexpectedly',
    )
  ) {
    return unreachablePart('database', 'away', firstLine(error));
  }
  if (chain.some(({ exitCode }) => exitCode === exitCodes.usage)) {
    return usage({ field: 'environment', value: 'invalid', rule: firstLine(error), fix: 'correct the variable' });
  }
  const detail = {
    code: 'fault',
    field: 'belay',
    value: nameOf(error),
    rule: firstLine(error),
    fix: 'report it with the engine log',
  };
  return new CliFailure('fault', detail, `${belay} account ls`);
}

interface Cause {
  readonly code?: unknown;
  readonly exitCode?: unknown;
  readonly message?: unknown;
}

/** The error, what caused it, and what an aggregate holds. */
function causes(error: unknown): readonly Cause[] {
  if (typeof error !== 'object' || error === null) return [];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error, ...causes('cause' in error ? error.cause : null), ...inner.flatMap(causes)];
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'error');

function firstLine(error: unknown): string {
  const text =
    error instanceof AggregateError ? String(error.errors[0]) : error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
