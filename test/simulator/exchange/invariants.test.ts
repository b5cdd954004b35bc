import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { emptyExchange } from '../../../src/simulator/exchange/book.ts';
import { apply } from '../../../src/simulator/exchange/exchange.ts';
import type { Command, Input } from '../../../src/simulator/exchange/inputs.ts';
import { figures } from '../../../src/simulator/exchange/margin.ts';
import { generatedMarket } from '../../../src/simulator/market/generator.ts';
import { world, type World } from './market-world.ts';

/** What a trader might do next; positions and orders are chosen by number among those there are. */
type Deed =
  | { readonly do: 'move'; readonly by: number; readonly spread: number }
  | {
      readonly do: 'trade';
      readonly side: 'BUY' | 'SELL';
      readonly units: number;
      readonly stop: number;
      readonly target: number;
    }
  | { readonly do: 'rest'; readonly side: 'BUY' | 'SELL'; readonly units: number; readonly away: number }
  | { readonly do: 'close'; readonly which: number; readonly units: number }
  | { readonly do: 'protect'; readonly which: number; readonly stop: number };

const side = fc.constantFrom('BUY' as const, 'SELL' as const);
const units = fc.integer({ min: 1, max: 300 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      by: fc.integer({ min: -150, max: 150 }),
      spread: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('trade' as const),
      side,
      units,
      stop: fc.integer({ min: 10, max: 200 }),
      target: fc.integer({ min: 10, max: 200 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('rest' as const), side, units, away: fc.integer({ min: -100, max: 100 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), which: fc.nat(5), units }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('protect' as const),
      which: fc.nat(5),
      stop: fc.integer({ min: 1, max: 200 }),
    }),
  },
);

const price = (points: number) => (points / 100_000).toFixed(5);
const volume = (hundredths: number) => (hundredths / 100).toFixed(2);

function act(market: World, one: Deed): void {
  const tick = market.exchange.ticks.get('EURUSD');
  if (tick === undefined) throw new Error('no quote yet');
  if (one.do === 'move') {
    const bid = Math.max(50_000, tick.bid + one.by);
    market.quote('EURUSD', bid, bid + one.spread);
    return;
  }
  const command = commandFor(market, one, tick.bid, tick.ask);
  if (command !== null) market.send(command);
}

function commandFor(market: World, one: Exclude<Deed, { do: 'move' }>, bid: number, ask: number): Command | null {
  if (one.do === 'trade') {
    const exit = one.side === 'BUY' ? bid : ask;
    const down = one.side === 'BUY' ? 1 : -1;
    const stopLoss = price(exit - one.stop * down);
    return {
      kind: 'market',
      symbol: 'EURUSD',
      side: one.side,
      lots: volume(one.units),
      stopLoss,
      takeProfit: price(exit + one.target * down),
    };
  }
  if (one.do === 'rest') {
    const type = one.away < 0 === (one.side === 'BUY') ? 'LIMIT' : 'STOP';
    const level = price((one.side === 'BUY' ? ask : bid) + one.away);
    return {
      kind: 'pending',
      symbol: 'EURUSD',
      side: one.side,
      type,
      price: level,
      lots: volume(one.units),
      stopLoss: null,
      takeProfit: null,
      expiresAt: null,
    };
  }
  const position = [...market.account.positions.values()][one.which];
  if (position === undefined) return null;
  if (one.do === 'close') return { kind: 'close', positionId: position.id, lots: volume(one.units) };
  const level = position.side === 'BUY' ? bid - one.stop : ask + one.stop;
  return { kind: 'modify', positionId: position.id, stopLoss: price(level), takeProfit: null };
}

const life = fc.record({
  hedging: fc.boolean(),
  currency: fc.constantFrom('USD', 'EUR'),
  deeds: fc.array(deed, { maxLength: 60 }),
});

function live(
  { hedging, currency, deeds }: { hedging: boolean; currency: string; deeds: readonly Deed[] },
  check: (market: World) => void,
) {
  const market = world({ hedging, currency, deposit: 300_000 });
  market.quote('EURUSD', 110_000, 110_010);
  for (const one of deeds) {
    act(market, one);
    check(market);
  }
  return market;
}

