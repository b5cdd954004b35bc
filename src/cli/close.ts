import { Option, type Command } from 'commander';
import { money, compare } from '../domain/decimal.ts';
import { withBelay } from './connection.ts';
import { belay as belayCommand, deniedBy, usage } from './failure.ts';
import { part } from './notation.ts';
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
import { ask, type WishBody } from './steer.ts';
import { printSteered } from './steered.ts';
import type { Terminal } from './terminal.ts';

type Part = ReturnType<ReturnType<typeof part>>;
type Common = JsonOption & KeyOption & WaitOptions;

interface CloseOptions extends Common {
  readonly part?: Part;
  readonly emergency?: boolean;
}

export function closeCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('close')
    .description('Closes a trade or part of it; an entry order that still waits is cancelled')
    .argument('<trade>', 'its id, or the beginning of it')
    .addOption(
      new Option('--part <size>', 'only so much: 50% of what remains, or lots')
        .argParser(part('--part'))
        .conflicts('emergency'),
    )
    .option('--emergency', 'at once, also while another command of the trade is unsettled');
  withJson(withWait(withKey(command))).action((text: string, options: CloseOptions) =>
    steer(terminal, { text, verb: 'close' }, options, (by) => closeWish(options, by)),
  );
}

export function breakevenCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('be')
    .description('Moves the stop to breakeven now; it never loosens a stop')
    .argument('<trade>', 'its id, or the beginning of it');
  withJson(withWait(withKey(command))).action((text: string, options: Common) =>
    steer(terminal, { text, verb: 'be' }, options, () => ({ kind: 'breakeven' })),
  );
}

const whole = money('100');

/** What a close asks for. @throws CliFailure (denied) for more than all */
export function closeWish(
  { part: size, emergency = false }: Pick<CloseOptions, 'part' | 'emergency'>,
  by: string,
): WishBody {
  if (size !== undefined && emergency)
    throw usage({
      field: '--part',
      value: 'with --emergency',
      rule: 'an emergency closes everything',
      fix: 'leave one out',
    });
  if (size === undefined) return { kind: 'close', emergency, reason: reasonOf(emergency, by) };
  if ('percentOfRemaining' in size && compare(money(size.percentOfRemaining), whole) > 0) {
    const denial = {
      code: 'shares-above-100',
      field: 'part',
      value: `${size.percentOfRemaining} %`,
      rule: 'no more can be closed than remains',
      fix: 'close at most 100 %',
    };
    throw deniedBy(denial, `${belayCommand} close --help`);
  }
  return { kind: 'close-part', size };
}

const reasonOf = (emergency: boolean, by: string) =>
  emergency
    ? { reason: 'EMERGENCY', subreason: 'OPERATOR', text: `${by} closed it in an emergency` }
    : { reason: 'MANUAL', subreason: 'FULL', text: `${by} closed it` };

interface Said {
  readonly text: string;
  readonly verb: string;
}

async function steer(
  terminal: Terminal,
  { text, verb }: Said,
  options: Common,
  wishOf: (by: string) => WishBody,
): Promise<void> {
  const key = keyOf(options);
  await withBelay(async (belay) => {
    const wish = wishOf(belay.by);
    const trade = await tradeNamed(belay, text);
    const view = await ask(belay, trade, { verb, key, wish }, patienceOf(options));
    printSteered(terminal, { trade, view, key }, options);
  });
}
