import { describe, expect, test } from '@jest/globals';

import { buy, onlyPosition, sell, world, type World } from './market-world.ts';

const close = (world: World, lots: string) =>
  world.send({ kind: 'close', positionId: onlyPosition(world).id, lots }, 8);

function trading(terms: Parameters<typeof world>[0] = {}) {
  const market = world(terms);
  market.quote('EURUSD', 110_000, 110_010);
  return market;
}

describe('a market order', () => {
  test('buys at the ask and pays commission', () => {
    const market = trading();
    expect(market.send(buy('0.5')).code).toBe('done');
    const [deal] = market.account.deals;
    expect(deal).toMatchObject({ entry: 'IN', side: 'BUY', units: 50, price: 110_010, commission: -175, tag: 7 });
    expect(market.account.balance).toBe(1_000_000 - 175);
  });

  test('is an order, a deal and a position under linked ids', () => {
    const market = trading();
    market.send(buy('0.5', { stopLoss: '1.09', takeProfit: '1.11' }));
    const position = onlyPosition(market);
    const [order] = market.account.orders.values();
    expect(position).toMatchObject({ id: order?.id, stop: 109_000, target: 111_000, entry: 110_010 });
    expect(market.account.deals[0]).toMatchObject({ orderId: order?.id, positionId: position.id });
  });

  test('in the other direction opens a second position on a hedging account', () => {
    const market = trading();
    market.send(buy('0.5'));
    market.send(sell('0.5'));
    expect([...market.account.positions.values()].map(({ side }) => side)).toEqual(['BUY', 'SELL']);
  });
});

describe('closing by position', () => {
  test('realises profit at the bid for a long', () => {
    const market = trading();
    market.send(buy('1'));
    market.quote('EURUSD', 110_110, 110_120);
    close(market, '0.4');
    expect(market.account.deals[1]).toMatchObject({
      entry: 'OUT',
      side: 'SELL',
      units: 40,
      price: 110_110,
      profit: 4000,
    });
    expect(onlyPosition(market)).toMatchObject({ units: 60, entry: 110_010 });
  });

  test('converts the profit at the middle of the cross', () => {
    const market = trading({ currency: 'EUR' });
    market.send(buy('1'));
    market.quote('EURUSD', 110_110, 110_130);
    close(market, '1');
    expect(market.account.deals[1]?.profit).toBe(Math.round((10_000 * 100_000) / 110_120));
  });

  test('tells the closed position with no volume and its entry', () => {
    const market = trading();
    market.send(buy('1'));
    close(market, '1');
    expect(market.events.at(-1)).toMatchObject({ kind: 'position', position: { units: 0, entry: 110_010 } });
    expect(market.account.positions.size).toBe(0);
  });

  test.each([
    ['2', 'volume-exceeds-position'],
    ['0.015', 'volume-off-step'],
    ['0', 'invalid-volume'],
    ['-1', 'invalid-volume'],
    ['many', 'invalid-volume'],
  ])('refuses %s lots of a position of one as %s', (lots, code) => {
    const market = trading();
    market.send(buy('1'));
    const before = JSON.stringify([...market.account.positions.values()]);
    expect(close(market, lots).code).toBe(code);
    expect(JSON.stringify([...market.account.positions.values()])).toBe(before);
  });

  test('refuses a position that is gone', () => {
    expect(trading().send({ kind: 'close', positionId: '1', lots: '1' }).code).toBe('position-not-found');
  });
});

describe('a netting account', () => {
  test('averages the entry when it adds', () => {
    const market = trading({ hedging: false });
    market.send(buy('1'));
    market.quote('EURUSD', 110_020, 110_030);
    market.send(buy('1'));
    expect(onlyPosition(market)).toMatchObject({ units: 200, entry: 110_020 });
  });

  test('reduces by an opposite order and keeps the protection', () => {
    const market = trading({ hedging: false });
    market.send(buy('1', { stopLoss: '1.09' }));
    market.send(sell('0.4'));
    expect(onlyPosition(market)).toMatchObject({ side: 'BUY', units: 60, stop: 109_000 });
  });

  test('turns by one order with an OUT and an IN deal, and the position gets a new id', () => {
    const market = trading({ hedging: false });
    market.send(buy('1'));
    const old = onlyPosition(market).id;
    market.send(sell('1.5'), 9);
    const [, out, into] = market.account.deals;
    expect(out).toMatchObject({ entry: 'OUT', units: 100, positionId: old, tag: 9 });
    expect(into).toMatchObject({ entry: 'IN', units: 50, orderId: out?.orderId, tag: 9 });
    expect(onlyPosition(market)).toMatchObject({ side: 'SELL', units: 50, id: into?.positionId });
    expect(into?.positionId).not.toBe(old);
  });
});

