import { lots, price, type Lots, type Price } from '../../domain/decimal.ts';
import { InvariantViolated } from '../../domain/outcome.ts';
import { weekdays, type WeeklySession } from './sessions.ts';

/** What the simulated broker lists: the facts of one symbol. Distances in points (10^-digits), money per lot in cents. */
export interface Listing {
  readonly symbol: string;
  readonly digits: number;
  readonly tickSize: Price;
  readonly pipSize: Price;
  /** Units of the base per lot, a whole number. */
  readonly contractSize: number;
  readonly volumeMin: Lots;
  readonly volumeMax: Lots;
  readonly volumeStep: Lots;
  readonly stopsLevelPoints: number;
  readonly freezeLevelPoints: number;
  readonly baseCurrency: string;
  readonly profitCurrency: string;
  /** `base`: margin is the contract in the base currency; `price`: its value in the profit currency. */
  readonly marginBy: 'base' | 'price';
  /** Hundredths of a point per lot and night; negative is paid by the holder. */
  readonly swapLong: number;
  readonly swapShort: number;
  /** Weekday (0 = Sunday) whose rollover counts three nights, for the weekend to come. */
  readonly swapTripleWeekday: number;
  /** Cents of the account's currency per lot, charged on each deal. */
  readonly commissionPerLot: number;
  readonly tradeMode: 'FULL' | 'CLOSE_ONLY' | 'DISABLED';
  readonly session: WeeklySession;
}

const currencyPair = {
  digits: 5,
  tickSize: price('0.00001'),
  pipSize: price('0.0001'),
  contractSize: 100_000,
  volumeMin: lots('0.01'),
  volumeMax: lots('100'),
  volumeStep: lots('0.01'),
  stopsLevelPoints: 10,
  freezeLevelPoints: 0,
  profitCurrency: 'USD',
  marginBy: 'base',
  swapTripleWeekday: 3,
  commissionPerLot: 350,
  tradeMode: 'FULL',
  session: weekdays({ opens: { day: 0, hour: 21 }, closes: { day: 5, hour: 21 } }),
} as const;

const table: readonly Listing[] = [
  { ...currencyPair, symbol: 'EURUSD', baseCurrency: 'EUR', swapLong: -690, swapShort: 240 },
  { ...currencyPair, symbol: 'GBPUSD', baseCurrency: 'GBP', stopsLevelPoints: 15, swapLong: -310, swapShort: -180 },
  {
    ...currencyPair,
    symbol: 'USDJPY',
    digits: 3,
    tickSize: price('0.001'),
    pipSize: price('0.01'),
    baseCurrency: 'USD',
    profitCurrency: 'JPY',
    swapLong: 880,
    swapShort: -1870,
  },
  {
    ...currencyPair,
    symbol: 'XAUUSD',
    digits: 3,
    tickSize: price('0.001'),
    pipSize: price('0.1'),
    contractSize: 100,
    volumeMax: lots('50'),
    stopsLevelPoints: 100,
    freezeLevelPoints: 50,
    baseCurrency: 'XAU',
    marginBy: 'price',
    swapLong: -40_000,
    swapShort: 15_000,
    commissionPerLot: 500,
  },
  {
    ...currencyPair,
    symbol: 'US500',
    digits: 1,
    tickSize: price('0.1'),
    pipSize: price('1'),
    contractSize: 10,
    volumeMin: lots('0.1'),
    volumeMax: lots('250'),
    volumeStep: lots('0.1'),
    stopsLevelPoints: 5,
    freezeLevelPoints: 2,
    baseCurrency: 'USD',
    marginBy: 'price',
    swapLong: -1250,
    swapShort: 320,
    swapTripleWeekday: 5,
    commissionPerLot: 0,
    session: weekdays({
      opens: { day: 0, hour: 22 },
      closes: { day: 5, hour: 21 },
      pause: { fromHour: 21, toHour: 22 },
    }),
  },
  // Suspended for new business, as some brokers did in 2022: what "close only" looks like.
  {
    ...currencyPair,
    symbol: 'USDCNH',
    baseCurrency: 'USD',
    profitCurrency: 'CNH',
    tradeMode: 'CLOSE_ONLY',
    swapLong: -500,
    swapShort: -900,
  },
];

export const listings: ReadonlyMap<string, Listing> = new Map(table.map((listing) => [listing.symbol, listing]));

/** `null` when the broker does not list the symbol; names are exact. */
export function listingOf(symbol: string): Listing | null {
  return listings.get(symbol) ?? null;
}

/** The listing of a symbol that is already traded. */
export function listed(symbol: string): Listing {
  const listing = listingOf(symbol);
  if (listing === null) throw new InvariantViolated(`traded symbol "${symbol}" is not listed`);
  return listing;
}

/** Cents charged for one deal: zero or negative, a broken cent goes to the broker. */
export function commissionOf(listing: Pick<Listing, 'commissionPerLot'>, units: number): number {
  return 0 - Math.ceil((listing.commissionPerLot * units) / 100);
}
