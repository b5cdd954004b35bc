import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lots, price } from '../../src/domain/decimal.ts';
import { accountId, closeStep, positionId, type AccountId, type PositionId } from '../../src/domain/ids.ts';
import { Unavailable } from '../../src/domain/outcome.ts';
import type { CommandPlan } from '../../src/domain/trade/intent.ts';
import type { TradeRequest } from '../../src/domain/trade/request.ts';
import { tradeIdOf } from '../../src/identity.ts';
import { UnknownSymbol } from '../../src/trading/connector.ts';
import { request } from '../domain/trade/book-model.ts';
import { tradingWorld, type TradingWorld } from './trading-world.ts';

let world: TradingWorld;
beforeAll(async () => {
  world = await tradingWorld();
});
afterAll(() => world.end());

const never = new AbortController().signal;
let counter = 0;
const asked = (account: AccountId, over: Partial<TradeRequest> = {}): TradeRequest =>
  request({
    accountId: account,
    tradeId: tradeIdOf(account, `key-${++counter}`),
    volume: lots('0.1'),
    targets: [],
    breakeven: null,
    ...over,
  });
const place = (order: TradeRequest) => world.trading.placeTrade(order, 1, never);

async function opened(account: AccountId): Promise<{ order: TradeRequest; position: PositionId }> {
  const order = asked(account);
  const { report, view } = await place(order);
  expect(report.kind).toBe('confirmed');
  return { order, position: view?.positionId ?? positionId('none') };
}

const closePlan = (order: TradeRequest): CommandPlan => ({
  tradeId: order.tradeId,
  accountId: order.accountId,
  stepKey: closeStep(`c${++counter}`),
  intent: { kind: 'FULL_CLOSE' },
  attempt: 1,
  targetLevel: null,
  onlyIfBeyond: null,
  closeReason: { reason: 'MANUAL', subreason: 'FULL', text: 'asked' },
  by: 'person',
  actor: 'ada',
});

describe('placing a trade', () => {
  test('is confirmed by the broker and marked', async () => {
    const { order, position } = await opened(world.hedge);
    expect(await world.trading.getPositionDetails(world.hedge, position)).toMatchObject({
      lots: '0.1',
      stopLoss: '1.083',
    });
    expect(world.executed.filter(({ tradeId }) => tradeId === order.tradeId)).toEqual([
      expect.objectContaining({ flow: 'OPEN', ok: true, outcome: 'confirmed' }),
    ]);
  });

  test('twice sends once', async () => {
    const { order } = await opened(world.hedge);
    const before = (await world.control.getBook({ login: 'SIM-HEDGE' })).positions.length;
    expect((await place(order)).report.kind).toBe('confirmed');
    expect((await world.control.getBook({ login: 'SIM-HEDGE' })).positions).toHaveLength(before);
  });

  test('under the key of another body is denied', async () => {
    const { order } = await opened(world.hedge);
    const { report } = await place({ ...order, volume: lots('0.2'), requestHash: 'another' });
    expect(report).toMatchObject({ kind: 'denied', code: 'idempotency-key-reused' });
  });

  test.each([
    ['an unknown symbol', { symbol: 'NOPE' }, 'unknown-symbol'],
    ['an unknown account', { accountId: accountId('999') }, 'unknown-account'],
  ])('on %s is denied, and nothing is stored', async (_, over, code) => {
    const order = asked(world.hedge, over);
    expect((await place(order)).report).toMatchObject({ kind: 'denied', code });
    expect(await world.records.trade(order.tradeId)).toBeNull();
  });

  test('that the broker refuses is rejected with its code, and marked as not ok', async () => {
    await world.control.addFault({ kind: 'refuse', on: 'market', times: 1, code: 'not-enough-money' });
    const order = asked(world.hedge);
    const { report, view } = await place(order);
    expect(report).toMatchObject({ kind: 'rejected', code: 'not-enough-money' });
    expect(view?.state).toBe('REJECTED');
    expect(world.executed.at(-1)).toMatchObject({ flow: 'OPEN', ok: false, outcome: 'rejected' });
  });

  test('that was recorded before its broker went away ends its trade, instead of leaving it pending for ever', async () => {
    const order = asked(world.hedge);
    const instrument = await world.trading.getSymbolInfo(world.hedge, order.symbol);
    await world.records.openTrade(order, price('1.083'), instrument, []);
    await world.control.addFault({ kind: 'fail-read', on: 'GetQuote', times: 1 });
    const { report, view } = await place(order);
    expect(report).toMatchObject({ kind: 'not-executed', code: 'broker-unavailable' });
    expect(view?.state).toBe('REJECTED');
  });

  test('on a symbol of a netting account that carries a foreign position is denied', async () => {
    const account = { login: 'SIM-NET', password: 'sim' };
    const order = { case: 'market', value: { symbol: 'EURUSD', side: 1, lots: '0.3', stopLoss: '1.08' } } as const;
    await world.control.traderSend({ account, command: order });
    expect((await place(asked(world.net))).report).toMatchObject({ kind: 'denied', code: 'symbol-owned' });
  });
});

