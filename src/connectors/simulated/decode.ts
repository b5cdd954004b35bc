import { lots, money, price, type Lots, type Money, type Price } from '../../domain/decimal.ts';
import type { UtcMs } from '../../domain/facts.ts';

/** The broker's answer cannot be what it claims to be. Names the field and the value found. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';

  static field(field: string, rule: string, value: unknown): Undecodable {
    return new Undecodable(`${field} must be ${rule}, was ${JSON.stringify(String(value).slice(0, 80))}`);
  }
}

// Bounded on purpose: an exponent or a megabyte of digits from a peer would be expanded in full.
const decimalText = /^-?\d{1,20}(\.\d{1,20})?$/;

export function lotsIn(field: string, text: string): Lots {
  return lots(notNegative(field, text));
}

export function positiveLotsIn(field: string, text: string): Lots {
  return lots(positive(field, text));
}

export function priceIn(field: string, text: string): Price {
  return price(notNegative(field, text));
}

export function positivePriceIn(field: string, text: string): Price {
  return price(positive(field, text));
}

/** `null` when the broker sent no level. */
export function levelIn(field: string, text: string | undefined): Price | null {
  return text === undefined ? null : positivePriceIn(field, text);
}

export function moneyIn(field: string, text: string): Money {
  return money(decimal(field, text));
}

/** A plain decimal that is kept as text: a swap rate, a contract size. */
export function decimalIn(field: string, text: string): string {
  return money(decimal(field, text));
}

export function timeIn(field: string, value: number): UtcMs {
  if (!Number.isSafeInteger(value) || value < 0) throw Undecodable.field(field, 'whole UTC milliseconds', value);
  return value;
}

export function sequenceIn(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw Undecodable.field(field, 'a whole number from 0', value);
  return value;
}

/** Non-empty text of a sane length: ids, symbols, currencies. */
export function textIn(field: string, value: string): string {
  if (value === '' || value.length > 64) throw Undecodable.field(field, '1 to 64 characters', value);
  return value;
}

/** The wire carries no tag as an absent field, some brokers as 0. */
export function tagIn(value: number | undefined): number | null {
  return value === undefined || value === 0 ? null : value;
}

/** A state value that decides something: unknown ones fail loudly instead of degrading. */
export function stateIn<Value>(
  field: string,
  table: Readonly<Record<number | string, Value>>,
  key: number | string,
): Value {
  const value = Object.hasOwn(table, key) ? table[key] : undefined;
  if (value === undefined) throw Undecodable.field(field, `one of ${Object.keys(table).join(', ')}`, key);
  return value;
}

export function presentIn<Value>(field: string, value: Value | undefined): Value {
  if (value === undefined) throw Undecodable.field(field, 'present', value);
  return value;
}

function decimal(field: string, text: string): string {
  if (!decimalText.test(text)) throw Undecodable.field(field, 'a plain decimal', text);
  return text;
}

function notNegative(field: string, text: string): string {
  if (decimal(field, text).startsWith('-')) throw Undecodable.field(field, 'zero or more', text);
  return text;
}

function positive(field: string, text: string): string {
  if (!/[1-9]/.test(notNegative(field, text))) throw Undecodable.field(field, 'more than zero', text);
  return text;
}
