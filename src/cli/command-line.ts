/** Which command a command line means. Pure. */
import { ProtectNetworkError } from '../model/errors.ts';
import { nearestOf } from '../model/nearest.ts';
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
 * Options may stand before the command too, and `help COMMAND` is `COMMAND --help`. Throws `usage` for a word that is no
 * command, and for a group without one of its commands unless help is asked for.
 */
export function findCommand(commands: readonly Command[], argv: readonly string[]): CommandLine {
  const start = firstWord(argv);
  const [first, second = ''] = argv.slice(start);
  if (first === undefined) return { command: undefined, words: [], rest: argv };
  if (first === 'help') return findCommand(commands, [...argv.slice(0, start), ...argv.slice(start + 1), '--help']);
  const called = (name: string) => (command: Command) => command.name === name || command.aliases?.includes(name);
  const command = commands.find(called(first)) ?? commands.find(called(`${first} ${second}`));
  if (command !== undefined) {
    const words = command.name.split(' ');
    return { command, words, rest: [...argv.slice(0, start), ...argv.slice(start + words.length)] };
  }
  const shown = commands.filter(({ isHidden }) => isHidden !== true);
  const group = shown.filter(({ name }) => name.startsWith(`${first} `));
  const rest = [...argv.slice(0, start), ...argv.slice(start + 1)];
  if (group.length > 0 && asksForHelp(rest)) return { command: undefined, words: [first], rest };
  throw new ProtectNetworkError('usage', group.length > 0 ? whyNotInGroup(first, second, group) : whyNot(first, shown));
}

export function asksForHelp(rest: readonly string[]): boolean {
  return rest.includes('--help') || rest.includes('-h');
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
  if (second === '' || second.startsWith('-')) return noCommand(first, undefined, group);
  return noCommand(`${first} ${second}`, nearestOf(`${first} ${second}`, spellings(group)), group);
}

function whyNot(word: string, commands: readonly Command[]): string {
  // `ls` and `rm` of whoever has the group's name not at hand.
  const inGroups = spellings(commands).filter((name) => name.endsWith(` ${word}`));
  if (inGroups.length > 0) return noCommand(word, inGroups.join("' or '"), commands);
  const firsts = [...new Set(spellings(commands).map((name) => name.replace(/ .*/, '')))];
  return noCommand(word, nearestOf(word, ['help', ...firsts]), commands);
}

function noCommand(asked: string, meant: string | undefined, commands: readonly Command[]): string {
  if (meant !== undefined) return `unknown command '${asked}'; did you mean '${meant}'?`;
  const [first = ''] = asked.split(' ');
  const isGroup = commands.every(({ name }) => name.startsWith(`${first} `));
  const names = commands.map(({ name }) => (isGroup ? `'${name}'` : name.replace(/ .*/, '')));
  return `unknown command '${asked}'; expected one of ${[...new Set(names)].join(', ')}`;
}

function spellings(commands: readonly Command[]): string[] {
  return commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
}
