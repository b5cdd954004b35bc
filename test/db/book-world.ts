import { lots, money, price } from '../../src/domain/decimal.ts';
import type { BalanceFact, DealFact, Fact, OrderFact, PositionFact } from '../../src/domain/facts.ts';
import {
  closeStep,
  dealId,
  openStep,
  orderId,
  positionId,
  targetStep,
  type AccountId,
  type StepKey,
  type TradeId,
} from '../../src/domain/ids.ts';
import type { Instrument } from '../../src/domain/instrument.ts';
import { closeBps } from '../../src/domain/ladder.ts';
import type { CommandPlan, Intent } from '../../src/domain/trade/intent.ts';
import type { TradeRequest } from '../../src/domain/trade/request.ts';
import type { TradeView } from '../../src/domain/trade/view.ts';
import { createRecords, type OpenRecords } from '../../src/db/records.ts';
import { tradeIdOf } from '../../src/identity.ts';
import type { WireCommand } from '../../src/trading/connector.ts';
import type { BeforeSnapshot, ClaimAnswer, CommandRow, NewAccount, Settlement } from '../../src/trading/records.ts';
import { freshDatabase } from '../support/database.ts';

/** A database with one verified account, and short ways to say what a broker reports and what is sent to it. */
export interface BookWorld {
  readonly url: string;
  readonly records: OpenRecords;
  readonly account: AccountId;
  end(): Promise<void>;
}

export async function bookWorld(): Promise<BookWorld> {
  const database = await freshDatabase();
  const records = createRecords({ url: database.url });
  const account = await verifiedAccount(records, 'SIM-HEDGE');
  return {
    url: database.url,
    records,
    account,
    end: async () => {
      await records.close();
      await database.drop();
    },
  };
}

export const newAccount = (name: string): NewAccount => ({
  name,
  platform: 'simulated',
  endpoint: '127.0.0.1:4700',
  login: `login-of-${name}`,
  marginMode: 'HEDGING',
  currency: 'EUR',
  executionMode: 'live',
  sealedCredentials: 'sealed',
  bounds: {},
});

export async function verifiedAccount(records: OpenRecords, name: string): Promise<AccountId> {
  const { id, login } = await records.addAccount(newAccount(name));
  const verified = {
    login,
    currency: 'EUR',
    marginMode: 'HEDGING',
    tradeRefusal: null,
    symbols: ['EURUSD'],
    leverage: 100,
  } as const;
  await records.accountVerified(id, verified, 'test');
  return id;
}

export const eurusd: Instrument = {
  symbol: 'EURUSD',
  digits: 5,
  tickSize: price('0.00001'),
  pipSize: price('0.0001'),
  contractSize: '100000',
  volumeMin: lots('0.01'),
  volumeMax: lots('100'),
  volumeStep: lots('0.01'),
  stopsLevelPoints: 10,
  freezeLevelPoints: 0,
  baseCurrency: 'EUR',
  profitCurrency: 'USD',
  swapLong: '0',
  swapShort: '0',
  swapTripleWeekday: 3,
  tradeMode: 'FULL',
  sessionOpen: true,
};

let counter = 0;
/** A number nothing else in this process uses. */
export const fresh = (): number => (counter += 1);

export function longRequest(account: AccountId, changes: Partial<TradeRequest> = {}): TradeRequest {
  return {
    tradeId: tradeIdOf(account, `request-${fresh()}`),
    accountId: account,
    symbol: 'EURUSD',
    side: 'BUY',
    volume: lots('0.6'),
    entry: { type: 'MARKET' },
    stopLoss: { price: price('1.08') },
    takeProfit: null,
    targets: [
      { at: { pips: '10' }, size: { share: '50' }, late: 'act-if-beyond' },
      { at: { pips: '20' }, size: { rest: true }, late: 'act' },
    ],
    breakeven: { afterLevel: 1, offset: { pips: '1' } },
    requestedBy: 'trader',
    requestHash: 'hash-1',
    ...changes,
  };
}

export async function recorded(world: BookWorld, request: TradeRequest): Promise<TradeView> {
  const answer = await world.records.openTrade(request, price('1.08'), eurusd, closeBps(request.targets));
  return answer.view;
}

export function planFor(
  request: TradeRequest,
  stepKey: StepKey,
  intent: Intent,
  changes: Partial<CommandPlan> = {},
): CommandPlan {
  const { tradeId, accountId } = request;
  const open = { closeReason: null, by: 'automation', actor: 'automation' } as const;
  return {
    tradeId,
    accountId,
    stepKey,
    intent,
    attempt: 1,
    targetLevel: null,
    onlyIfBeyond: null,
    ...open,
    ...changes,
  };
}

export function openPlan(request: TradeRequest): CommandPlan {
  const { symbol, side, volume } = request;
  return planFor(request, openStep, {
    kind: 'OPEN',
    symbol,
    side,
    lots: volume,
    stopLoss: price('1.08'),
    takeProfit: null,
  });
}

export const takeProfitPlan = (request: TradeRequest, level: number, leave: string): CommandPlan =>
  planFor(
    request,
    targetStep(level, 1),
    leave === '0' ? { kind: 'FULL_CLOSE' } : { kind: 'PARTIAL_CLOSE', leaveLots: lots(leave) },
    {
      targetLevel: level,
      closeReason: { reason: 'TAKE_PROFIT', subreason: `TP${level}`, text: `Target ${level} reached` },
    },
  );

export const closePlan = (request: TradeRequest, requestId: string): CommandPlan =>
  planFor(
    request,
    closeStep(requestId),
    { kind: 'FULL_CLOSE' },
    {
      closeReason: { reason: 'MANUAL', subreason: 'FULL', text: 'trader closed it' },
      by: 'person',
      actor: 'trader',
    },
  );

