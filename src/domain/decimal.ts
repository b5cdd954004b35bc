import { Big } from 'big.js';

declare const unit: unique symbol;

/** A finite decimal as canonical text ("0.10" is kept as "0.1"), tagged with its unit. Plain JSON, compared by {@link compare}. */
export type DecimalIn<Unit extends string> = string & { readonly [unit]: Unit };

/** Trade volume in lots, never negative; the side says which way. */
export type Lots = DecimalIn<'lots'>;

/** A price in the instrument's profit currency per unit of its base, never negative. */
export type Price = DecimalIn<'price'>;

/** An amount of money; the currency travels beside it. May be negative. */
export type Money = DecimalIn<'money'>;

type AnyDecimal = DecimalIn<string>;

/** Way to round when a value falls between two steps. */
export type Rounding = 'down' | 'up' | 'nearest';

const bigRounding = { down: Big.roundDown, up: Big.roundUp, nearest: Big.roundHalfEven } as const;

/** @throws Error when `text` is not a finite decimal, RangeError when it is negative */
export function lots(text: string): Lots {
  return notNegative('lots', text) as Lots;
}

/** @throws Error when `text` is not a finite decimal, RangeError when it is negative */
export function price(text: string): Price {
  return notNegative('price', text) as Price;
}

/** @throws Error when `text` is not a finite decimal */
export function money(text: string): Money {
  return canonical(new Big(text)) as Money;
}

export const ZERO_LOTS = '0' as Lots;

export function add<D extends AnyDecimal>(left: D, right: D): D {
  return canonical(new Big(left).plus(right)) as D;
}

/** `left - right`; may be negative even for units that are not, so compare first where that matters. */
export function subtract<D extends AnyDecimal>(left: D, right: D): D {
  return canonical(new Big(left).minus(right)) as D;
}

/** `value × factor`, exact. */
export function times<D extends AnyDecimal>(value: D, factor: string | number): D {
  return canonical(new Big(value).times(factor)) as D;
}

/** -1, 0 or 1, as in sorting. */
export function compare<D extends AnyDecimal>(left: D, right: D): -1 | 0 | 1 {
  return new Big(left).cmp(right);
}

export function isZero(value: AnyDecimal): boolean {
  return new Big(value).eq(0);
}

export function smaller<D extends AnyDecimal>(left: D, right: D): D {
  return compare(left, right) <= 0 ? left : right;
}

export function larger<D extends AnyDecimal>(left: D, right: D): D {
  return compare(left, right) >= 0 ? left : right;
}

export function sum<D extends AnyDecimal>(values: readonly D[], zero: D): D {
  return values.reduce((total, value) => add(total, value), zero);
}

/** The multiple of `step` next to `value` in the direction asked for. */
export function roundToStep<D extends AnyDecimal>(value: D, step: D, rounding: Rounding): D {
  return canonical(new Big(value).div(step).round(0, bigRounding[rounding]).times(step)) as D;
}

export function isOnStep<D extends AnyDecimal>(value: D, step: D): boolean {
  return compare(roundToStep(value, step, 'nearest'), value) === 0;
}

/**
 * A price as whole points (`price × 10^digits`), for the trigger index and for distances.
 *
 * @throws RangeError when it does not fall on a point or does not fit a 32-bit integer
 */
export function toPoints(value: Price, digits: number): number {
  const points = new Big(value).times(new Big(10).pow(digits));
  if (!points.eq(points.round(0))) throw new RangeError(`price "${value}" has more than ${digits} digits`);
  const asNumber = points.toNumber();
  if (asNumber > 2_147_483_647) throw new RangeError(`price "${value}" with ${digits} digits does not fit 32 bits`);
  return asNumber;
}

/** The price that stands `points` points above zero. */
export function fromPoints(points: number, digits: number): Price {
  return canonical(new Big(points).div(new Big(10).pow(digits))) as Price;
}

function notNegative(name: string, text: string): string {
  const value = new Big(text);
  if (value.lt(0)) throw new RangeError(`${name} must be >= 0, was "${text}"`);
  return canonical(value);
}

function canonical(value: Big): string {
  return value.eq(0) ? '0' : value.toFixed();
}