describe('a close', () => {
  test('of a position that the trader closed meanwhile brings the book up to date instead of closing another one', async () => {
    const { order, position } = await opened(world.hedge);
    const closing = { case: 'close', value: { positionId: position, lots: '0.1' } } as const;
    await world.control.traderSend({ account: { login: 'SIM-HEDGE', password: 'sim' }, command: closing });
    const { report, view } = await world.trading.closePosition(closePlan(order), never);
    expect(report.kind).toBe('book-changed');
    expect(view).toMatchObject({ state: 'CLOSED', closeReason: 'EXTERNAL' });
  });

  test('that the broker answers with "no such position" settles as not executed with the book read anew', async () => {
    const { order } = await opened(world.hedge);
    await world.control.addFault({ kind: 'refuse', on: 'close', times: 1, code: 'position-not-found' });
    const plan = closePlan(order);
    const first = await world.trading.closePosition(plan, never);
    expect(first.report).toMatchObject({ kind: 'not-executed', code: 'position-not-found' });
    expect(first.view.state).toBe('OPEN');
  });

  test('by a sender that was cancelled never leaves', async () => {
    const { order } = await opened(world.hedge);
    const { report, view } = await world.trading.closePosition(closePlan(order), AbortSignal.abort());
    expect(report).toMatchObject({ kind: 'not-executed', code: 'never-written' });
    expect(view.state).toBe('OPEN');
  });
});

describe('reads', () => {
  test('tell a position that is not there from one that could not be read', async () => {
    expect(await world.trading.getPositionDetails(world.hedge, positionId('none'))).toBeNull();
    await world.control.addFault({ kind: 'fail-read', on: 'GetSnapshot', times: 1 });
    await expect(world.trading.getPositionDetails(world.hedge, positionId('none'))).rejects.toBeInstanceOf(Unavailable);
  });

  test('never show a failed list as an empty one', async () => {
    await world.control.addFault({ kind: 'fail-read', on: 'GetSnapshot', times: 1 });
    await expect(world.trading.getOpenPositions(world.hedge)).rejects.toBeInstanceOf(Unavailable);
    expect((await world.trading.getOpenPositions(world.hedge)).asOf).toBeGreaterThan(0);
  });

  test('list pending orders with their levels and tag', async () => {
    const order = asked(world.hedge, { entry: { type: 'LIMIT', price: price('1.08'), expiresAt: null } });
    expect((await place(order)).view?.state).toBe('WORKING');
    expect(await world.trading.getPendingOrders(world.hedge)).toContainEqual(
      expect.objectContaining({ type: 'LIMIT', price: '1.08', stopLoss: '1.078', tag: expect.any(Number) }),
    );
  });

  test('give the contract facts of a symbol', async () => {
    expect(await world.trading.getSymbolInfo(world.hedge, 'EURUSD')).toMatchObject({
      digits: 5,
      pipSize: '0.0001',
      contractSize: '100000',
      volumeStep: '0.01',
      stopsLevelPoints: 10,
    });
    await expect(world.trading.getSymbolInfo(world.hedge, 'NOPE')).rejects.toBeInstanceOf(UnknownSymbol);
  });

  test('give a price with its age', async () => {
    await world.quote('1.08490', '1.08500');
    const live = await world.trading.getLivePrice(world.hedge, 'EURUSD');
    expect(live).toMatchObject({ symbol: 'EURUSD', bid: '1.0849', ask: '1.085' });
    expect(live.ageMs).toBeLessThan(5_000);
  });

  test('name the capabilities of a platform, and none for one that is not served', () => {
    expect(world.trading.isPlatformSupported('sim')?.orderTypes).toContain('LIMIT');
    expect(world.trading.isPlatformSupported('other')).toBeNull();
  });
});
