import { accountId, type AccountId } from '../domain/ids.ts';
import type { Bounds, VerifiedAccount } from '../trading/connector.ts';
import type { AccountRecord, AccountRecords, NewAccount } from '../trading/records.ts';
import type { Pool } from './pool.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';

const columns = `id::text, name, platform, endpoint, login, status, margin_mode as "marginMode", currency, execution_mode as "executionMode",
  trading_state as "tradingState", sealed_credentials as "sealedCredentials", bounds`;

const one: Statement = { name: 'account', text: `select ${columns} from account where id = $1::bigint` };
const all: Statement = { name: 'accounts', text: `select ${columns} from account order by id` };
const byName: Statement = { name: 'account-by-name', text: `select ${columns} from account where name = $1` };
const add: Statement = {
  name: 'account-add',
  text: `insert into account (name, platform, endpoint, login, margin_mode, currency, execution_mode, sealed_credentials, bounds)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) do nothing`,
};
const verify: Statement = {
  name: 'account-verify',
  text: `update account set status = case status when 'UNVERIFIED' then 'ACTIVE' else status end, currency = $2, margin_mode = $3,
    version = version + 1 where id = $1::bigint`,
};
const move: Statement = {
  name: 'account-move',
  text: 'update account set endpoint = $2, version = version + 1 where id = $1::bigint and endpoint <> $2',
};
const setSwitches: Statement = {
  name: 'account-switch',
  text: `update account set execution_mode = $2, trading_state = $3, version = version + 1
    where id = $1::bigint and (execution_mode, trading_state) is distinct from ($2, $3)`,
};
/** One audit row and one event for a change of the account itself, which no state trigger sees. */
const note: Statement = {
  name: 'account-note',
  text: `with audit as (insert into audit_log (chain_id, actor, action, body) values ($1::bigint, $2, $3, $4))
    insert into event_log (account_id, type, body) values ($1::bigint, $3, $4)`,
};

type AccountRow = AccountRecord & Record<string, unknown>;

/** Another account stands under this name already. */
export class AccountNameTaken extends Error {
  override readonly name = 'AccountNameTaken';

  static by({ name, endpoint, login }: AccountRecord, asked: NewAccount): AccountNameTaken {
    return new AccountNameTaken(
      `account name "${name}": belongs to ${login} at ${endpoint}, not to ${asked.login} at ${asked.endpoint}`,
    );
  }
}

export function accountRecords(pool: Pool): AccountRecords {
  return {
    account: (id) => readAccount(pool, id),
    accounts: async () => (await pool.query<AccountRow>({ ...all, values: [] })).rows.map(record),
    addAccount: (account) => addAccount(pool, account),
    accountVerified: (id, verified, actor) =>
      changeAccount(pool, { id, actor }, (tx) => markVerified(tx, id, verified, actor)),
    moveAccount: (id, endpoint, actor) =>
      changeAccount(pool, { id, actor }, async (tx) => {
        if ((await tx.run(move, [id, endpoint])) > 0)
          await writeNote(tx, { id, actor, action: 'account.moved' }, { endpoint });
      }),
    switchAccount: (id, change, actor) =>
      changeAccount(pool, { id, actor }, async (tx, before) => {
        const { executionMode = before.executionMode, tradingState = before.tradingState } = change;
        const changed = await tx.run(setSwitches, [id, executionMode, tradingState]);
        if (changed > 0)
          await writeNote(tx, { id, actor, action: 'account.switched' }, { executionMode, tradingState });
      }),
  };
}

/** Ids come from outside as text: what is no number names no account. */
const isNumber = (id: string) => /^\d{1,18}$/.test(id);

async function readAccount(pool: Pool, id: AccountId): Promise<AccountRecord | null> {
  if (!isNumber(id)) return null;
  const { rows } = await pool.query<AccountRow>({ ...one, values: [id] });
  return rows[0] === undefined ? null : record(rows[0]);
}

async function addAccount(pool: Pool, account: NewAccount): Promise<AccountRecord> {
  const { name, platform, endpoint, login, marginMode, currency, executionMode, sealedCredentials, bounds } = account;
  const values = [
    name,
    platform,
    endpoint,
    login,
    marginMode,
    currency,
    executionMode,
    sealedCredentials,
    JSON.stringify(bounds),
  ];
  await pool.query({ ...add, values });
  const { rows } = await pool.query<AccountRow>({ ...byName, values: [name] });
  const found = record(rows[0] as AccountRow);
  if (found.platform !== platform || found.endpoint !== endpoint || found.login !== login)
    throw AccountNameTaken.by(found, account);
  return found;
}

async function changeAccount(
  pool: Pool,
  { id, actor }: { readonly id: AccountId; readonly actor: string },
  change: (tx: Transaction, before: AccountRecord) => Promise<void>,
): Promise<AccountRecord> {
  return inTransaction(pool, { locked: { account: id }, actor }, async (tx) => {
    await change(tx, await accountIn(tx, id));
    return accountIn(tx, id);
  });
}

/** @throws Error when there is no such account */
export async function accountIn(tx: Transaction, id: AccountId): Promise<AccountRecord> {
  const [row] = await tx.rows<AccountRow>(one, [id]);
  if (row === undefined) throw new Error(`account "${id}" is not in the book`);
  return record(row);
}

async function markVerified(tx: Transaction, id: AccountId, verified: VerifiedAccount, actor: string): Promise<void> {
  await tx.run(verify, [id, verified.currency, verified.marginMode]);
  const { login, currency, marginMode, tradeRefusal } = verified;
  await writeNote(tx, { id, actor, action: 'account.verified' }, { login, currency, marginMode, tradeRefusal });
}

async function writeNote(
  tx: Transaction,
  { id, actor, action }: { readonly id: AccountId; readonly actor: string; readonly action: string },
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  await tx.run(note, [id, actor, action, JSON.stringify(body)]);
}

function record(row: AccountRow): AccountRecord {
  return { ...row, id: accountId(row.id), bounds: row.bounds as Partial<Bounds> };
}
