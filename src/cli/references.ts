import { commandsBeginning, tradesBeginning, type FoundCommand, type FoundTrade } from '../db/find.ts';
import type { AccountRecord } from '../trading/records.ts';
import type { Book } from './connection.ts';
import { belay, deniedBy } from './failure.ts';

/** What people call things by: an account's name or number, the beginning of an id. */

/** @throws CliFailure (denied) when no trade, or more than one, has an id that begins so */
export async function tradeNamed({ records }: Pick<Book, 'records'>, text: string): Promise<FoundTrade> {
  const found = await tradesBeginning(records.pool, text.toLowerCase());
  return onlyOne(found, { what: 'trade', text, ids: found.map(({ tradeId }) => tradeId), next: `${belay} ps --all` });
}

/** @throws CliFailure (denied) when no command, or more than one, has an id that begins so */
export async function commandNamed({ records }: Pick<Book, 'records'>, text: string): Promise<FoundCommand> {
  const found = await commandsBeginning(records.pool, text.toLowerCase());
  return onlyOne(found, { what: 'command', text, ids: found.map(({ commandId }) => commandId), next: `${belay} ps` });
}

interface Asked {
  readonly what: string;
  readonly text: string;
  readonly ids: readonly string[];
  readonly next: string;
}

function onlyOne<Found>(found: readonly Found[], { what, text, ids, next }: Asked): Found {
  const [first] = found;
  if (first === undefined) {
    throw deniedBy(
      {
        code: `unknown-${what}`,
        field: what,
        value: text,
        rule: `no ${what} has an id that begins so`,
        fix: `see which there are`,
      },
      next,
    );
  }
  if (found.length === 1) return first;
  const rule = `it is the beginning of ${ids.join(', ')}`;
  throw deniedBy({ code: 'ambiguous-id', field: what, value: text, rule, fix: 'type more of it' }, next);
}

/** The account of that number or name, in any case; `null` text means the one to use when nobody says. @throws CliFailure (denied) */
export function accountNamed(accounts: readonly AccountRecord[], text: string | null): AccountRecord {
  const found =
    text === null ? defaultAccount(accounts) : accounts.find(({ id, name }) => id === text || sameName(name, text));
  if (found !== undefined) return found;
  const rule =
    accounts.length === 0
      ? 'there is no account yet'
      : `the account must exist; there are ${accounts.map(({ name }) => name).join(', ')}`;
  throw deniedBy(
    {
      code: 'unknown-account',
      field: 'account',
      value: text ?? 'none given',
      rule,
      fix: 'name one of them with --account',
    },
    `${belay} account ls`,
  );
}

const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();

/** The only hedging account, else the simulator's. */
function defaultAccount(accounts: readonly AccountRecord[]): AccountRecord | undefined {
  const hedging = accounts.filter(({ marginMode }) => marginMode === 'HEDGING');
  return hedging.length === 1 ? hedging[0] : accounts.find(({ name }) => name === 'SIM-HEDGE');
}
