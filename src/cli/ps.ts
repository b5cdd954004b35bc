import { Option, type Command } from 'commander';
import { add } from '../domain/decimal.ts';
import type { TradeState } from '../domain/trade/view.ts';
import { listTrades, type ListedTrade, type TradePage } from '../db/queries.ts';
import { withBook } from './connection.ts';
import { usage } from './failure.ts';
import { symbol } from './notation.ts';
import { withJson, type JsonOption } from './options.ts';
import { accountNamed } from './references.ts';
import { iso } from './table.ts';
import { printJson, type Terminal } from './terminal.ts';
import { tradeJson, tradeTable } from './trade-view.ts';

interface PsOptions extends JsonOption {
  readonly account?: string;
  readonly symbol?: string;
  readonly all?: boolean;
  readonly cursor?: string;
}

const live: readonly TradeState[] = ['PENDING', 'OPENING', 'WORKING', 'OPEN', 'CLOSING', 'NEEDS_REVIEW'];

export function psCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('ps')
    .description('Trades that are not over, newest first')
    .option('--account <name>', 'only of this account, name or number')
    .addOption(new Option('--symbol <symbol>', 'only in this symbol').argParser(symbol('--symbol')))
    .option('--all', 'also those that are over')
    .addOption(new Option('--cursor <cursor>', 'the page after, as the page before told it').argParser(cursor));
  withJson(command).action((options: PsOptions) => ps(terminal, options));
}

function cursor(text: string): string {
  if (/^\d{1,17}\.[0-9a-f-]{36}$/.test(text)) return text;
  throw usage({
    field: '--cursor',
    value: `"${text}"`,
    rule: 'a cursor that ps told before',
    fix: 'leave it out for the first page',
  });
}

async function ps(terminal: Terminal, { account, symbol: only, all, cursor: after, json }: PsOptions): Promise<void> {
  const page = await withBook(async ({ records, accounts }) =>
    listTrades(records.pool, {
      ...(account === undefined ? {} : { account: accountNamed(accounts, account).id }),
      ...(only === undefined ? {} : { symbol: only }),
      ...(all === true ? {} : { states: live }),
      cursor: after ?? null,
    }),
  );
  if (json === true) printJson(terminal, { trades: page.trades.map(listedJson), cursor: page.cursor });
  else printPage(terminal, page);
}

function listedJson(trade: ListedTrade): object {
  const { profit, commission, swap, currency, createdAt, openedAt, closedAt, view } = trade;
  return {
    ...tradeJson(trade, view),
    profit,
    commission,
    swap,
    currency,
    createdAt: iso(createdAt),
    openedAt: iso(openedAt),
    closedAt: iso(closedAt),
  };
}

function printPage(terminal: Terminal, { trades, cursor: next }: TradePage): void {
  if (trades.length === 0) terminal.talk('no trades');
  else
    terminal.out(
      tradeTable(
        terminal,
        trades.map((trade) => ({ ...trade, result: resultOf(trade) })),
      ),
    );
  if (next !== null) terminal.talk(`more: --cursor ${next}`);
}

/** What the trade has brought so far, costs included. */
const resultOf = ({ profit, commission, swap, currency }: ListedTrade) =>
  `${add(add(profit, commission), swap)} ${currency}`;
