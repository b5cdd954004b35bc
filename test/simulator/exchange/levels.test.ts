import { describe, expect, test } from '@jest/globals';

import type { Command } from '../../../src/simulator/exchange/inputs.ts';
import { figures } from '../../../src/simulator/exchange/margin.ts';
import { buy, onlyPosition, sell, world } from './market-world.ts';

function trading(terms: Parameters<typeof world>[0] = {}) {
  const market = world(terms);
  market.quote('EURUSD', 110_000, 110_010);
  return market;
}

const pending = (
  side: 'BUY' | 'SELL',
  type: 'LIMIT' | 'STOP',
  price: string,
  expiresAt: number | null = null,
): Command => ({
  kind: 'pending',
  symbol: 'EURUSD',
  side,
  type,
  price,
  lots: '1',
  stopLoss: null,
  takeProfit: null,
  expiresAt,
});

describe('a stop or target at the broker', () => {
  test.each([
    ['a long stop at the bid', buy('1', { stopLoss: '1.099' }), [109_901, 109_911], [109_900, 109_910], 'SL', 109_900],
    [
      'a long target at the bid',
      buy('1', { takeProfit: '1.101' }),
      [110_099, 110_110],
      [110_100, 110_110],
      'TP',
      110_100,
    ],
    [
      'a short stop at the ask',
      sell('1', { stopLoss: '1.101' }),
      [110_098, 110_099],
      [110_099, 110_100],
      'SL',
      110_100,
    ],
    [
      'a short target at the ask',
      sell('1', { takeProfit: '1.099' }),
      [109_891, 109_901],
      [109_890, 109_900],
      'TP',
      109_900,
    ],
  ] as const)('%s', (_, order, [nearBid, nearAsk], [hitBid, hitAsk], reason, price) => {
    const market = trading();
    market.send(order);
    market.quote('EURUSD', nearBid, nearAsk);
    expect(market.account.positions.size).toBe(1);
    market.quote('EURUSD', hitBid, hitAsk);
    expect(market.account.deals.at(-1)).toMatchObject({ entry: 'OUT', reason, price, tag: null });
    expect(market.account.positions.size).toBe(0);
  });

  test('executes at the quote after a gap, not at the level', () => {
    const market = trading();
    market.send(buy('1', { stopLoss: '1.099' }));
    market.quote('EURUSD', 109_000, 109_020);
    expect(market.account.deals.at(-1)).toMatchObject({ reason: 'SL', price: 109_000, comment: '[sl 1.099]' });
  });

  test('waits for the session to open', () => {
    const market = world();
    market.quote('EURUSD', 110_000, 110_010, Date.UTC(2014, 4, 2, 12));
    market.send(buy('1', { stopLoss: '1.099' }));
    market.quote('EURUSD', 109_000, 109_010, Date.UTC(2014, 4, 3, 12));
    expect(market.account.positions.size).toBe(1);
    market.quote('EURUSD', 109_100, 109_110, Date.UTC(2014, 4, 4, 21));
    expect(market.account.deals.at(-1)).toMatchObject({ reason: 'SL', price: 109_100 });
  });
});

