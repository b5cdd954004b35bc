/** Where lines go: with `--json` standard output holds JSON lines only, without it the story too. */
export interface Terminal {
  readonly isTerminal: boolean;
  /** A line for people. */
  readonly say: (line: string) => void;
  /** A line about something that goes wrong. */
  readonly warn: (line: string) => void;
  /** A line of JSON on standard output. */
  readonly data: (value: object) => void;
}

export function openTerminal(json: boolean): Terminal {
  const people = json ? process.stderr : process.stdout;
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read us may be gone before we are: that must not keep us from ending in order.
    stream.on('error', () => undefined);
  }
  return {
    isTerminal: process.stdout.isTTY,
    say: (line) => void people.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`${line}\n`),
    data: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  };
}
