import { describe, expect, test } from '@jest/globals';
import { commandId, type StepKey } from '../../src/domain/ids.ts';
import type { TradeView } from '../../src/domain/trade/view.ts';
import { table } from '../../src/cli/table.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { stateText, tradeJson, tradeTable, tradeText, waitingFor } from '../../src/cli/trade-view.ts';
import { next, opened, request } from '../domain/trade/book-model.ts';

const plain: Terminal = { out: () => undefined, talk: () => undefined, paint: (_style, text) => text };
const named = { tradeId: '0b9d1111-0000-0000-0000-000000000000', accountName: 'SIM-HEDGE' };
const unsettled = (state: 'SENDING' | 'UNKNOWN' | 'REVIEW') => ({
  commandId: commandId('c'),
  stepKey: 'tp:1:1' as StepKey,
  state,
  attempt: 1,
});
const view = (over: Partial<TradeView> = {}) => next(opened(request()), over);

describe('what a trade waits for', () => {
  test.each<[string, Partial<TradeView>, string | null]>([
    ['its next target', {}, 'target 1 at 1.086'],
    ['evidence of a command on its way', { unsettled: unsettled('UNKNOWN') }, 'evidence of tp:1:1'],
    ['a person', { unsettled: unsettled('REVIEW') }, 'a person to decide tp:1:1'],
    ['a person to look', { state: 'NEEDS_REVIEW' }, 'a person to look at it'],
    ['its automation', { automation: 'PAUSED' }, 'its automation to be resumed'],
    ['final figures after its end', { state: 'CLOSED', settling: true }, 'the final deal figures'],
    ['nothing when it is over', { state: 'CLOSED' }, null],
  ])('%s', (_what, over, words) => {
    expect(waitingFor(view(over))).toBe(words);
  });
});

describe('a trade on screen', () => {
  test('an unknown outcome is shown beside the state, never as open or failed alone', () => {
    expect(stateText(plain, view({ unsettled: unsettled('UNKNOWN'), automation: 'PAUSED', settling: true }))).toBe(
      'OPEN · PAUSED · settling · tp:1:1 UNKNOWN',
    );
    expect(stateText(plain, view({ state: 'CLOSED', closeReason: 'STOP_LOSS', closeSubreason: 'BREAKEVEN' }))).toBe(
      'CLOSED · STOP_LOSS/BREAKEVEN',
    );
  });

  test('shows position, protection and ladder', () => {
    expect(tradeText(plain, named, view()).split('\n')).toEqual([
      '0b9d1111  EURUSD BUY on SIM-HEDGE  OPEN',
      '  open     0.6 of 0.6 lots at 1.085',
      '  stop     1.083, breakeven WAITING',
      '  target 1 1.086  50%  ARMED',
      '  target 2 1.087  30%  ARMED',
      '  target 3 1.089  20%  ARMED',
      '  waits for target 1 at 1.086',
    ]);
  });

  test('is one line of a list', () => {
    const [, line] = tradeTable(plain, [{ ...named, view: view(), result: '-2.1 EUR' }]).split('\n');
    expect(line?.split(/ {2,}/)).toEqual([
      '0b9d1111',
      'SIM-HEDGE',
      'EURUSD',
      'BUY',
      '0.6',
      '0.6',
      '1.085',
      '1.083',
      '1: 1.086 (50%)',
      '-2.1 EUR',
      'OPEN',
    ]);
  });

  test('as JSON leaves out what is only ours', () => {
    const json = tradeJson(named, view()) as Record<string, unknown>;
    expect(json).toMatchObject({
      tradeId: named.tradeId,
      account: 'SIM-HEDGE',
      state: 'OPEN',
      waitsFor: 'target 1 at 1.086',
    });
    expect(Object.keys(json)).not.toEqual(expect.arrayContaining(['requestHash']));
    expect(Object.keys(json)).not.toEqual(expect.arrayContaining(['instrument']));
  });
});

describe('a table', () => {
  test('has no lines, no trailing space, and a dash for what is absent', () => {
    expect(
      table(
        [['A'], ['B', 'right']],
        [
          ['x', null],
          ['longer', 2],
        ],
      ),
    ).toBe('A       B\nx       –\nlonger  2');
  });
});