describe('a resting entry order', () => {
  test.each([
    ['BUY', 'LIMIT', '1.1', [109_991, 110_001], [109_990, 110_000], 110_000],
    ['SELL', 'LIMIT', '1.101', [110_099, 110_109], [110_100, 110_110], 110_100],
    ['BUY', 'STOP', '1.101', [110_089, 110_099], [110_095, 110_105], 110_105],
    ['SELL', 'STOP', '1.099', [109_901, 109_911], [109_890, 109_900], 109_890],
  ] as const)('%s %s at %s fills on the first quote that touches it', (side, type, price, near, hit, points) => {
    const market = trading();
    const placed = market.send(pending(side, type, price));
    expect(placed).toMatchObject({ code: 'done', positionId: null });
    market.quote('EURUSD', near[0], near[1]);
    expect(market.account.deals).toHaveLength(0);
    market.quote('EURUSD', hit[0], hit[1]);
    expect(market.account.deals[0]).toMatchObject({ entry: 'IN', price: points, tag: 7 });
    expect(onlyPosition(market)).toMatchObject({ side, tag: 7 });
    expect([...market.account.orders.values()][0]).toMatchObject({
      state: 'FILLED',
      positionId: onlyPosition(market).id,
    });
  });

  test.each([
    ['BUY', 'LIMIT', '1.10001'],
    ['BUY', 'STOP', '1.10019'],
    ['SELL', 'LIMIT', '1.10009'],
    ['SELL', 'STOP', '1.09991'],
  ] as const)('%s %s at %s is refused: it is not on its side of the market', (side, type, price) => {
    expect(trading().send(pending(side, type, price)).code).toBe('invalid-price');
  });

  test('expires by the clock alone', () => {
    const market = trading();
    market.send(pending('BUY', 'LIMIT', '1.09', market.now + 100));
    market.feed({ kind: 'clock' });
    expect(market.account.working.size).toBe(1);
    market.now += 100;
    market.feed({ kind: 'clock' });
    expect([...market.account.orders.values()][0]?.state).toBe('EXPIRED');
    market.quote('EURUSD', 108_000, 108_010);
    expect(market.account.deals).toHaveLength(0);
  });

  test('is amended and cancelled by its id', () => {
    const market = trading();
    const placed = market.send(pending('BUY', 'LIMIT', '1.09'));
    const orderId = placed.code === 'done' ? (placed.orderId ?? '') : '';
    const amend: Command = {
      kind: 'amend',
      orderId,
      price: '1.095',
      stopLoss: '1.08',
      takeProfit: null,
      expiresAt: null,
    };
    expect(market.send(amend).code).toBe('done');
    expect(market.account.working.get(orderId)).toMatchObject({ price: 109_500, stop: 108_000 });
    expect(market.send(amend).code).toBe('no-changes');
    expect(market.send({ kind: 'cancel', orderId }).code).toBe('done');
    expect(market.send({ kind: 'cancel', orderId }).code).toBe('order-not-found');
    expect(market.account.orders.get(orderId)?.state).toBe('CANCELLED');
  });

  test('is rejected at the fill when the money is not there any more', () => {
    const market = trading({ deposit: 30_000 });
    market.send(pending('BUY', 'LIMIT', '1.099'));
    market.send(buy('1'));
    market.quote('EURUSD', 109_890, 109_900);
    expect([...market.account.orders.values()][0]?.state).toBe('REJECTED');
  });
});

describe('margin', () => {
  test('of a currency pair is the base over the leverage', () => {
    const market = trading({ currency: 'EUR' });
    market.send(buy('1'));
    expect(figures(market.exchange, market.account).margin).toBe(20_000);
  });

  test('of opposite positions is that of the larger side', () => {
    const market = trading({ currency: 'EUR' });
    market.send(buy('1'));
    market.send(sell('0.6'));
    expect(figures(market.exchange, market.account).margin).toBe(20_000);
  });

  test('that is half eaten up closes the worst position first, with reason STOP_OUT', () => {
    const market = trading({ deposit: 60_000 });
    market.send(buy('0.5'));
    market.send(buy('1.5'));
    market.quote('EURUSD', 109_815, 109_825);
    const out = market.account.deals.filter(({ entry }) => entry === 'OUT');
    expect(out).toMatchObject([{ reason: 'STOP_OUT', units: 150 }]);
    expect(onlyPosition(market).units).toBe(50);
  });
});

describe('swap', () => {
  test('is charged at 21:00 of the file, three nights on the triple weekday, and booked by the closing deals', () => {
    const market = world();
    const wednesday = Date.UTC(2014, 4, 7, 20, 59);
    market.quote('EURUSD', 110_000, 110_010, wednesday);
    market.send(buy('1'));
    market.quote('EURUSD', 110_000, 110_010, wednesday + 60_000);
    expect(onlyPosition(market).swap).toBe(-2070);
    market.send({ kind: 'close', positionId: onlyPosition(market).id, lots: '0.5' });
    expect(market.account.deals.at(-1)?.swap).toBe(-1035);
    expect(onlyPosition(market).swap).toBe(-1035);
  });

  test('is not charged over the weekend', () => {
    const market = world();
    market.quote('EURUSD', 110_000, 110_010, Date.UTC(2014, 4, 2, 20));
    market.send(buy('1'));
    market.quote('EURUSD', 110_000, 110_010, Date.UTC(2014, 4, 5, 20));
    expect(onlyPosition(market).swap).toBe(-690);
  });
});