describe('whatever a trader does', () => {
  test('volume in is volume out and open, for each position', () => {
    fc.assert(
      fc.property(life, (one) => {
        const { account } = live(one, () => {});
        const open = new Map<string, number>();
        for (const { positionId, entry, units: volumeOf } of account.deals) {
          open.set(positionId, (open.get(positionId) ?? 0) + (entry === 'IN' ? volumeOf : -volumeOf));
        }
        for (const [id, left] of open) expect(left).toBe(account.positions.get(id)?.units ?? 0);
      }),
    );
  });

  test('the balance is the deposit and what the deals booked, after every step', () => {
    fc.assert(
      fc.property(life, (one) => {
        live(one, ({ account }) => {
          const booked = account.deals.reduce(
            (total, { profit, commission, swap }) => total + profit + commission + swap,
            0,
          );
          expect(account.balance).toBe(account.deposit + booked);
        });
      }),
    );
  });

  test('margin is never negative, and none is asked of a flat account', () => {
    fc.assert(
      fc.property(life, (one) => {
        live(one, ({ exchange, account }) => {
          const { margin } = figures(exchange, account);
          expect(margin).toBeGreaterThanOrEqual(0);
          if (account.positions.size === 0) expect(margin).toBe(0);
        });
      }),
    );
  });

  test('no position outlives a quote that touches its stop or target', () => {
    fc.assert(
      fc.property(life, (one) => {
        live(one, ({ exchange, account }) => {
          const tick = exchange.ticks.get('EURUSD');
          if (tick === undefined) return;
          for (const { side: way, stop, target } of account.positions.values()) {
            const [exit, sign] = way === 'BUY' ? [tick.bid, 1] : [tick.ask, -1];
            if (stop !== null) expect((exit - stop) * sign).toBeGreaterThan(0);
            if (target !== null) expect((target - exit) * sign).toBeGreaterThan(0);
          }
        });
      }),
    );
  });

  test('the facts in any order, newest kept, give the book', () => {
    fc.assert(
      fc.property(life, fc.integer(), (one, shuffle) => {
        const { account, events } = live(one, () => {});
        const shuffled = events
          .map((event, index) => ({ event, at: Math.imul(index + 1, shuffle | 1) | 0 }))
          .sort((left, right) => left.at - right.at)
          .map(({ event }) => event);
        const newest = new Map<string, { units: number; updatedAt: number }>();
        for (const event of shuffled) {
          if (event.kind !== 'position') continue;
          const before = newest.get(event.position.id);
          if (before === undefined || before.updatedAt < event.position.updatedAt)
            newest.set(event.position.id, event.position);
        }
        const open = [...newest].filter(([, { units: left }]) => left > 0).map(([id]) => id);
        expect(open.sort()).toEqual([...account.positions.keys()].sort());
      }),
    );
  });
});

describe('determinism', () => {
  const hashOf = (seed: string): string => {
    const exchange = emptyExchange();
    const hash = createHash('sha256');
    let time = 1_000_000;
    const feed = (input: Input) => hash.update(JSON.stringify(apply(exchange, (time += 7), input)));
    feed({
      kind: 'account',
      login: 'A',
      password: 'p',
      currency: 'EUR',
      hedging: true,
      deposit: 100_000_000,
      leverage: 100,
    });
    let taken = 0;
    for (const { symbol, bid, ask, sourceTime } of generatedMarket(seed).quotes(0)) {
      feed({ kind: 'quote', symbol, bid, ask, sourceTime, taken: true });
      taken += 1;
      if (taken % 50 === 0)
        feed({
          kind: 'send',
          sender: { login: 'A', tag: taken, shownTag: taken, comment: '', commandId: '', reason: 'EXPERT' },
          command: {
            kind: 'market',
            symbol: 'EURUSD',
            side: taken % 100 === 0 ? 'BUY' : 'SELL',
            lots: '0.1',
            stopLoss: null,
            takeProfit: null,
          },
        });
      if (taken === 5000) return hash.digest('hex');
    }
    throw new Error('the market ended');
  };

  test('the same seed gives the same events to the last byte, another seed others', () => {
    expect(hashOf('one')).toBe(hashOf('one'));
    expect(hashOf('one')).not.toBe(hashOf('two'));
  });
});
