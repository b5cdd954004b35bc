import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare, price } from '../../src/domain/decimal.ts';
import { CliFailure } from '../../src/cli/failure.ts';
import {
  duration,
  instant,
  latePolicy,
  level,
  levelOrNone,
  offset,
  part,
  side,
  symbol,
  target,
  targetVerdict,
  volume,
} from '../../src/cli/notation.ts';

const digits = '0,1,2,3,4,5,6,7,8,9'.split(',');

/** Positive decimals as people type them: with zeros in front of nothing and behind. */
const amount = fc
  .tuple(fc.integer({ min: 0, max: 999_999 }), fc.string({ unit: fc.constantFrom(...digits), maxLength: 8 }))
  .map(([whole, fraction]) => (fraction === '' ? String(whole) : `${whole}.${fraction}`))
  .filter((text) => compare(price(text), price('0')) > 0);

const inAnyCase = (word: string) => fc.mixedCase(fc.constant(word));

describe('a level', () => {
  test.each([
    ['1.0830', { price: '1.083' }],
    ['20p', { pips: '20' }],
    ['20PT', { points: '20' }],
    ['1.50r', { r: '1.5' }],
    [' 20.0p ', { pips: '20' }],
  ])('%s', (text, rule) => {
    expect(level('--sl')(text)).toEqual(rule);
  });

  test.each([
    '',
    '0',
    '0p',
    '-20p',
    '+1.1',
    '1e3',
    '.5',
    '1.',
    '1,083',
    '20 p',
    '20pips',
    'p',
    'NaN',
    'Infinity',
    '0x10',
    '1.1.1',
    '9'.repeat(13),
  ])('"%s" is refused', (text) => {
    expect(() => level('--sl')(text)).toThrow(CliFailure);
  });

  test('keeps every digit that was typed, in any unit and case, and spells the same value the same way', () => {
    fc.assert(
      fc.property(amount, fc.constantFrom('p', 'pt', 'r', ''), fc.nat({ max: 3 }), (text, unit, zeros) => {
        const padded = text.includes('.')
          ? text + '0'.repeat(Math.min(zeros, 12 - (text.split('.')[1] ?? '').length))
          : text;
        const [value] = Object.values(level('--sl')(`${text}${unit}`));
        expect(value).toBe(price(text));
        expect(level('--sl')(`${padded}${unit.toUpperCase()}`)).toEqual(level('--sl')(`${text}${unit}`));
      }),
    );
  });

  test('is a level or a refusal that names option, text and rule, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom(...digits, ...'.,p,P,t,T,r,R,:,%,-,+,e, '.split(',')) }),
        ),
        (text) => {
          try {
            const [value] = Object.values(level('--sl')(text));
            expect(compare(price(value as string), price('0'))).toBe(1);
          } catch (error) {
            expect(error).toMatchObject({
              kind: 'usage',
              detail: { code: 'invalid-value', field: '--sl', value: `"${text}"` },
            });
          }
        },
      ),
    );
  });

  test('may be none where it may be left out', () => {
    expect(levelOrNone('--broker-tp')('NONE')).toBe('none');
    expect(() => level('--sl')('none')).toThrow(CliFailure);
  });
});

describe('a target', () => {
  test('closes its share, and without one takes the rest', () => {
    expect(target('--tp')('10p:50%')).toEqual({ at: { pips: '10' }, size: { share: '50' } });
    expect(target('--tp')('1.09:33.30%')).toEqual({ at: { price: '1.09' }, size: { share: '33.3' } });
    expect(target('--tp')('2r')).toEqual({ at: { r: '2' }, size: { rest: true } });
  });

  test('leaves what is too much or nothing to the rules, which name the fix', () => {
    expect(target('--tp')('10p:120%').size).toEqual({ share: '120' });
    expect(target('--tp')('10p:0%').size).toEqual({ share: '0' });
  });

  test.each(['10p:50', '10p:', '10p:-5%', '10p:50%:1', ':50%', '50%', '10p:5e1%'])('"%s" is refused', (text) => {
    expect(() => target('--tp')(text)).toThrow(CliFailure);
  });

  test('has the level it would have alone', () => {
    fc.assert(
      fc.property(amount, fc.constantFrom('p', 'pt', 'r', ''), amount, (at, unit, share) => {
        expect(target('--tp')(`${at}${unit}:${share}%`)).toEqual({
          at: level('--tp')(`${at}${unit}`),
          size: { share: price(share) },
        });
      }),
    );
  });
});

describe('other notations', () => {
  test('words are taken in any case', () => {
    fc.assert(
      fc.property(inAnyCase('sell'), inAnyCase('act-if-beyond'), (one, other) => {
        expect([side('side')(one), latePolicy('--late')(other)]).toEqual(['SELL', 'act-if-beyond']);
      }),
    );
    expect(() => side('side')('long')).toThrow(/one of BUY, SELL/);
  });

  test('a symbol without capitals is meant in capitals, any other is left as the broker spells it', () => {
    expect(['eurusd', 'EURUSD.m', '#us30'].map(symbol('symbol'))).toEqual(['EURUSD', 'EURUSD.m', '#US30']);
    expect(() => symbol('symbol')('EUR/USD')).toThrow(CliFailure);
  });

  test('a volume is exact text', () => {
    expect(['0.10', '0.005', '0', '12'].map(volume('volume'))).toEqual(['0.1', '0.005', '0', '12']);
    expect(() => volume('volume')('1e-2')).toThrow(CliFailure);
  });

  test('a part is a share of what remains, or lots', () => {
    expect(['50%', '33.3%', '0.10'].map(part('--part'))).toEqual([
      { percentOfRemaining: '50' },
      { percentOfRemaining: '33.3' },
      { lots: '0.1' },
    ]);
    for (const text of ['0%', '0', '-1', '%', '50p']) expect(() => part('--part')(text)).toThrow(CliFailure);
  });

  test('an offset may be nothing, but not a price', () => {
    expect(['10pt', '0p'].map(offset('--be-offset'))).toEqual([{ points: '10' }, { pips: '0' }]);
    expect(() => offset('--be-offset')('1.085')).toThrow(CliFailure);
  });

  test('a time has its unit and an end', () => {
    expect(['500ms', '10s', '2M'].map(duration('--timeout'))).toEqual([500, 10_000, 120_000]);
    for (const text of ['10', '0s', '11m', '1h', '-1s']) expect(() => duration('--timeout')(text)).toThrow(CliFailure);
  });

  test('an instant has its zone', () => {
    expect(instant('--expires')('2026-01-31T18:00:00+02:00')).toBe(Date.UTC(2026, 0, 31, 16));
    expect(() => instant('--expires')('2026-01-31T18:00:00')).toThrow(CliFailure);
  });

  test('a verdict names its target', () => {
    expect(targetVerdict('--target')('2=Act')).toEqual({ level: 2, verdict: 'act' });
    expect(() => targetVerdict('--target')('act')).toThrow(CliFailure);
  });
});