describe('what the broker refuses', () => {
  test.each([
    [buy('0.001'), 'volume-below-minimum'],
    [buy('0.015'), 'volume-off-step'],
    [buy('101'), 'volume-above-maximum'],
    [buy('1', { symbol: 'EURXXX' }), 'unknown-symbol'],
    [buy('1', { symbol: 'GBPUSD' }), 'no-quotes'],
    [buy('1', { symbol: 'USDCNH' }), 'close-only'],
    [buy('50'), 'not-enough-money'],
    [buy('1', { stopLoss: '1.09991' }), 'invalid-stops'],
    [buy('1', { takeProfit: '1.10009' }), 'invalid-stops'],
    [sell('1', { stopLoss: '1.10019' }), 'invalid-stops'],
    [buy('1', { stopLoss: '1.090001' }), 'invalid-stops'],
  ])('%o as %s, and nothing changes', (command, code) => {
    const market = trading({ deposit: 500_000 });
    expect(market.send(command).code).toBe(code);
    expect(market.account.orders.size + market.account.deals.length + market.account.effects.size).toBe(0);
  });

  test('a stop exactly at the stops level stands', () => {
    expect(trading().send(buy('1', { stopLoss: '1.0999' })).code).toBe('done');
  });

  test('an opposite order on a netting account although the free margin is used up passes', () => {
    const market = trading({ hedging: false, deposit: 25_000 });
    expect(market.send(buy('1')).code).toBe('done');
    expect(market.send(buy('1')).code).toBe('not-enough-money');
    expect(market.send(sell('1')).code).toBe('done');
  });

  test('orders while the session is closed, and takes them when it opens', () => {
    const market = world();
    const friday = Date.UTC(2014, 4, 2, 20, 59);
    market.quote('EURUSD', 110_000, 110_010, friday);
    expect(market.send(buy('1')).code).toBe('done');
    market.quote('EURUSD', 110_000, 110_010, friday + 60_000);
    expect(market.send(buy('1')).code).toBe('market-closed');
    market.quote('EURUSD', 110_000, 110_010, Date.UTC(2014, 4, 4, 21, 0));
    expect(market.send(buy('1')).code).toBe('done');
  });
});

describe('modifying a position', () => {
  test('sets both legs: an absent one is removed', () => {
    const market = trading();
    market.send(buy('1', { stopLoss: '1.09', takeProfit: '1.12' }));
    const positionId = onlyPosition(market).id;
    market.send({ kind: 'modify', positionId, stopLoss: '1.095', takeProfit: null });
    expect(onlyPosition(market)).toMatchObject({ stop: 109_500, target: null });
  });

  test('is refused when nothing would change', () => {
    const market = trading();
    market.send(buy('1', { stopLoss: '1.09' }));
    const positionId = onlyPosition(market).id;
    expect(market.send({ kind: 'modify', positionId, stopLoss: '1.0900', takeProfit: null }).code).toBe('no-changes');
  });

  test('leaves a standing stop alone that the price has come close to', () => {
    const market = trading();
    market.send(buy('1', { stopLoss: '1.0999' }));
    market.quote('EURUSD', 109_992, 110_002);
    const positionId = onlyPosition(market).id;
    expect(market.send({ kind: 'modify', positionId, stopLoss: '1.0999', takeProfit: '1.11' }).code).toBe('done');
  });

  test('is frozen while the price stands inside the freeze level', () => {
    const market = world({ deposit: 10_000_000 });
    market.quote('XAUUSD', 1_300_000, 1_300_300);
    market.send(buy('0.1', { symbol: 'XAUUSD', stopLoss: '1299' }));
    market.quote('XAUUSD', 1_299_040, 1_299_340);
    const positionId = onlyPosition(market).id;
    expect(market.send({ kind: 'modify', positionId, stopLoss: '1290', takeProfit: null }).code).toBe('frozen');
  });
});
