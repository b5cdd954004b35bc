import type { Lots, Price } from '../domain/decimal.ts';
import type { DealFact, PositionFact, Side, UtcMs } from '../domain/facts.ts';

/** One deal as our book has it; `dealId` is `null` for a provisional row. */
export interface OwnDeal {
  readonly dealId: string | null;
  readonly orderId: string | null;
  readonly positionId: string | null;
  readonly entry: 'IN' | 'OUT';
  readonly side: Side;
  readonly lots: Lots;
  readonly price: Price | null;
  readonly executedAt: UtcMs | null;
  readonly commission: string | null;
  readonly swap: string | null;
  readonly profit: string | null;
}

/** What we believe to be open at the broker. */
export interface OwnPosition {
  readonly positionId: string;
  readonly side: Side;
  readonly lots: Lots;
  readonly stopLoss: Price | null;
}

export interface OwnBook {
  readonly deals: readonly OwnDeal[];
  readonly positions: readonly OwnPosition[];
}

const dealFields = [
  'orderId',
  'positionId',
  'entry',
  'side',
  'lots',
  'price',
  'executedAt',
  'commission',
  'swap',
  'profit',
] as const;

const positionFields = ['side', 'lots', 'stopLoss'] as const;

/** One deal as the broker has it. */
export type BrokersDeal = Pick<DealFact, 'dealId' | (typeof dealFields)[number]>;

/** One open position as the broker has it. */
export type BrokersPosition = Pick<PositionFact, 'positionId' | (typeof positionFields)[number]>;

export interface BrokersBook {
  readonly deals: readonly BrokersDeal[];
  readonly positions: readonly BrokersPosition[];
  /** How often each command was carried out. */
  readonly effects: readonly { readonly tag: number; readonly executions: number }[];
}

export interface Comparison {
  readonly dealsEngine: number;
  readonly dealsBroker: number;
  /** Executions beyond one per command. */
  readonly duplicates: number;
  /** One line per difference; empty when the books are equal to the last deal. */
  readonly differences: readonly string[];
}

/** Compares the broker's own book of one account with ours: every deal in every field, then what is open. Pure. */
export function compareBooks(ours: OwnBook, brokers: BrokersBook): Comparison {
  const repeats = brokers.effects.filter(({ executions }) => executions > 1);
  return {
    dealsEngine: ours.deals.length,
    dealsBroker: brokers.deals.length,
    duplicates: repeats.reduce((total, { executions }) => total + executions - 1, 0),
    differences: [
      ...compareDeals(ours.deals, brokers.deals),
      ...comparePositions(ours.positions, brokers.positions),
      ...repeats.map(({ tag, executions }) => `command with tag ${tag} was carried out ${executions} times`),
    ],
  };
}

function compareDeals(ours: readonly OwnDeal[], brokers: readonly BrokersDeal[]): readonly string[] {
  const known = new Map(ours.map((deal) => [deal.dealId, deal]));
  const real = new Set<string>(brokers.map(({ dealId }) => dealId));
  return [
    ...ours
      .filter(({ dealId }) => dealId === null)
      .map(({ orderId }) => `order ${orderId ?? '?'}: our deal is provisional`),
    ...ours.flatMap(({ dealId }) =>
      dealId === null || real.has(dealId) ? [] : [`deal ${dealId}: not in the broker's book`],
    ),
    ...(known.size === ours.length ? [] : ['our book has a deal twice']),
    ...brokers.flatMap((deal) => compareDeal(known.get(deal.dealId), deal)),
  ];
}

function compareDeal(ours: OwnDeal | undefined, broker: BrokersDeal): readonly string[] {
  if (ours === undefined) return [`deal ${broker.dealId}: missing in our book`];
  return dealFields
    .filter((field) => ours[field] !== broker[field])
    .map(
      (field) => `deal ${broker.dealId}: ${field} is ${String(ours[field])}, the broker says ${String(broker[field])}`,
    );
}

function comparePositions(ours: readonly OwnPosition[], brokers: readonly BrokersPosition[]): readonly string[] {
  const known = new Map(ours.map((position) => [position.positionId, position]));
  const real = new Set<string>(brokers.map(({ positionId }) => positionId));
  return [
    ...ours.flatMap(({ positionId }) =>
      real.has(positionId) ? [] : [`position ${positionId}: open in our book, gone at the broker`],
    ),
    ...brokers.flatMap((position) => comparePosition(known.get(position.positionId), position)),
  ];
}

function comparePosition(ours: OwnPosition | undefined, broker: BrokersPosition): readonly string[] {
  if (ours === undefined) return [`position ${broker.positionId}: open at the broker, unknown to our book`];
  return positionFields
    .filter((field) => ours[field] !== broker[field])
    .map(
      (field) =>
        `position ${broker.positionId}: ${field} is ${String(ours[field])}, the broker says ${String(broker[field])}`,
    );
}
