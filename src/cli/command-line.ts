/** Which command a command line means. Pure. */
import { ProtectNetworkError } from '../model/errors.ts';
import { type Command, commonOptions } from './command.ts';

export interface CommandLine {
  /** Undefined where there is none, or where help on a group (`zone`) is asked for. */
  readonly command: Command | undefined;
  /** The words that were taken for the command's name, also where they name only a group. */
  readonly words: readonly string[];
  /** Everything else, in order. */
  readonly rest: readonly string[];
}

/**
 * Options may stand before the command too. Throws `usage` for a word that is no command, and for a group without one of
 * its commands unless `--help` is there.
 */
export function findCommand(commands: readonly Command[], argv: readonly string[]): CommandLine {
  const start = firstWord(argv);
  const [first, second = ''] = argv.slice(start);
  if (first === undefined) return { command: undefined, words: [], rest: argv };
  const command =
    commands.find(({ name }) => name === first) ?? commands.find(({ name }) => name === `${first} ${second}`);
  if (command !== undefined) {
    const words = command.name.split(' ');
    return { command, words, rest: [...argv.slice(0, start), ...argv.slice(start + words.length)] };
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  const rest = [...argv.slice(0, start), ...argv.slice(start + 1)];
  if (group.length > 0 && rest.includes('--help')) return { command: undefined, words: [first], rest };
  throw new ProtectNetworkError(
    'usage',
    group.length > 0 ? whyNotInGroup(first, second, group) : whyNot(first, commands),
  );
}

/** The place of the first argument that is neither an option nor an option's value. */
function firstWord(argv: readonly string[]): number {
  let place = 0;
  while (place < argv.length) {
    const word = argv[place] ?? '';
    if (!word.startsWith('-')) break;
    place += commonOptions[word.slice(2)]?.value === undefined ? 1 : 2;
  }
  return place;
}

function whyNotInGroup(first: string, second: string, group: readonly Command[]): string {
  const names = group.map(({ name }) => `'${name}'`).join(', ');
  const asked = second === '' || second.startsWith('-') ? first : `${first} ${second}`;
  return `'${asked}' is no command; there are ${names}`;
}

function whyNot(word: string, commands: readonly Command[]): string {
  const names = [...new Set(commands.map(({ name }) => name.split(' ')[0]))].join(', ');
  return `'${word}' is no command; there are ${names}`;
}