export const openWire: WireCommand = {
  kind: 'OPEN',
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots('0.6'),
  stopLoss: price('1.08'),
  takeProfit: null,
};

export const closeWire = (position: string, volume: string): WireCommand => ({
  kind: 'PARTIAL_CLOSE',
  positionId: positionId(position),
  symbol: 'EURUSD',
  lots: lots(volume),
});

export const before = (volume: string | null, position: string | null = null): BeforeSnapshot => ({
  positionId: position === null ? null : positionId(position),
  lots: volume === null ? null : lots(volume),
  stopLoss: null,
  takeProfit: null,
  updatedAt: null,
  readAt: 1,
});

export function claimed(answer: ClaimAnswer): CommandRow {
  if (answer.kind !== 'claimed') throw new Error(`expected a claim, got ${JSON.stringify(answer)}`);
  return answer.command;
}

type Settled<State> = Extract<Settlement, { state: State }>;

export const confirmed = (order: string | null = null, position: string | null = null): Settled<'CONFIRMED'> => ({
  state: 'CONFIRMED',
  orderId: order === null ? null : orderId(order),
  positionId: position === null ? null : positionId(position),
  evidence: {},
});

export const notExecuted: Settled<'NOT_EXECUTED'> = {
  state: 'NOT_EXECUTED',
  code: 'market-closed',
  text: 'the market is closed',
  retryAfterMs: null,
};

type Change<Kind> = Partial<Omit<Kind, 'kind'>>;

export const deal = (
  id: string,
  order: string,
  position: string,
  entry: 'IN' | 'OUT',
  volume: string,
  changes: Change<DealFact> = {},
): DealFact => ({
  kind: 'deal',
  dealId: dealId(id),
  orderId: orderId(order),
  positionId: positionId(position),
  symbol: 'EURUSD',
  side: entry === 'IN' ? 'BUY' : 'SELL',
  entry,
  lots: lots(volume),
  price: price(entry === 'IN' ? '1.085' : '1.086'),
  executedAt: 1_700_000_000_000 + Number(id.replaceAll(/\D/g, '')),
  commission: money('-1'),
  swap: money('0'),
  profit: money('0'),
  reason: 'EXPERT',
  tag: null,
  comment: '',
  ...changes,
});

export const order = (
  id: string,
  side: 'BUY' | 'SELL',
  volume: string,
  filled: string,
  changes: Change<OrderFact> = {},
): OrderFact => ({
  kind: 'order',
  orderId: orderId(id),
  positionId: null,
  symbol: 'EURUSD',
  side,
  type: 'MARKET',
  state: 'FILLED',
  lots: lots(volume),
  filledLots: lots(filled),
  price: null,
  stopLoss: null,
  takeProfit: null,
  expiresAt: null,
  reason: 'EXPERT',
  tag: null,
  comment: '',
  updatedAt: 1_700_000_000_000,
  ...changes,
});

export const position = (
  id: string,
  volume: string,
  stop: string | null,
  updatedAt: number,
  changes: Change<PositionFact> = {},
): PositionFact => ({
  kind: 'position',
  positionId: positionId(id),
  symbol: 'EURUSD',
  side: 'BUY',
  lots: lots(volume),
  entryPrice: price('1.085'),
  stopLoss: stop === null ? null : price(stop),
  takeProfit: null,
  openedAt: 1_700_000_000_000,
  updatedAt,
  tag: null,
  comment: '',
  ...changes,
});

export const balance = (amount: string, asOf: number): BalanceFact => ({
  kind: 'balance',
  balance: money(amount),
  equity: money(amount),
  margin: money('0'),
  freeMargin: money(amount),
  asOf,
});

export interface OpenPosition {
  readonly request: TradeRequest;
  readonly trade: TradeId;
  readonly position: string;
  readonly openOrder: string;
  readonly openDeal: string;
  readonly tag: number;
  readonly view: TradeView;
}

/** A long of 0.6 lots opened at 1.085 with its stop at 1.08, confirmed, ladder armed. */
export async function openPosition(world: BookWorld, changes: Partial<TradeRequest> = {}): Promise<OpenPosition> {
  const request = longRequest(world.account, changes);
  await recorded(world, request);
  const command = claimed(await world.records.claim(openPlan(request), openWire, before(null), 2_000));
  const n = fresh();
  const ids = { position: `p${n}`, openOrder: `o${n}`, openDeal: `d${n}` };
  const tag = command.tag ?? 0;
  const facts: readonly Fact[] = [
    order(ids.openOrder, 'BUY', '0.6', '0.6', { positionId: positionId(ids.position), tag }),
    deal(ids.openDeal, ids.openOrder, ids.position, 'IN', '0.6', { tag }),
    position(ids.position, '0.6', '1.08', 1_700_000_000_000),
  ];
  const view = await world.records.settle(command.commandId, 1, confirmed(ids.openOrder, ids.position), facts);
  return { request, trade: request.tradeId, ...ids, tag, view };
}

/** Crosses the level of an armed target; answers what fired. */
export async function cross(world: BookWorld, trade: TradeId, level: number) {
  const watch = (await world.records.armedWatches([world.account])).find(
    (one) => one.tradeId === trade && one.targetLevel === level,
  );
  if (watch === undefined) throw new Error(`target ${level} has no armed watch`);
  return world.records.fire([
    { watchId: watch.watchId, price: watch.price, at: 1_700_000_000_500, source: 'live', sequence: 7, late: false },
  ]);
}
