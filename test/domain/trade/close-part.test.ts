import { describe, expect, test } from '@jest/globals';
import { lots } from '../../../src/domain/decimal.ts';
import { decide } from '../../../src/domain/trade/decide.ts';
import { newDesk, type Wish } from '../../../src/domain/trade/desk.ts';
import { opened, request } from './book-model.ts';

function askedFor(size: Extract<Wish, { kind: 'close-part' }>['size']) {
  const desk = { ...newDesk(request()), view: opened(request()) };
  return decide(desk, { kind: 'asked', wish: { kind: 'close-part', requestId: 'p', by: 'ada', size } }, 1_000_000)
    .effects;
}

describe('a part named in lots', () => {
  test('that is off the volume step is denied with the next smaller one, and nothing is sent', () => {
    const denial = {
      code: 'volume-off-step',
      field: 'volume',
      value: '0.105',
      rule: 'volumes are multiples of 0.01 lots',
      fix: 'close 0.1',
    };
    expect(askedFor({ lots: lots('0.105') })).toEqual([
      { kind: 'answer', requestId: 'p', reply: { kind: 'denied', denial } },
    ]);
  });

  test('on the step is closed', () => {
    expect(askedFor({ lots: lots('0.1') })).toMatchObject([
      { kind: 'send', plan: { intent: { kind: 'PARTIAL_CLOSE', leaveLots: '0.5' } } },
    ]);
  });
});
