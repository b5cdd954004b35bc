import { Command, CommanderError } from 'commander';
import { accountCommand } from './account.ts';
import { breakevenCommand, closeCommand } from './close.ts';
import { editCommand } from './edit.ts';
import { belay, exitCodes, failureOf, usage, type CliFailure } from './failure.ts';
import { openCommand } from './open.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { psCommand } from './ps.ts';
import { replayCommand } from './replay.ts';
import { resolveCommand } from './resolve.ts';
import { showCommand } from './show.ts';
import { printFailure, type Terminal } from './terminal.ts';

const exitCodeHelp = `
Exit codes: 0 done · 1 our fault · 2 usage · 3 denied by our rules, nothing sent · 4 rejected by the broker
            5 outcome unknown, do not repeat blindly · 6 not reachable · 7 timed out, the command lives on`;

/** Runs one command line and answers its exit code. `argv` are the words after the program's name. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = createProgram(terminal, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    // The one edge where a command's failure becomes words and a code.
    const json = argv.includes('--json');
    const help = helpShown(error, argv);
    if (help !== null && !json) return help;
    const failure = error instanceof CommanderError ? notUnderstood(error) : failureOf(error);
    const told = failure.kind === 'usage' ? failure.leadingTo(helpOf(program, argv)) : failure;
    return printFailure(terminal, told, json);
  }
}

function createProgram(terminal: Terminal, ended: (code: number) => void): Command {
  const program = new Command('belay')
    .description('Opens trades and looks after them')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.talk(text.trimEnd()),
      outputError: () => undefined,
    })
    .addHelpText('after', exitCodeHelp);
  openCommand(program, terminal);
  psCommand(program, terminal);
  showCommand(program, terminal);
  editCommand(program, terminal);
  closeCommand(program, terminal);
  breakevenCommand(program, terminal);
  pauseCommand(program, terminal);
  resumeCommand(program, terminal);
  accountCommand(program, terminal);
  resolveCommand(program, terminal);
  replayCommand(program, ended);
  return program;
}

/** Exit code where help was all there is to say: it was asked for, or a command is missing; else `null`. */
function helpShown(error: unknown, argv: readonly string[]): number | null {
  if (!(error instanceof CommanderError)) return null;
  if (error.code === 'commander.helpDisplayed') return 0;
  if (error.code !== 'commander.help') return null;
  return argv.includes('help') ? 0 : exitCodes.usage;
}

/** The help of the command that was meant. */
function helpOf(program: Command, argv: readonly string[]): string {
  const words: string[] = [];
  let at: Command | undefined = program;
  for (const word of argv) {
    at = at.commands.find((command) => command.name() === word);
    if (at === undefined) break;
    words.push(word);
  }
  return [belay, ...words, '--help'].join(' ');
}

/** The parser's words in our three lines; its suggestion becomes the fix. */
function notUnderstood({ message, code }: CommanderError): CliFailure {
  const [said = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const [, named = 'nothing'] = /'([^']+)'/.exec(said) ?? [];
  const fix = suggestion?.replace(/^\(|\)$/g, '') ?? 'see how it is meant';
  return usage({
    code: kebab(code.replace('commander.', '')),
    field: 'command line',
    value: `"${named}"`,
    rule: said,
    fix,
  });
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
