import type { AccountRecord } from '../src/trading/records.ts';
import { sealCredentials, type Parts } from './compose.ts';

const accounts = [
  { name: 'SIM-HEDGE', marginMode: 'HEDGING', currency: 'EUR' },
  { name: 'SIM-NET', marginMode: 'NETTING', currency: 'USD' },
] as const;

/** The simulator's two accounts in this order, so that their numbers are always the same; added if absent, verified if new, moved if the simulator came up on another port. */
export async function addSimulatedAccounts(parts: Parts, endpoint: string): Promise<readonly AccountRecord[]> {
  const added: AccountRecord[] = [];
  for (const account of accounts) added.push(await present(parts, account, endpoint));
  return added;
}

async function present(
  { records, trading, keys, config }: Parts,
  account: (typeof accounts)[number],
  endpoint: string,
): Promise<AccountRecord> {
  const known = (await records.accounts()).find(({ name }) => name === account.name);
  const added =
    known ??
    (await records.addAccount({
      ...account,
      platform: 'sim',
      endpoint,
      login: account.name,
      executionMode: config.executionMode,
      sealedCredentials: sealCredentials(keys, account.name, { password: 'sim' }),
      bounds: {},
    }));
  const here = added.endpoint === endpoint ? added : await records.moveAccount(added.id, endpoint, 'start');
  return here.status === 'UNVERIFIED' ? trading.verifyAccount(here.id, 'start') : here;
}
