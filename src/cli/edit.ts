import { Option, type Command } from 'commander';
import type { Price } from '../domain/decimal.ts';
import { stopPrice, targetPrice } from '../domain/ladder.ts';
import type { Leg } from '../domain/trade/intent.ts';
import type { LatePolicy, LevelRule } from '../domain/trade/request.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { withBelay, type Belay } from './connection.ts';
import { belay as belayCommand, deniedBy, failureOf, usage } from './failure.ts';
import { latePolicy, levelOrNone, target, targetVerdict, type TypedTarget } from './notation.ts';
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
import { tradeNamed } from './references.ts';
import { ask, type Patience, type WishBody } from './steer.ts';
import { printSteered, type Steered } from './steered.ts';
import type { Terminal } from './terminal.ts';

interface EditOptions extends JsonOption, KeyOption, WaitOptions {
  readonly sl?: LevelRule | 'none';
  readonly brokerTp?: LevelRule | 'none';
  readonly tp?: readonly TypedTarget[];
  readonly late: LatePolicy;
  readonly target?: readonly { readonly level: number; readonly verdict: 'act' | 'skip' }[];
}

export function editCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('edit')
    .description('Changes the levels of a trade; distances count from its entry')
    .argument('<trade>', 'its id, or the beginning of it')
    .addOption(
      new Option('--sl <level>', 'stop loss; also moves it away from the price').argParser(levelOrNone('--sl')),
    )
    .addOption(
      new Option('--broker-tp <level>', 'take profit that rests at the broker, or none').argParser(
        levelOrNone('--broker-tp'),
      ),
    )
    .addOption(
      new Option('--tp <level:share>', 'a new ladder in place of the targets not reached yet').argParser(collectTarget),
    )
    .addOption(
      new Option('--late <policy>', 'policy of the new targets')
        .argParser(latePolicy('--late'))
        .default('act-if-beyond'),
    )
    .addOption(
      new Option('--target <number=verdict>', 'act on or skip a late target that waits for a person').argParser(
        collectVerdict,
      ),
    );
  withJson(withWait(withKey(command))).action((text: string, options: EditOptions) => edit(terminal, text, options));
}

const collectTarget = (text: string, before: readonly TypedTarget[] = []) => [...before, target('--tp')(text)];
const collectVerdict = (text: string, before: NonNullable<EditOptions['target']> = []) => [
  ...before,
  targetVerdict('--target')(text),
];

async function edit(terminal: Terminal, text: string, options: EditOptions): Promise<void> {
  const { sl, brokerTp, tp, target: verdicts } = options;
  if ([sl, brokerTp, tp, verdicts].every((option) => option === undefined)) {
    throw usage({
      field: 'edit',
      value: 'nothing',
      rule: 'say what to change',
      fix: 'give --sl, --broker-tp, --tp or --target',
    });
  }
  const key = keyOf(options);
  await withBelay(async (belay) => {
    const trade = await tradeNamed(belay, text);
    const view = await belay.records.trade(trade.tradeId);
    if (view === null) throw new Error(`trade ${trade.tradeId} was found and has no view`);
    const latest = await askInTurn(belay, { trade, view, key }, changesOf(options, view), patienceOf(options));
    printSteered(terminal, { trade, view: latest, key }, options);
  });
}

/** One change after the other; a failure tells what was done before it. */
async function askInTurn(
  belay: Belay,
  { trade, view, key }: Steered,
  changes: readonly Change[],
  patience: Patience,
): Promise<TradeView> {
  let latest = view;
  const done: string[] = [];
  for (const { part, wish } of changes) {
    try {
      latest = await ask(belay, trade, { verb: `edit-${part}`, key, wish }, patience);
    } catch (error) {
      // What was confirmed stands, so that whoever asked need not ask for it again.
      throw failureOf(error).with({ tradeId: trade.tradeId, idempotencyKey: key, done });
    }
    done.push(part);
  }
  return latest;
}

interface Change {
  /** Tells the requests of one command apart, so that each has an id of its own. */
  readonly part: string;
  readonly wish: WishBody;
}

/** What the options ask for, protection first. @throws CliFailure (denied) for a distance that has nothing to count from */
export function changesOf(
  { sl, brokerTp, tp, late, target: verdicts = [] }: Pick<EditOptions, 'sl' | 'brokerTp' | 'tp' | 'late' | 'target'>,
  view: TradeView,
): readonly Change[] {
  const protects = sl !== undefined || brokerTp !== undefined;
  const protection: WishBody = {
    kind: 'edit-protection',
    stopLoss: legOf(sl, (rule) => stopOf(rule, view)),
    takeProfit: legOf(brokerTp, (rule) => profitOf(rule, view)),
  };
  return [
    ...(protects ? [{ part: 'levels', wish: protection }] : []),
    ...(tp === undefined
      ? []
      : [{ part: 'ladder', wish: { kind: 'edit-ladder', targets: tp.map((typed) => ({ ...typed, late })) } as const }]),
    ...verdicts.map(({ level, verdict }) => ({
      part: `target-${level}`,
      wish: { kind: 'decide-target', level, verdict } as const,
    })),
  ];
}

function legOf(asked: LevelRule | 'none' | undefined, priceOf: (rule: LevelRule) => Price): Leg {
  if (asked === undefined) return 'keep';
  return { to: asked === 'none' ? null : priceOf(asked) };
}

function stopOf(rule: LevelRule, view: TradeView): Price {
  if ('price' in rule) return rule.price;
  if ('r' in rule) {
    const denial = {
      code: 'stop-in-r',
      field: 'stopLoss',
      value: `${rule.r}r`,
      rule: 'the stop defines the risk, so it cannot be a multiple of it',
      fix: 'use a price, pips or points',
    };
    throw deniedBy(denial, `${belayCommand} edit --help`);
  }
  return stopPrice(rule, entryOf(view), view.side, view.instrument);
}

function profitOf(rule: LevelRule, view: TradeView): Price {
  if ('price' in rule) return rule.price;
  const entry = entryOf(view);
  return targetPrice(rule, entry, view.initialStop ?? entry, view.side, view.instrument);
}

function entryOf({ entryPrice, state }: TradeView): Price {
  if (entryPrice !== null) return entryPrice;
  const denial = {
    code: 'no-entry-yet',
    field: 'trade',
    value: state,
    rule: 'a distance counts from the entry, which is not known yet',
    fix: 'give a price',
  };
  throw deniedBy(denial, `${belayCommand} edit --help`);
}
