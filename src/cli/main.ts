/**
 * The program's entry: finds the command, runs it, and turns whatever it threw into words and an exit code.
 * Everything behind a command is imported by the command itself, so that `status` starts without the daemon's weight.
 */
import { ExitCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type Command, parseArguments } from './command.ts';
import { asksForHelp, findCommand } from './command-line.ts';
import { allCommands, commands } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';
import { handleClosedOutput, print, warn } from './terminal.ts';

// Not `exitCode` alone: a handle that something left open must not keep a finished command from ending.
void main(process.argv.slice(2)).then((exitCode) => process.exit(exitCode));

async function main(argv: readonly string[]): Promise<ExitCode> {
  let chosen: Command | undefined;
  try {
    const { command, words, rest } = findCommand(allCommands, argv);
    chosen = command;
    handleClosedOutput(['run', 'dns', 'capture'].includes(command?.name ?? '') ? 'carry on' : 'end');
    if (command === undefined) return await withoutCommand(words, rest);
    const args = parseArguments(command, rest);
    if (args.has('help')) {
      await print(commandHelp(command));
      return ExitCode.ok;
    }
    return await command.run(args);
  } catch (error) {
    return report(error, chosen, argv);
  }
}

async function withoutCommand(words: readonly string[], rest: readonly string[]): Promise<ExitCode> {
  if (rest.includes('--version')) {
    const { version } = await import('./version.ts');
    await print(`protect-network ${version}\n`);
    return ExitCode.ok;
  }
  if (asksForHelp(rest)) {
    await print(overview(commands, words[0]));
    return ExitCode.ok;
  }
  throw new ProtectNetworkError('usage', rest.length === 0 ? 'no command given' : `no command given with ${rest[0]}`);
}

function report(error: unknown, command: Command | undefined, argv: readonly string[]): ExitCode {
  const debug = argv.includes('--debug');
  if (!(error instanceof ProtectNetworkError)) {
    warn(`internal error: ${debug && error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`);
    return ExitCode.failed;
  }
  warn(error.message);
  if (error.code === 'usage') {
    warn(`see 'protect-network ${command === undefined ? '' : `${command.name} `}--help'`);
  }
  if (error.code === 'permission' && process.getuid?.() !== 0) warn(`run it as root: ${asRoot(argv)}`);
  if (debug && error.cause instanceof Error) warn(`caused by ${error.cause.stack ?? error.cause.message}`);
  return error.exitCode;
}

/** The same again by sudo, where a shell takes each word for what it is. */
function asRoot(argv: readonly string[]): string {
  const words = argv.every((word) => /^[\w./:@%+=,-]+$/.test(word)) ? argv : ['…'];
  return ['sudo protect-network', ...words].join(' ');
}
