import { Command, CommanderError } from 'commander';
import { accountCommand } from './account.ts';
import { breakevenCommand, closeCommand } from './close.ts';
import { editCommand } from './edit.ts';
import { failureOf, usage, type CliFailure } from './failure.ts';
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
    if (isHelp(error, argv)) return 0;
    const failure = error instanceof CommanderError ? notUnderstood(error, argv) : failureOf(error);
    return printFailure(terminal, failure, argv.includes('--json'));
  }
}

function createProgram(terminal: Terminal, ended: (code: number) => void): Command {
  const program = new Command('belay')
    .description('Opens trades and looks after them')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.talk(text.trimEnd()), outputError: () => undefined })
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

/** Help that was asked for is data; help in place of a command is a usage failure. */
function isHelp(error: unknown, argv: readonly string[]): boolean {
  if (!(error instanceof CommanderError)) return false;
  return error.code === 'commander.helpDisplayed' || (error.code === 'commander.help' && argv[0] === 'help');
}

/** The parser's words in our three lines; its suggestion becomes the fix. */
function notUnderstood({ message, code }: CommanderError, argv: readonly string[]): CliFailure {
  const [said = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const [, named = argv[0] ?? 'none'] = /'([^']+)'/.exec(said) ?? [];
  const command = argv.slice(0, 1).filter((word) => !word.startsWith('-'));
  const known = code !== 'commander.unknownCommand';
  const fix = suggestion?.replace(/^\(|\?\)$/g, '') ?? 'see how it is meant';
  return usage({ code: code.replace('commander.', ''), field: 'command line', value: `"${named}"`, rule: said, fix }, known ? command.join(' ') : '');
}

