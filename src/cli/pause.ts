import type { Command } from 'commander';
import type { FoundTrade } from '../db/find.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { withBelay, type Belay } from './connection.ts';
import { failureOf, usage } from './failure.ts';
import {
  keyOf,
  patienceOf,
  withJson,
  withKey,
  withWait,
  type JsonOption,
  type KeyOption,
  type WaitOptions,
} from './options.ts';
import { accountNamed, tradeNamed } from './references.ts';
import { ask, type WishBody } from './steer.ts';
import { printJson, type Terminal } from './terminal.ts';
import { stateText, tradeJson } from './trade-view.ts';
import { shortId } from './answer.ts';

interface PauseOptions extends JsonOption, KeyOption, WaitOptions {
  readonly account?: string;
  readonly all?: boolean;
  readonly reason?: string;
}

type Verb = 'pause' | 'resume';

export function pauseCommand(parent: Command, terminal: Terminal): void {
  const command = parent.command('pause').option('--reason <text>', 'why, for the record');
  whichTrades(command, terminal, 'pause').description(
    'Stops the automation of trades and keeps their protection: targets and breakeven wait, the stop stays at the broker',
  );
}

export function resumeCommand(parent: Command, terminal: Terminal): void {
  whichTrades(parent.command('resume'), terminal, 'resume').description('Lets the automation of trades go on');
}

function whichTrades(command: Command, terminal: Terminal, verb: Verb): Command {
  command
    .argument('[trade...]', 'their ids, or the beginnings of them')
    .option('--account <name>', 'every live trade of this account, name or number')
    .option('--all', 'every live trade');
  return withJson(withWait(withKey(command))).action((ids: readonly string[], options: PauseOptions) =>
    steerAll(terminal, verb, ids, options),
  );
}

async function steerAll(terminal: Terminal, verb: Verb, ids: readonly string[], options: PauseOptions): Promise<void> {
  const key = keyOf(options);
  checkChoice(verb, ids, options);
  await withBelay(async (belay) => {
    const trades = await chosen(belay, ids, options);
    const asked = trades.map(async (trade) => ({
      trade,
      view: await ask(belay, trade, { verb, key, wish: wishOf(verb, options) }, patienceOf(options)),
    }));
    const ends = await Promise.allSettled(asked);
    const done = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined)
      throw failureOf(failed.reason).with({ idempotencyKey: key, done: done.map(({ trade }) => trade.tradeId) });
    print(terminal, { key, verb }, done, options);
  });
}

/** @throws CliFailure (usage) unless trades, an account or all are named, and only one of these */
function checkChoice(verb: Verb, ids: readonly string[], { account, all }: PauseOptions): void {
  const ways = [ids.length > 0, account !== undefined, all === true].filter(Boolean).length;
  if (ways === 1) return;
  const value = ways === 0 ? 'nothing' : 'more than one of them';
  throw usage({ field: verb, value, rule: 'name trades, or an account, or --all', fix: `for example ${verb} --all` });
}

async function chosen(belay: Belay, ids: readonly string[], { account }: PauseOptions): Promise<readonly FoundTrade[]> {
  if (ids.length > 0) return Promise.all(ids.map((id) => tradeNamed(belay, id)));
  const accounts = account === undefined ? belay.accounts : [accountNamed(belay.accounts, account)];
  const live = await Promise.all(accounts.map(({ id }) => belay.records.liveTrades(id)));
  return Promise.all(live.flat().map(({ tradeId }) => tradeNamed(belay, tradeId)));
}

function wishOf(verb: Verb, { reason }: PauseOptions): WishBody {
  return verb === 'pause' ? { kind: 'pause', reason: reason ?? 'asked at the command line' } : { kind: 'resume' };
}

interface Steered {
  readonly trade: FoundTrade;
  readonly view: TradeView;
}

function print(
  terminal: Terminal,
  { key, verb }: { readonly key: string; readonly verb: Verb },
  done: readonly Steered[],
  { json }: JsonOption,
): void {
  if (json === true) {
    return printJson(terminal, {
      result: 'CONFIRMED',
      idempotencyKey: key,
      trades: done.map(({ trade, view }) => tradeJson(trade, view)),
    });
  }
  terminal.talk(`✔ ${verb}d ${done.length} ${done.length === 1 ? 'trade' : 'trades'}, idempotency key ${key}`);
  for (const { trade, view } of done)
    terminal.out(
      `${shortId(trade.tradeId)}  ${view.symbol} ${view.side} on ${trade.accountName}  ${stateText(terminal, view)}`,
    );
}
