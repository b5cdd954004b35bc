import { defineEntity, p, raw } from '@mikro-orm/core';

/**
 * The book's tables for MikroORM: migrations and cold paths. The hot path is SQL of its own; constraints and triggers live in the
 * migrations. Numeric columns are exchanged as text.
 */

const dbNow = () => p.datetime().default(raw('now()'));

export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.bigint('string').primary().autoincrement(),
    name: p.text().unique(),
    platform: p.text(),
    endpoint: p.text(),
    login: p.text(),
    status: p.text(),
    marginMode: p.text(),
    currency: p.text(),
    executionMode: p.text(),
    tradingState: p.text(),
    sealedCredentials: p.text().hidden(),
    bounds: p.json(),
    nextWireTag: p.integer(),
    epoch: p.bigint('string'),
    version: p.integer().version(),
  },
});

export const AccountSymbol = defineEntity({
  name: 'AccountSymbol',
  tableName: 'account_symbol',
  properties: {
    account: () => p.manyToOne(Account).primary(),
    alias: p.text().primary(),
    brokerSymbol: p.text(),
  },
});

export const Trade = defineEntity({
  name: 'Trade',
  tableName: 'trade',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    symbol: p.text(),
    side: p.text(),
    positionKey: p.text().nullable(),
    state: p.text(),
    requestedLots: p.decimal('string'),
    openedLots: p.decimal('string'),
    closedLots: p.decimal('string'),
    remainingLots: p.decimal('string').persist(false),
    entryPrice: p.decimal('string').nullable(),
    sl: p.decimal('string').nullable(),
    tp: p.decimal('string').nullable(),
    levelsAsOf: p.datetime().nullable(),
    initialStop: p.decimal('string'),
    intendedStop: p.decimal('string').nullable(),
    breakevenFloor: p.decimal('string').nullable(),
    breakevenRule: p.json().nullable(),
    breakevenState: p.text(),
    protectBy: p.datetime().nullable(),
    automation: p.text(),
    instrument: p.json(),
    request: p.json(),
    requestHash: p.text(),
    requestedBy: p.text(),
    reviewReason: p.text().nullable(),
    closeReason: p.text().nullable(),
    closeSubreason: p.text().nullable(),
    createdAt: dbNow(),
    openedAt: p.datetime().nullable(),
    closedAt: p.datetime().nullable(),
    version: p.integer().version(),
  },
});

export const BrokerCommand = defineEntity({
  name: 'BrokerCommand',
  tableName: 'broker_command',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    trade: () => p.manyToOne(Trade),
    stepKey: p.text(),
    kind: p.text(),
    positionKey: p.text().nullable(),
    intent: p.json(),
    intentHash: p.blob(),
    plan: p.json(),
    wire: p.json().nullable(),
    closeReason: p.text().nullable(),
    closeSubreason: p.text().nullable(),
    closureText: p.text().nullable(),
    actor: p.text(),
    wireTag: p.integer().nullable(),
    clientOrderId: p.text().nullable(),
    state: p.text(),
    attempt: p.smallint(),
    claimedAt: p.datetime().nullable(),
    sendBy: p.datetime().nullable(),
    retryNotBefore: p.datetime().nullable(),
    beforeSnapshot: p.json().nullable(),
    outcome: p.json().nullable(),
    contradictedAt: p.datetime().nullable(),
    createdAt: dbNow(),
    settledAt: p.datetime().nullable(),
    version: p.integer().version(),
  },
});

export const TradeOrder = defineEntity({
  name: 'TradeOrder',
  tableName: 'trade_order',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    trade: () => p.manyToOne(Trade).nullable(),
    command: () => p.manyToOne(BrokerCommand).nullable(),
    brokerOrderId: p.text().nullable(),
    origin: p.text(),
    positionId: p.text().nullable(),
    symbol: p.text(),
    side: p.text(),
    type: p.text().nullable(),
    lots: p.decimal('string').nullable(),
    price: p.decimal('string').nullable(),
    reason: p.text().nullable(),
    tag: p.bigint('string').nullable(),
    comment: p.text(),
    expiresAt: p.datetime().nullable(),
    reportedAt: p.datetime().nullable(),
    state: p.text(),
    filledLots: p.decimal('string'),
    closeReason: p.text().nullable(),
    closeSubreason: p.text().nullable(),
    reasonInferred: p.boolean(),
    closureText: p.text().nullable(),
    createdAt: dbNow(),
    version: p.integer().version(),
  },
});

export const BrokerDeal = defineEntity({
  name: 'BrokerDeal',
  tableName: 'broker_deal',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    order: () => p.manyToOne(TradeOrder),
    trade: () => p.manyToOne(Trade).nullable(),
    brokerDealId: p.text().nullable(),
    positionId: p.text().nullable(),
    symbol: p.text(),
    side: p.text(),
    reason: p.text().nullable(),
    entry: p.text(),
    lots: p.decimal('string'),
    price: p.decimal('string').nullable(),
    executedAt: p.datetime().nullable(),
    commission: p.decimal('string').nullable(),
    swap: p.decimal('string').nullable(),
    profit: p.decimal('string').nullable(),
  },
});

