import { describe, expect, test } from '@jest/globals';
import { parseOptions, Usage } from '../../../workers/main-job/options.ts';

describe('npm start', () => {
  test('stays or ends as the terminal says, unless told', () => {
    expect(parseOptions([])).toEqual({ job: 'start', stay: 'auto', json: false });
    expect(parseOptions(['--once', '--json'])).toEqual({ job: 'start', stay: 'once', json: true });
    expect(parseOptions(['--serve'])).toMatchObject({ stay: 'serve' });
  });

  test.each([[['--once', '--serve']], [['--onec']], [['extra']], [['--speed', '3']]])(
    'refuses %j naming what it knows',
    (argv) => {
      expect(() => parseOptions(argv)).toThrow(Usage);
      expect(() => parseOptions(argv)).toThrow(/--once \| --serve/u);
    },
  );
});

describe('a replay', () => {
  test('has defaults for everything but the file', () => {
    expect(parseOptions(['--replay', 'a.csv'])).toEqual({
      job: 'replay',
      file: 'a.csv',
      speed: 240,
      plan: null,
      kills: 0,
      symbol: 'EURUSD',
      seed: 'belay',
      json: false,
    });
  });

  test('takes the symbol from the option, else from the name of the file', () => {
    expect(parseOptions(['--replay', 'days/xauusd-2014.csv.gz'])).toMatchObject({ symbol: 'XAUUSD' });
    expect(parseOptions(['--replay', 'xauusd.csv', '--symbol', 'gbpusd'])).toMatchObject({ symbol: 'GBPUSD' });
  });

  test.each([
    ['--speed', 'fast'],
    ['--speed', '-1'],
    ['--kills', '2.5'],
    ['--symbol', 'DOGE'],
    ['--platform', 'other'],
  ])('refuses %s %s naming option and value', (option, value) => {
    const parse = () => parseOptions(['--replay', 'a.csv', `${option}=${value}`]);
    expect(parse).toThrow(Usage);
    expect(parse).toThrow(`${option} is "${value}"`);
  });
});
