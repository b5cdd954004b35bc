import { Argument, Option, type Command } from 'commander';
import type { Lots, Price } from '../domain/decimal.ts';
import type { Side } from '../domain/facts.ts';
import { openStep } from '../domain/ids.ts';
import type { BreakevenRule, EntryRule, LatePolicy, LevelRule } from '../domain/trade/request.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { commandIdOf, tradeIdOf } from '../identity.ts';
import type { OpenOrder } from '../steering/trades.ts';
import { failureOfReply, failureOfWaiting, finalView, keyReused, shortId, type About } from './answer.ts';
import { withBelay, type Belay } from './connection.ts';
import { belay as belayCommand, deniedBy, usage } from './failure.ts';
import {
  instant,
  latePolicy,
  level,
  offset,
  priceLevel,
  side,
  symbol,
  target,
  targetNumber,
  volume,
  type TypedTarget,
} from './notation.ts';
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
import { printPreview } from './preview.ts';
import { replyOfRow } from './past.ts';
import { accountNamed } from './references.ts';
import { printJson, type Terminal } from './terminal.ts';
import { tradeJson, tradeText } from './trade-view.ts';

interface OpenOptions extends JsonOption, KeyOption, WaitOptions {
  /** Needed; checked by us, because the parser would name it before a misspelt option. */
  readonly sl?: LevelRule;
  readonly tp?: readonly TypedTarget[];
  readonly brokerTp?: LevelRule;
  readonly be: boolean;
  readonly beAfter?: number;
  readonly beOffset?: BreakevenRule['offset'];
  readonly limit?: Price;
  readonly stop?: Price;
  readonly expires?: number;
  readonly late: LatePolicy;
  readonly account?: string;
  readonly dryRun?: boolean;
}

type LevelOptions = Pick<OpenOptions, 'sl' | 'tp' | 'brokerTp' | 'late' | 'be' | 'beAfter' | 'beOffset'>;
type What = readonly [symbol: string, side: Side, volume: Lots];

export function openCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('open')
    .summary('open a trade, with a ladder of targets')
    .description('Opens a trade and looks after it: EURUSD buy 0.6 --sl 20p --tp 10p:50% --tp 20p:30% --tp 40p')
    .addArgument(new Argument('<symbol>', 'as the broker lists it').argParser(symbol('symbol')))
    .addArgument(new Argument('<side>', 'buy or sell').argParser(side('side')))
    .addArgument(new Argument('<volume>', 'in lots').argParser(volume('volume')))
    .addOption(new Option('--sl <level>', 'stop loss: 1.083, 20p pips, 200pt points').argParser(level('--sl')))
    .addOption(
      new Option(
        '--tp <level:share>',
        'a target: 10p:50%, or r multiples of the risk; nearest first, the last takes the rest',
      ).argParser(collectTarget),
    )
    .addOption(
      new Option('--broker-tp <level>', 'take profit of the whole position that rests at the broker').argParser(
        level('--broker-tp'),
      ),
    )
    .addOption(
      new Option('--be-after <target>', 'breakeven after this target (default: 1)').argParser(
        targetNumber('--be-after'),
      ),
    )
    .addOption(
      new Option('--be-offset <distance>', 'breakeven on the profit side of the entry (default: 10pt)').argParser(
        offset('--be-offset'),
      ),
    )
    .addOption(new Option('--no-be', 'leave the stop where it is'))
    .addOption(
      new Option('--limit <price>', 'enter by a limit order').argParser(priceLevel('--limit')).conflicts('stop'),
    )
    .addOption(new Option('--stop <price>', 'enter by a stop order').argParser(priceLevel('--stop')))
    .addOption(
      new Option('--expires <time>', 'when the limit or stop order ends, ISO 8601').argParser(instant('--expires')),
    )
    .addOption(
      new Option('--late <policy>', 'a target crossed while nobody was there: act-if-beyond, act, skip, ask')
        .argParser(latePolicy('--late'))
        .default('act-if-beyond'),
    )
    .option('--account <name>', 'name or number (default: the only hedging account, else SIM-HEDGE)')
    .option('--dry-run', 'say what it would come to, in money; send nothing');
  withJson(withWait(withKey(command))).action((...args: [...What, OpenOptions]) => open(terminal, args));
}

const collectTarget = (text: string, before: readonly TypedTarget[] = []) => [...before, target('--tp')(text)];

