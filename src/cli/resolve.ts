import { Argument, Option, type Command } from 'commander';
import type { FoundCommand } from '../db/find.ts';
import type { CommandDecision } from '../trading/records.ts';
import { failureOfWaiting, tradeOver, type About } from './answer.ts';
import { withBelay } from './connection.ts';
import { belay as belayCommand, deniedBy, usage, type CliFailure } from './failure.ts';
import { oneOf } from './notation.ts';
import { patienceOf, withJson, withWait, type JsonOption, type WaitOptions } from './options.ts';
import { commandNamed, tradeNamed } from './references.ts';
import { printJson, type Terminal } from './terminal.ts';
import { tradeJson, tradeText } from './trade-view.ts';

type Verdict = CommandDecision['verdict'];

interface ResolveOptions extends JsonOption, WaitOptions {
  readonly evidence?: string;
}

export function resolveCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('resolve')
    .description('Your verdict on a command whose outcome evidence could not decide')
    .argument('<command>', 'its id, or the beginning of it; `show` tells it')
    .addArgument(
      new Argument('<verdict>', 'executed or not-executed').argParser(
        oneOf<Verdict>(['executed', 'not-executed'])('verdict'),
      ),
    )
    .addOption(new Option('--evidence <text>', 'what you saw at the broker, for the record').argParser(evidenceText));
  withJson(withWait(command)).action((text: string, verdict: Verdict, options: ResolveOptions) =>
    resolve(terminal, text, verdict, options),
  );
}

function evidenceText(text = ''): string {
  if (text.trim() !== '') return text.trim();
  throw usage({
    field: '--evidence',
    value: 'empty',
    rule: 'say what you saw at the broker',
    fix: '--evidence "deal 4711 in the terminal"',
  });
}

async function resolve(terminal: Terminal, text: string, verdict: Verdict, options: ResolveOptions): Promise<void> {
  const evidence = evidenceText(options.evidence);
  await withBelay(async (belay) => {
    const command = await commandNamed(belay, text);
    if (command.state !== 'UNKNOWN' && command.state !== 'REVIEW') throw decidedAlready(command);
    const { commandId, accountId, tradeId } = command;
    const about: About = { accountId, tradeId, verb: 'resolve' };
    const { timeoutMs } = patienceOf(options);
    const answer = await belay.steering.decideCommand(
      accountId,
      tradeId,
      { commandId, by: belay.by, verdict, evidence },
      timeoutMs,
    );
    if (answer.kind === 'waiting') throw await failureOfWaiting(belay, about, timeoutMs);
    if (answer.kind !== 'answered') throw tradeOver(about, 'over');
    const named = await tradeNamed(belay, tradeId);
    if (options.json === true)
      printJson(terminal, { result: 'DECIDED', commandId, verdict, trade: tradeJson(named, answer.value) });
    else terminal.out(tradeText(terminal, named, answer.value));
  });
}

function decidedAlready({ commandId, state, tradeId }: FoundCommand): CliFailure {
  const detail = {
    code: 'command-not-open',
    field: 'command',
    value: commandId,
    rule: `it is ${state}; a person decides only what is UNKNOWN or in REVIEW`,
    fix: 'see what became of it',
  };
  return deniedBy(detail, `${belayCommand} show ${tradeId.slice(0, 8)}`);
}
