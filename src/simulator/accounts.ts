import { status } from '@grpc/grpc-js';
import { Big } from 'big.js';

import { refused } from './doors/serving.ts';
import { accountCurrencies } from './exchange/conversion.ts';
import type { Venue } from './venue.ts';

export interface NewAccount {
  readonly login: string;
  readonly password: string;
  readonly currency: string;
  readonly hedging: boolean;
  /** Opening balance, a decimal of the currency. */
  readonly balance: string;
  readonly leverage: number;
}

/** Opened when a broker starts for the first time. */
export const defaultAccounts: readonly NewAccount[] = [
  { login: 'SIM-HEDGE', password: 'sim', currency: 'EUR', hedging: true, balance: '10000', leverage: 500 },
  { login: 'SIM-NET', password: 'sim', currency: 'USD', hedging: false, balance: '10000', leverage: 500 },
];

/**
 * Opens an account; `false` when the same one exists already.
 *
 * @throws Refused (ALREADY_EXISTS) when the login belongs to another kind of account, (INVALID_ARGUMENT) on impossible terms
 */
export function addAccount(venue: Venue, account: NewAccount): boolean {
  const { login, password, currency, hedging, leverage } = account;
  const known = venue.exchange.accounts.get(login);
  if (known !== undefined) {
    if (known.password === password && known.currency === currency && known.hedging === hedging) return false;
    throw refused(status.ALREADY_EXISTS, `login "${login}" has other terms`);
  }
  if (login === '') throw refused(status.INVALID_ARGUMENT, 'login is empty');
  if (!accountCurrencies.includes(currency)) {
    throw refused(status.INVALID_ARGUMENT, `currency "${currency}" is none of ${accountCurrencies.join(', ')}`);
  }
  if (!Number.isInteger(leverage) || leverage < 1) {
    throw refused(status.INVALID_ARGUMENT, `leverage ${leverage} is not a whole number above 0`);
  }
  venue.submit({ kind: 'account', login, password, currency, hedging, leverage, deposit: depositOf(account.balance) });
  return true;
}

function depositOf(text: string): number {
  try {
    const cents = new Big(text).times(100);
    if (cents.gte(0) && cents.lte(1e14) && cents.eq(cents.round(0))) return cents.toNumber();
  } catch {
    // Not a decimal at all: told like any other impossible balance.
  }
  throw refused(status.INVALID_ARGUMENT, `balance "${text}" is not an amount with two decimals`);
}
