import { describe, expect, test } from '@jest/globals';
import { createLog, marker } from '../src/log.ts';

function logInto(lines: string[]) {
  return createLog({ process: 'engine', level: 'info', to: { write: (line: string) => void lines.push(line) } });
}

describe('the log', () => {
  test('a marker is one structured event named like the seed names it', () => {
    const lines: string[] = [];
    marker(logInto(lines), 'TS_EXEC_PATH', { flow: 'open', accountId: '7', symbol: 'EURUSD', ok: true });

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      process: 'engine',
      marker: 'TS_EXEC_PATH',
      msg: 'TS_EXEC_PATH',
      flow: 'open',
      accountId: '7',
      symbol: 'EURUSD',
      ok: true,
    });
  });

  test('what is named like a secret is never written', () => {
    const lines: string[] = [];
    logInto(lines).info(
      { password: 'hunter2', account: { credentials: { login: 'hunter2' }, token: 'hunter2' } },
      'added',
    );

    expect(lines.join('')).toContain('[redacted]');
    expect(lines.join('')).not.toContain('hunter2');
  });
});
