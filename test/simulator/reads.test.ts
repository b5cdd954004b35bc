import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../src/clock.ts';
import { parseOptions } from '../../src/simulator/options.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import {
  ask,
  bookOf,
  buy,
  closePosition,
  dial,
  failure,
  fault,
  hedge,
  push,
  stateOf,
  until,
  type Broker,
} from './broker.ts';

let simulator: Simulator;
let line: Broker;

beforeEach(async () => {
  simulator = await startSimulator(parseOptions(['--market', 'manual', '--state-lag-ms', '40']), systemClock);
  line = dial(simulator);
  await push(line);
});

afterEach(async () => {
  line.close();
  await simulator.close();
});

describe('the broker tells', () => {
  test('who the account is and what it promises', async () => {
    expect(await ask(line.broker.verify.bind(line.broker), hedge)).toMatchObject({
      currency: 'EUR',
      hedging: true,
      tradeAllowed: true,
      leverage: 500,
      maxExecutionDelayMs: 1000,
      stateLagMs: 40,
      historyLagMs: 500,
    });
  });

  test('the facts of an instrument as decimals', async () => {
    const { broker } = line;
    const { instruments } = await ask(broker.getInstruments.bind(broker), { account: hedge, symbols: ['EURUSD'] });
    expect(instruments).toMatchObject([
      {
        digits: 5,
        tickSize: '0.00001',
        contractSize: '100000',
        swapLongPoints: '-6.9',
        stopsLevelPoints: 10,
        sessionOpen: true,
      },
    ]);
    const all = await ask(broker.getInstruments.bind(broker), { account: hedge });
    expect(all.instruments.length).toBeGreaterThan(4);
    const unlisted = ask(broker.getInstruments.bind(broker), { account: hedge, symbols: ['EURXXX'] });
    expect(await failure(unlisted)).toBe('NOT_FOUND');
  });

  test('the margin of a volume in the account currency', async () => {
    const request = { account: hedge, symbol: 'EURUSD', side: 1, lots: '0.5' };
    expect(await ask(line.broker.getMargin.bind(line.broker), request)).toMatchObject({
      margin: '100',
      currency: 'EUR',
    });
  });

  test('no quote as an error, never as zero', async () => {
    const { broker } = line;
    expect(await failure(ask(broker.getQuote.bind(broker), { account: hedge, symbol: 'XAUUSD' }))).toBe('UNAVAILABLE');
  });

  test('orders and deals by tag, by position and by time', async () => {
    const { broker } = line;
    const { positionId = '' } = await buy(line, { tag: 1 });
    await buy(line, { tag: 2 });
    await closePosition(line, positionId, '0.1', 3);
    const deals = async (query: object) => {
      const reply = await ask(broker.getDeals.bind(broker), { account: hedge, ...query });
      return reply.deals.map(({ tag }) => tag);
    };
    expect(await deals({ tag: 2 })).toEqual([2]);
    expect(await deals({ positionId })).toEqual([1, 3]);
    expect(await deals({ from: 0, to: systemClock.now() })).toEqual([1, 2, 3]);
    const { orders } = await ask(broker.getOrders.bind(broker), { account: hedge, positionId });
    expect(orders.map(({ tag }) => tag)).toEqual([1, 3]);
  });

  test('a snapshot whose figures fit together', async () => {
    await buy(line, { tag: 1, lots: '1' });
    const { balance, positions } = await ask(line.broker.getSnapshot.bind(line.broker), hedge);
    const { balance: cash, equity, margin, freeMargin } = balance ?? {};
    expect(Number(equity)).toBeCloseTo(Number(cash) + Number(positions[0]?.profit), 2);
    expect(Number(freeMargin)).toBeCloseTo(Number(equity) - Number(margin), 2);
  });
});

describe('the control door', () => {
  test('opens an account once, and refuses its login with other terms', async () => {
    const create = line.control.createAccount.bind(line.control);
    const terms = { login: 'X', password: 'p', currency: 'USD', hedging: true, balance: '500.5', leverage: 100 };
    expect(await ask(create, terms)).toMatchObject({ created: true });
    expect(await ask(create, terms)).toMatchObject({ created: false });
    expect(await failure(ask(create, { ...terms, currency: 'EUR' }))).toBe('ALREADY_EXISTS');
    expect(await failure(ask(create, { ...terms, login: 'Y', balance: '1.005' }))).toBe('INVALID_ARGUMENT');
    expect((await bookOf(line, 'X')).balance?.balance).toBe('500.5');
  });

  test('refuses faults it does not know, and counts the strikes of the others', async () => {
    expect(await failure(fault(line, 'earthquake'))).toBe('INVALID_ARGUMENT');
    expect(await failure(fault(line, 'refuse', { code: 'no' }))).toBe('INVALID_ARGUMENT');
    expect(await failure(fault(line, 'lose-reply', { on: 'Sendd' }))).toBe('INVALID_ARGUMENT');
    await fault(line, 'delay-reply', { ms: 20, times: 1 });
    await buy(line, { tag: 1 });
    expect(
      await until(
        () => stateOf(line),
        ({ faultsArmed }) => faultsArmed === 0,
      ),
    ).toMatchObject({ faultsHit: 1 });
  });

  test('strikes only the login and the call it was armed for', async () => {
    await fault(line, 'refuse', { code: 'requote', login: 'SIM-NET' });
    await fault(line, 'refuse', { code: 'requote', on: 'close' });
    const { code, positionId = '' } = await buy(line, { tag: 1 });
    expect(code).toBe('done');
    expect((await closePosition(line, positionId, '0.1', 2)).code).toBe('requote');
  });

  test('takes no crossed quote', async () => {
    expect(await failure(push(line, '1.2', '1.1'))).toBe('INVALID_ARGUMENT');
    expect(await failure(push(line, '1.2000001', '1.3'))).toBe('INVALID_ARGUMENT');
  });
});
