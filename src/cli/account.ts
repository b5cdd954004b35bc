import { Argument, Option, type Command } from 'commander';
import { accountsOverview, type AccountOverview } from '../db/queries.ts';
import type { AccountRecord, ExecutionMode, TradingState } from '../trading/records.ts';
import { withBelay, withBook, type Book } from './connection.ts';
import { belay as belayCommand, CliFailure } from './failure.ts';
import { duration, oneOf } from './notation.ts';
import { withJson, type JsonOption } from './options.ts';
import { accountNamed } from './references.ts';
import { iso, table, time } from './table.ts';
import { printJson, type Terminal } from './terminal.ts';

export function accountCommand(parent: Command, terminal: Terminal): void {
  const noun = parent.command('account').description('Accounts at brokers: what they hold, whether they may trade');
  withJson(noun.command('ls').description('All accounts with their last figures')).action((options: JsonOption) =>
    list(terminal, options),
  );
  withJson(named(noun.command('show').description('One account'))).action((text: string, options: JsonOption) =>
    show(terminal, text, options),
  );
  const test = named(
    noun
      .command('test')
      .description('Logs in at the broker and tells what it says; an unverified account may trade afterwards'),
  );
  test.addOption(
    new Option('--timeout <time>', 'longest wait').argParser(duration('--timeout')).default(10_000, '10s'),
  );
  withJson(test).action((text: string, options: TestOptions) => verify(terminal, text, options));
  const mode = named(
    noun
      .command('mode')
      .description(
        'off: no opens, automation waits, closes pass · shadow: checked and written down, never sent · live',
      ),
  );
  mode.addArgument(
    new Argument('<mode>', 'off, shadow or live').argParser(oneOf<ExecutionMode>(['off', 'shadow', 'live'])('mode')),
  );
  withJson(mode).action((text: string, executionMode: ExecutionMode, options: JsonOption) =>
    change(terminal, text, { executionMode }, options),
  );
  const state = named(
    noun.command('state').description('ACTIVE · REDUCING: no new risk · HALTED: only an emergency close passes'),
  );
  state.addArgument(
    new Argument('<state>', 'ACTIVE, REDUCING or HALTED').argParser(
      oneOf<TradingState>(['ACTIVE', 'REDUCING', 'HALTED'])('state'),
    ),
  );
  withJson(state).action((text: string, tradingState: TradingState, options: JsonOption) =>
    change(terminal, text, { tradingState }, options),
  );
}

const named = (command: Command) => command.argument('<account>', 'name or number');

interface TestOptions extends JsonOption {
  readonly timeout: number;
}

async function list(terminal: Terminal, { json }: JsonOption): Promise<void> {
  const all = await withBook(({ records }) => accountsOverview(records.pool));
  if (json === true) return printJson(terminal, { accounts: all.map(accountJson) });
  if (all.length === 0) return terminal.talk('no accounts');
  const columns = [
    ['NO', 'right'],
    ['NAME'],
    ['PLATFORM'],
    ['STATUS'],
    ['MODE'],
    ['STATE'],
    ['BALANCE', 'right'],
    ['EQUITY', 'right'],
    [''],
    ['OPEN', 'right'],
    ['UNSETTLED', 'right'],
    ['AS OF (UTC)'],
  ] as const;
  const rows = all.map((one) => [
    one.accountId,
    one.name,
    one.platform,
    one.status,
    one.executionMode,
    one.tradingState,
    one.balance,
    one.equity,
    one.currency,
    one.openTrades,
    one.unsettledCommands,
    time(one.asOf),
  ]);
  terminal.out(table(columns, rows));
}

const accountJson = ({ asOf, ...account }: AccountOverview): object => ({ ...account, asOf: iso(asOf) });

async function show(terminal: Terminal, text: string, options: JsonOption): Promise<void> {
  print(terminal, await withBook((book) => overviewOf(book, accountNamed(book.accounts, text))), options);
}

async function overviewOf({ records }: Pick<Book, 'records'>, { id, name }: AccountRecord): Promise<AccountOverview> {
  const found = (await accountsOverview(records.pool)).find(({ accountId }) => accountId === id);
  if (found === undefined) throw new Error(`account ${name} has no overview`);
  return found;
}

function print(terminal: Terminal, account: AccountOverview, { json }: JsonOption): void {
  if (json === true) return printJson(terminal, { account: accountJson(account) });
  const lines = Object.entries(accountJson(account)).map(
    ([key, value]) => `${key.padEnd(18)}${value === null ? '–' : String(value)}`,
  );
  terminal.out(lines.join('\n'));
}

async function verify(terminal: Terminal, text: string, { timeout, json }: TestOptions): Promise<void> {
  await withBelay(async (belay) => {
    const { id: accountId, name } = accountNamed(belay.accounts, text);
    const { lookOnce } = await import('./look.ts');
    const check = await lookOnce(belay, 'verifyAccount', { accountId, by: belay.by }, timeout);
    if (check.kind === 'refused') {
      const detail = {
        code: 'account-refused',
        field: 'account',
        value: name,
        rule: check.because,
        fix: 'change it at the broker',
      };
      throw new CliFailure('rejected', detail, `${belayCommand} account test ${name}`);
    }
    if (json === true)
      printJson(terminal, {
        result: 'VERIFIED',
        account: name,
        currency: check.currency,
        marginMode: check.marginMode,
      });
    else terminal.out(`✔ ${name} logged in: ${check.marginMode.toLowerCase()}, ${check.currency}, may trade`);
  });
}

type Change = Parameters<Book['records']['switchAccount']>[1];

async function change(terminal: Terminal, text: string, wanted: Change, options: JsonOption): Promise<void> {
  await withBook(async (book) => {
    const account = accountNamed(book.accounts, text);
    await book.records.switchAccount(account.id, wanted, book.by);
    print(terminal, await overviewOf(book, account), options);
  });
}
