import { styleText } from 'node:util';
import { exitCodes, type CliFailure } from './failure.ts';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Where a command speaks: data to standard output, talk to standard error. */
export interface Terminal {
  out(text: string): void;
  talk(text: string): void;
  /** Colours data in a terminal; plain elsewhere and under NO_COLOR. */
  paint(style: Style, text: string): string;
}

export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    talk: (text) => void process.stderr.write(`${text}\n`),
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** One object, so that a script reads the whole of it with one parse. */
export function printJson(terminal: Terminal, value: object): void {
  terminal.out(JSON.stringify(value));
}

const titles = {
  fault: 'something broke',
  usage: 'not understood',
  denied: 'denied, nothing was sent',
  rejected: 'rejected by the broker',
  unknown: 'outcome unknown, do not repeat it blindly',
  unreachable: 'not reachable',
  'timed-out': 'no answer in time, the command lives on',
} as const satisfies Record<CliFailure['kind'], string>;

/** Three lines of talk: what, why, the next command; or one JSON object of data. */
export function printFailure(terminal: Terminal, failure: CliFailure, json: boolean): number {
  const { kind, detail, facts } = failure;
  const { done } = facts;
  if (!json && Array.isArray(done) && done.length > 0) terminal.talk(`✔ done before: ${done.join(', ')}`);
  if (json) printJson(terminal, { error: detail, exitCode: exitCodes[kind], ...facts });
  else linesOf(failure).forEach((line) => terminal.talk(line));
  return exitCodes[kind];
}

/** The three lines of a failure. */
export function linesOf({ kind, detail, next }: CliFailure): readonly string[] {
  const { code, field, value, rule, fix } = detail;
  return [`✘ ${titles[kind]}: ${field} ${value} (${code})`, `  ${rule}`, `  → ${fix}: ${next}`];
}
