import { describe, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** Runs a command line that must not reach anything, and keeps what it said. */
async function typed(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly data: string; readonly talk: readonly string[] }> {
  const data: string[] = [];
  const talk: string[] = [];
  const terminal: Terminal = {
    out: (text) => void data.push(text),
    talk: (text) => void talk.push(text),
    paint: (_style, text) => text,
  };
  const code = await runCli(argv, terminal);
  return { code, data: data.join('\n'), talk };
}

describe('what was typed and cannot be meant ends with 2 and three lines', () => {
  test.each([
    [['opne'], 'opne', 'Did you mean open', 'npm run belay -- --help'],
    [['account', 'lss'], 'lss', 'Did you mean ls', 'npm run belay -- account --help'],
    [['open', 'EURUSD', 'buy', '0.1', '--sll', '20p'], '--sll', 'Did you mean --sl', 'npm run belay -- open --help'],
    [['open', 'EURUSD', 'buy', '0.1'], '--sl missing', 'add one', 'npm run belay -- open --help'],
    [['open', 'EURUSD', 'long', '0.1', '--sl', '20p'], 'side "long"', 'BUY', 'npm run belay -- open --help'],
    [['open', 'EURUSD', 'buy', '0.1', '--sl', '20 pips'], '--sl "20 pips"', '--sl 20p', 'npm run belay -- open --help'],
    [
      ['open', 'EURUSD', 'buy', '0.1', '--sl', '20p', '--expires', '2030-01-01T00:00:00Z'],
      '--expires',
      '--limit',
      'npm run belay -- open --help',
    ],
    [
      ['open', 'EURUSD', 'buy', '0.1', '--sl', '20p', '--no-be', '--be-after', '1'],
      '--no-be',
      'leave one out',
      'npm run belay -- open --help',
    ],
    [['edit', 'abc'], 'edit nothing', '--broker-tp', 'npm run belay -- edit --help'],
    [['pause'], 'pause nothing', 'pause --all', 'npm run belay -- pause --help'],
    [['resolve', 'abc', 'executed'], '--evidence', 'deal', 'npm run belay -- resolve --help'],
    [['ps', '--cursor', 'x'], '--cursor', 'first page', 'npm run belay -- ps --help'],
    [['show'], 'trade', 'see how it is meant', 'npm run belay -- show --help'],
  ])('%j', async (argv, what, fix, next) => {
    const { code, data, talk } = await typed(...argv);
    expect([code, data, talk.length]).toEqual([2, '', 3]);
    expect(talk[0]).toContain(what);
    expect(talk[2]).toContain(fix);
    expect(talk[2]?.endsWith(next)).toBe(true);
  });

  test('or one JSON object', async () => {
    const { code, data, talk } = await typed('open', 'EURUSD', 'buy', 'much', '--sl', '20p', '--json');
    expect([code, talk]).toEqual([2, []]);
    expect(JSON.parse(data)).toEqual({
      error: {
        code: 'invalid-value',
        field: 'volume',
        value: '"much"',
        rule: 'a volume in lots',
        fix: 'for example volume 0.1',
      },
      exitCode: 2,
    });
  });
});

describe('help', () => {
  test('that was asked for is data, and names the exit codes', async () => {
    const { code, data, talk } = await typed('--help');
    expect([code, talk]).toEqual([0, []]);
    for (const word of [
      'open',
      'ps',
      'show',
      'edit',
      'close',
      'be',
      'pause',
      'resume',
      'account',
      'resolve',
      'replay',
      '5 outcome unknown',
    ])
      expect(data).toContain(word);
  });

  test('stands in for a missing command, which is a usage failure', async () => {
    const { code, data } = await typed();
    expect([code, data]).toEqual([2, '']);
  });
});
