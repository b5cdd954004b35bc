import type { Exchange } from './book.ts';

/**
 * Conversion of profit and margin into the account's currency.
 *
 * Rule: amounts go through US dollars. A currency is worth the middle (half of bid + ask) of its newest quote against the dollar
 * in this market: EURUSD, GBPUSD, and the inverse of USDJPY and USDCNH. Before the first such quote, and for currencies never
 * quoted, the fixed table below stands in. Results are rounded once, to hundredths, ties away from zero; every currency is
 * kept in hundredths here, the yen too.
 */
export interface Rate {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const crosses: Readonly<
  Record<string, { readonly symbol: string; readonly scale: bigint; readonly inverse: boolean }>
> = {
  EUR: { symbol: 'EURUSD', scale: 100_000n, inverse: false },
  GBP: { symbol: 'GBPUSD', scale: 100_000n, inverse: false },
  JPY: { symbol: 'USDJPY', scale: 1_000n, inverse: true },
  CNH: { symbol: 'USDCNH', scale: 100_000n, inverse: true },
};

const fixedRates: Readonly<Record<string, Rate>> = {
  USD: { numerator: 1n, denominator: 1n },
  EUR: { numerator: 11n, denominator: 10n },
  GBP: { numerator: 127n, denominator: 100n },
  JPY: { numerator: 1n, denominator: 150n },
  CHF: { numerator: 113n, denominator: 100n },
  CNH: { numerator: 10n, denominator: 72n },
};

/** Currencies an account may be kept in. */
export const accountCurrencies: readonly string[] = Object.keys(fixedRates);

/**
 * `numerator / denominator` hundredths of `from`, in hundredths of `to`.
 *
 * @throws Error when a currency is neither quoted nor in the table
 */
export function convert(exchange: Exchange, amount: Rate, from: string, to: string): number {
  if (from === to) return nearest(amount.numerator, amount.denominator);
  const out = dollarsPer(exchange, from);
  const into = dollarsPer(exchange, to);
  return nearest(
    amount.numerator * out.numerator * into.denominator,
    amount.denominator * out.denominator * into.numerator,
  );
}

function dollarsPer(exchange: Exchange, currency: string): Rate {
  const cross = crosses[currency];
  const tick = cross === undefined ? undefined : exchange.ticks.get(cross.symbol);
  if (cross !== undefined && tick !== undefined) {
    const middle = BigInt(tick.bid + tick.ask);
    const whole = 2n * cross.scale;
    return cross.inverse ? { numerator: whole, denominator: middle } : { numerator: middle, denominator: whole };
  }
  const fixed = fixedRates[currency];
  if (fixed === undefined) throw new Error(`no rate for currency "${currency}"`);
  return fixed;
}

/** Whole number next to `numerator / denominator` (positive), ties away from zero. */
export function nearest(numerator: bigint, denominator: bigint): number {
  const half = numerator < 0n ? -denominator : denominator;
  return Number((2n * numerator + half) / (2n * denominator));
}