async function open(terminal: Terminal, [what, buyOrSell, lots, options]: [...What, OpenOptions]): Promise<void> {
  const key = keyOf(options);
  const asked = { symbol: what, side: buyOrSell, volume: lots, entry: entryOf(options), ...levelsOf(options) };
  await withBelay(async (belay) => {
    const account = accountNamed(belay.accounts, options.account ?? null);
    const order: OpenOrder = { accountId: account.id, ...asked, requestedBy: belay.by };
    if (options.dryRun === true) return printPreview(terminal, belay, order, options);
    const tradeId = tradeIdOf(account.id, key);
    terminal.talk(`trade ${shortId(tradeId)} on ${account.name}, idempotency key ${key}`);
    const view = await opened(belay, order, { key, platform: account.platform, options });
    const named = { tradeId, accountName: account.name };
    if (options.json === true)
      printJson(terminal, { result: 'CONFIRMED', idempotencyKey: key, trade: tradeJson(named, view) });
    else terminal.out(tradeText(terminal, named, view));
  });
}

/** The levels of a request, as typed. */
export function levelsOf({
  sl,
  tp = [],
  brokerTp,
  late,
  ...breakeven
}: LevelOptions): Pick<OpenOrder, 'stopLoss' | 'takeProfit' | 'targets' | 'breakeven'> {
  if (sl === undefined)
    throw usage({
      field: '--sl',
      value: 'missing',
      rule: 'every trade has a stop loss that rests at the broker',
      fix: 'add one, for example --sl 20p',
    });
  const targets = tp.map((typed) => ({ ...typed, late }));
  return { stopLoss: sl, takeProfit: brokerTp ?? null, targets, breakeven: breakevenOf(breakeven, targets.length) };
}

/** After the first target unless said otherwise; a trade without targets has nothing to move it. */
function breakevenOf(
  { be, beAfter, beOffset }: Pick<OpenOptions, 'be' | 'beAfter' | 'beOffset'>,
  targets: number,
): BreakevenRule | null {
  const asked = beAfter !== undefined || beOffset !== undefined;
  if (!be && asked)
    throw usage({
      field: '--no-be',
      value: 'with --be-after or --be-offset',
      rule: 'breakeven is moved or left, not both',
      fix: 'leave one out',
    });
  if (!be || (targets === 0 && !asked)) return null;
  return { afterLevel: beAfter ?? 1, offset: beOffset ?? { points: '10' } };
}

function entryOf({ limit, stop, expires }: Pick<OpenOptions, 'limit' | 'stop' | 'expires'>): EntryRule {
  const expiresAt = expires ?? null;
  if (limit !== undefined) return { type: 'LIMIT', price: limit, expiresAt };
  if (stop !== undefined) return { type: 'STOP', price: stop, expiresAt };
  if (expires === undefined) return { type: 'MARKET' };
  throw usage({
    field: '--expires',
    value: new Date(expires).toISOString(),
    rule: 'only a limit or stop order expires',
    fix: 'add --limit or --stop',
  });
}

interface Opening {
  readonly key: string;
  readonly platform: string;
  readonly options: WaitOptions;
}

/** The opened trade. @throws CliFailure for every other end */
async function opened(belay: Belay, order: OpenOrder, { key, platform, options }: Opening): Promise<TradeView> {
  const { timeoutMs, untilFinal } = patienceOf(options);
  const until = belay.clock.monotonic() + timeoutMs;
  const { tradeId, requestHash, answer } = await belay.steering.openTrade(order, {
    idempotencyKey: key,
    platform,
    waitMs: timeoutMs,
  });
  const about: About = { accountId: order.accountId, tradeId, verb: 'open' };
  const facts = { tradeId, idempotencyKey: key };
  if (answer.kind === 'waiting') throw (await failureOfWaiting(belay, about, timeoutMs)).with(facts);
  if (answer.kind === 'another-body') throw keyReused(about, key).with(facts);
  if (answer.kind === 'gone') return overAlready(belay, about, { key, requestHash });
  const failure = failureOfReply(answer.value.reply, about);
  if (failure !== null) throw failure.with(facts);
  const view = (await belay.records.trade(tradeId)) ?? answer.value.view;
  if (view === null) throw tradeMissing(about);
  return untilFinal ? finalView(belay, view, about, until) : view;
}

/** The key's trade has ended: the same request is answered from the book, another one is refused. */
async function overAlready(
  { records }: Belay,
  about: About,
  { key, requestHash }: { readonly key: string; readonly requestHash: string },
): Promise<TradeView> {
  const facts = { tradeId: about.tradeId, idempotencyKey: key };
  const view = await records.trade(about.tradeId);
  if (view === null) throw refusedBefore(key).with(facts);
  if (view.requestHash !== requestHash) throw keyReused(about, key).with(facts);
  const row = await records.command(commandIdOf(about.tradeId, openStep));
  const failure = row === null ? null : failureOfReply(replyOfRow(row), about);
  if (failure !== null) throw failure.with(facts);
  return view;
}

function refusedBefore(key: string) {
  const rule = 'a request under this key was refused before';
  return deniedBy(
    { code: 'idempotency-key-reused', field: 'idempotencyKey', value: key, rule, fix: 'use another key' },
    `${belayCommand} open --help`,
  );
}

const tradeMissing = ({ tradeId }: About) => new Error(`trade ${tradeId} was opened and is not in the book`);
