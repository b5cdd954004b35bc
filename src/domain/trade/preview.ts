import { compare, money, subtract, times, type Lots, type Money, type Price } from '../decimal.ts';
import { entryPrice, type Quote } from '../facts.ts';
import type { Instrument } from '../instrument.ts';
import { closesRest, targetLots, targetPrice } from '../ladder.ts';
import type { Denial } from '../outcome.ts';
import type { TradeRequest } from './request.ts';

/** What a request would do if it were sent now. Amounts in `currency`, the instrument's profit currency, without costs. */
export interface TradePlan {
  readonly kind: 'plan';
  readonly bid: Price;
  readonly ask: Price;
  readonly entry: Price;
  readonly stopLoss: Price;
  readonly takeProfit: Price | null;
  readonly currency: string;
  /** Lost when everything goes at the stop; positive. */
  readonly risk: Money;
  readonly targets: readonly PlannedTarget[];
  readonly limits: Pick<Instrument, 'volumeMin' | 'volumeMax' | 'volumeStep' | 'stopsLevelPoints'>;
}

export interface PlannedTarget {
  readonly level: number;
  readonly price: Price;
  readonly lots: Lots;
  readonly profit: Money;
}

export type TradePreview = TradePlan | { readonly kind: 'denied'; readonly denial: Denial };

/** The levels of a checked request as prices, lots and money. */
export function planOf(
  request: TradeRequest,
  levels: { readonly stopLoss: Price; readonly takeProfit: Price | null; readonly closeBps: readonly number[] },
  instrument: Instrument,
  quote: Quote,
): TradePlan {
  const entry = request.entry.type === 'MARKET' ? entryPrice(request.side, quote) : request.entry.price;
  const { stopLoss, takeProfit } = levels;
  const { bid, ask } = quote;
  const { volumeMin, volumeMax, volumeStep, stopsLevelPoints } = instrument;
  return {
    kind: 'plan',
    bid,
    ask,
    entry,
    stopLoss,
    takeProfit,
    currency: instrument.profitCurrency,
    risk: worth(entry, stopLoss, request.volume, instrument),
    targets: plannedTargets(request, { entry, stopLoss, closeBps: levels.closeBps }, instrument),
    limits: { volumeMin, volumeMax, volumeStep, stopsLevelPoints },
  };
}

function plannedTargets(
  { targets, side, volume }: TradeRequest,
  {
    entry,
    stopLoss,
    closeBps,
  }: { readonly entry: Price; readonly stopLoss: Price; readonly closeBps: readonly number[] },
  instrument: Instrument,
): readonly PlannedTarget[] {
  const planned: PlannedTarget[] = [];
  let remaining = volume;
  for (const [index, { at }] of targets.entries()) {
    const size = targetLots(
      { original: volume, remaining, bps: closeBps[index] ?? 0, closesRest: closesRest(closeBps, index) },
      instrument,
    );
    if (size.kind === 'skip') continue;
    const price = targetPrice(at, entry, stopLoss, side, instrument);
    planned.push({ level: index + 1, price, lots: size.lots, profit: worth(entry, price, size.lots, instrument) });
    remaining = subtract(remaining, size.lots);
  }
  return planned;
}

/** Money between two prices for a volume, positive. */
function worth(from: Price, to: Price, volume: Lots, { contractSize }: Pick<Instrument, 'contractSize'>): Money {
  const distance = compare(from, to) >= 0 ? subtract(from, to) : subtract(to, from);
  return money(times(times(distance, contractSize), volume));
}
