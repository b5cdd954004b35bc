import type { MessageInitShape } from '@bufbuild/protobuf';

import {
  DealEntry,
  OrderState,
  OrderType,
  Reason,
  Side,
  type BalanceSchema,
  type DealSchema,
  type InstrumentSchema,
  type OrderSchema,
  type PositionSchema,
  type QuoteReplySchema,
} from '../../../proto/belay/simulator/v1/simulator_pb.js';

const at = 1_790_000_000_000;

export const wireBalance = {
  balance: '10000.00',
  equity: '9990.5',
  margin: '64.2',
  freeMargin: '9926.3',
  asOf: at,
} satisfies MessageInitShape<typeof BalanceSchema>;

export const wirePosition = {
  positionId: 'p1',
  symbol: 'EURUSD',
  side: Side.BUY,
  lots: '0.30',
  entryPrice: '1.0712',
  stopLoss: '1.05',
  openedAt: at,
  updatedAt: at + 1,
  tag: 0x2000_0001,
  comment: 'blt',
  profit: '0',
  swap: '0',
} satisfies MessageInitShape<typeof PositionSchema>;

export const wireOrder = {
  orderId: 'o1',
  positionId: 'p1',
  symbol: 'EURUSD',
  side: Side.BUY,
  type: OrderType.MARKET,
  state: OrderState.FILLED,
  lots: '0.3',
  filledLots: '0.3',
  reason: Reason.EXPERT,
  tag: 0x2000_0001,
  comment: 'blt',
  updatedAt: at,
} satisfies MessageInitShape<typeof OrderSchema>;

export const wireDeal = {
  dealId: 'd1',
  orderId: 'o1',
  positionId: 'p1',
  symbol: 'EURUSD',
  side: Side.BUY,
  entry: DealEntry.IN,
  lots: '0.3',
  price: '1.0712',
  executedAt: at,
  commission: '-1.05',
  swap: '0',
  profit: '0',
  reason: Reason.EXPERT,
  tag: 0x2000_0001,
  comment: 'blt',
} satisfies MessageInitShape<typeof DealSchema>;

export const wireInstrument = {
  symbol: 'EURUSD',
  digits: 5,
  tickSize: '0.00001',
  pipSize: '0.0001',
  contractSize: '100000',
  volumeMin: '0.01',
  volumeMax: '100',
  volumeStep: '0.01',
  stopsLevelPoints: 10,
  freezeLevelPoints: 0,
  baseCurrency: 'EUR',
  profitCurrency: 'USD',
  marginCurrency: 'EUR',
  swapLongPoints: '-7.2',
  swapShortPoints: '3.1',
  swapTripleWeekday: 3,
  tradeMode: 'FULL',
  commissionPerLot: '3.5',
  sessionOpen: true,
} satisfies MessageInitShape<typeof InstrumentSchema>;

export function wireQuote(sequence: number, symbol = 'EURUSD') {
  return { symbol, bid: '1.0711', ask: '1.0712', sequence, time: at + sequence } satisfies MessageInitShape<
    typeof QuoteReplySchema
  >;
}