export const BrokerPosition = defineEntity({
  name: 'BrokerPosition',
  tableName: 'broker_position',
  properties: {
    account: () => p.manyToOne(Account).primary(),
    positionId: p.text().primary(),
    symbol: p.text(),
    side: p.text(),
    lots: p.decimal('string'),
    entryPrice: p.decimal('string'),
    stopLoss: p.decimal('string').nullable(),
    takeProfit: p.decimal('string').nullable(),
    openedAt: p.datetime(),
    updatedAt: p.datetime(),
    tag: p.bigint('string').nullable(),
    comment: p.text(),
  },
});

export const AccountBalance = defineEntity({
  name: 'AccountBalance',
  tableName: 'account_balance',
  properties: {
    account: () => p.oneToOne(Account).primary(),
    balance: p.decimal('string'),
    equity: p.decimal('string'),
    margin: p.decimal('string'),
    freeMargin: p.decimal('string'),
    asOf: p.datetime(),
  },
});

export const PriceWatch = defineEntity({
  name: 'PriceWatch',
  tableName: 'price_watch',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    trade: () => p.manyToOne(Trade),
    purpose: p.text(),
    generation: p.integer(),
    symbol: p.text(),
    digits: p.smallint(),
    quoteSide: p.text(),
    crosses: p.text(),
    level: p.decimal('string'),
    targetLevel: p.smallint(),
    armedAt: dbNow(),
    state: p.text(),
    firedPrice: p.decimal('string').nullable(),
    firedAt: p.datetime().nullable(),
    firedSequence: p.bigint('string').nullable(),
    source: p.text().nullable(),
    late: p.boolean(),
    deliveredAt: p.datetime().nullable(),
  },
});

export const ProfitTarget = defineEntity({
  name: 'ProfitTarget',
  tableName: 'profit_target',
  properties: {
    id: p.uuid().primary(),
    trade: () => p.manyToOne(Trade),
    level: p.smallint(),
    rule: p.json(),
    price: p.decimal('string').nullable(),
    closeBps: p.integer(),
    state: p.text(),
    reason: p.text().nullable(),
    generation: p.integer(),
    command: () => p.manyToOne(BrokerCommand).nullable(),
    watch: () => p.manyToOne(PriceWatch).nullable(),
    version: p.integer().version(),
  },
});

export const DiscrepancyCase = defineEntity({
  name: 'DiscrepancyCase',
  tableName: 'discrepancy_case',
  properties: {
    id: p.uuid().primary(),
    account: () => p.manyToOne(Account),
    trade: () => p.manyToOne(Trade).nullable(),
    kind: p.text(),
    state: p.text(),
    evidence: p.json(),
    proposal: p.json().nullable(),
    deadline: p.datetime(),
    decidedBy: p.text().nullable(),
    decision: p.json().nullable(),
  },
});

export const EventLog = defineEntity({
  name: 'EventLog',
  tableName: 'event_log',
  properties: {
    id: p.bigint('string').primary().autoincrement(),
    xid: p.text(),
    account: () => p.manyToOne(Account),
    tradeId: p.uuid().nullable(),
    type: p.text(),
    body: p.json(),
    wakes: p.boolean(),
    deliveredAt: p.datetime().nullable(),
    createdAt: dbNow(),
  },
});

export const AuditLog = defineEntity({
  name: 'AuditLog',
  tableName: 'audit_log',
  properties: {
    chainId: p.bigint('string').primary(),
    seq: p.bigint('string').primary(),
    at: p.datetime(),
    actor: p.text(),
    action: p.text(),
    body: p.json(),
    prevHash: p.blob(),
    rowHash: p.blob(),
  },
});

export const FeedSession = defineEntity({
  name: 'FeedSession',
  tableName: 'feed_session',
  properties: {
    key: p.text().primary(),
    epoch: p.bigint('string'),
    holder: p.text(),
    takenAt: dbNow(),
    aliveAt: dbNow(),
  },
});

export const FeedCursor = defineEntity({
  name: 'FeedCursor',
  tableName: 'feed_cursor',
  properties: {
    session: () => p.manyToOne(FeedSession).primary().fieldName('key'),
    symbol: p.text().primary(),
    sequence: p.bigint('string'),
    quotedAt: p.datetime(),
  },
});

export const LegalEdge = defineEntity({
  name: 'LegalEdge',
  tableName: 'legal_edge',
  properties: {
    machine: p.text().primary(),
    fromState: p.text().primary(),
    toState: p.text().primary(),
  },
});

export const entities = [
  Account,
  AccountSymbol,
  Trade,
  BrokerCommand,
  TradeOrder,
  BrokerDeal,
  BrokerPosition,
  AccountBalance,
  PriceWatch,
  ProfitTarget,
  DiscrepancyCase,
  EventLog,
  AuditLog,
  FeedSession,
  FeedCursor,
  LegalEdge,
] as const;
