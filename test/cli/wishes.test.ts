import { describe, expect, test } from '@jest/globals';
import { price } from '../../src/domain/decimal.ts';
import { closeWish } from '../../src/cli/close.ts';
import { changesOf } from '../../src/cli/edit.ts';
import { levelsOf } from '../../src/cli/open.ts';
import { next, opened, request } from '../domain/trade/book-model.ts';

const view = opened(request());
const late = 'act-if-beyond';

describe('an opening', () => {
  const asked = { sl: { pips: '20' }, late, be: true } as const;
  const first = { at: { pips: '10' }, size: { share: '50' } } as const;

  test('moves to breakeven after its first target unless told otherwise', () => {
    expect(levelsOf({ ...asked, tp: [first] }).breakeven).toEqual({ afterLevel: 1, offset: { points: '10' } });
    expect(levelsOf({ ...asked, tp: [first], beAfter: 2, beOffset: { pips: '1' } }).breakeven).toEqual({
      afterLevel: 2,
      offset: { pips: '1' },
    });
    expect(levelsOf({ ...asked, tp: [first], be: false }).breakeven).toBeNull();
  });

  test('without targets has nothing to move its stop', () => {
    expect(levelsOf(asked)).toEqual({ stopLoss: { pips: '20' }, takeProfit: null, targets: [], breakeven: null });
  });

  test('gives its late policy to every target', () => {
    expect(
      levelsOf({ ...asked, late: 'ask', tp: [first, { at: { r: '2' }, size: { rest: true } }] }).targets.map(
        (target) => target.late,
      ),
    ).toEqual(['ask', 'ask']);
  });
});

describe('an edit', () => {
  test('counts distances from the entry, a stop on the losing side and a take profit on the winning side', () => {
    expect(changesOf({ sl: { pips: '15' }, brokerTp: { r: '2' }, late }, view)).toEqual([
      {
        part: 'levels',
        wish: { kind: 'edit-protection', stopLoss: { to: price('1.0835') }, takeProfit: { to: price('1.089') } },
      },
    ]);
  });

  test('leaves the leg that is not named and removes the one that is named none', () => {
    expect(changesOf({ brokerTp: 'none', late }, view)).toEqual([
      { part: 'levels', wish: { kind: 'edit-protection', stopLoss: 'keep', takeProfit: { to: null } } },
    ]);
  });

  test('asks one thing at a time, each under a name of its own', () => {
    const changes = changesOf(
      {
        sl: { price: price('1.08') },
        tp: [{ at: { pips: '30' }, size: { rest: true } }],
        target: [{ level: 2, verdict: 'skip' }],
        late,
      },
      view,
    );
    expect(changes.map(({ part, wish }) => [part, wish.kind])).toEqual([
      ['levels', 'edit-protection'],
      ['ladder', 'edit-ladder'],
      ['target-2', 'decide-target'],
    ]);
  });

  test('of a trade without an entry takes prices only', () => {
    const working = next(view, { state: 'WORKING', entryPrice: null });
    expect(changesOf({ sl: { price: price('1.08') }, late }, working)).toHaveLength(1);
    expect(() => changesOf({ sl: { pips: '15' }, late }, working)).toThrow(/counts from the entry/);
  });
});

describe('a close', () => {
  test('is all of it for a stated reason, or a part', () => {
    expect(closeWish({}, 'ada')).toEqual({
      kind: 'close',
      emergency: false,
      reason: { reason: 'MANUAL', subreason: 'FULL', text: 'ada closed it' },
    });
    expect(closeWish({ emergency: true }, 'ada')).toMatchObject({
      emergency: true,
      reason: { reason: 'EMERGENCY', subreason: 'OPERATOR' },
    });
    expect(closeWish({ part: { percentOfRemaining: '100' } }, 'ada')).toEqual({
      kind: 'close-part',
      size: { percentOfRemaining: '100' },
    });
  });

  test('is never more than all', () => {
    expect(() => closeWish({ part: { percentOfRemaining: '100.01' } }, 'ada')).toThrow(/no more can be closed/);
  });
});
