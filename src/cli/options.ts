import { Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { duration, idempotencyKey, oneOf } from './notation.ts';
import type { Patience } from './steer.ts';

/** Options that several commands share, spelt once. */

export interface JsonOption {
  readonly json?: boolean;
}

export interface WaitOptions {
  readonly wait?: 'confirmed';
  readonly timeout: number;
}

export interface KeyOption {
  readonly idempotencyKey?: string;
}

const defaultTimeoutMs = 10_000;

export function withJson(command: Command): Command {
  return command.option('--json', 'one JSON object instead of text');
}

export function withWait(command: Command): Command {
  return command
    .addOption(
      new Option('--wait <what>', 'confirmed: also wait until the final figures are in the book').argParser(
        oneOf(['confirmed'])('--wait'),
      ),
    )
    .addOption(
      new Option('--timeout <time>', 'longest wait for the outcome')
        .argParser(duration('--timeout'))
        .default(defaultTimeoutMs, '10s'),
    );
}

export function withKey(command: Command): Command {
  return command.addOption(
    new Option(
      '--idempotency-key <key>',
      'asking again under the same key asks once (default: a new one, printed)',
    ).argParser(idempotencyKey('--idempotency-key')),
  );
}

export const patienceOf = ({ wait, timeout }: WaitOptions): Patience => ({
  timeoutMs: timeout,
  untilFinal: wait === 'confirmed',
});

/** The caller's key, or a new one. */
export const keyOf = ({ idempotencyKey: given }: KeyOption): string => given ?? randomUUID();
