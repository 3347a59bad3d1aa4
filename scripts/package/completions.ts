/** Shell completions, made from the table of commands. Pure. */
import { type Command, commonOptions, isOptional, type Option } from '../../src/cli/command.ts';

const program = 'protect-network';
/** Options whose value is a file's name. */
const fileOptions = new Set(['config', 'settings']);

/** The first word of each command, once, with what to say about it. */
function firstWords(commands: readonly Command[]): [string, string][] {
  return [...Map.groupBy(commands, ({ name }) => name.split(' ', 1)[0] ?? name)].map(([word, group]) => {
    const [only] = group;
    const summary = group.length === 1 && only !== undefined ? only.summary : group.map(secondWord).join(', ');
    return [word, summary];
  });
}

function secondWord({ name }: Command): string {
  return name.split(' ')[1] ?? '';
}

function optionsOf(command: Command): [string, Option][] {
  return Object.entries({ ...command.options, ...commonOptions });
}

/** bash-completion's function, loaded when the command is first completed. */
export function bashCompletion(commands: readonly Command[]): string {
  const options = (names: readonly string[]) => names.map((name) => `--${name}`);
  const pattern = (names: readonly string[]) => options(names).join('|');
  const cases = commands.map(
    (command) => `    '${command.name}'*) words='${options(optionsOf(command).map(([name]) => name)).join(' ')}' ;;`,
  );
  const groups = groupsOf(commands).map(
    ([word, group]) => `    '${word}') words='${group.map(secondWord).join(' ')}' ;;`,
  );
  const first = [...firstWords(commands).map(([word]) => word), ...options([...Object.keys(commonOptions), 'version'])];
  return `# bash completion for ${program}, made from its table of commands.
_protect_network() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words='' word command='' skip=''
  COMPREPLY=()
  case $previous in
    ${pattern([...fileOptions])}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${pattern(valueOptions(commands))}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $skip ]]; then skip=''; continue; fi
    case $word in
      ${pattern([...fileOptions, ...valueOptions(commands)])}) skip=1 ;;
      -*) ;;
      *) command=\${command:+$command }$word ;;
    esac
  done
  case $command in
    '') words='${first.join(' ')}' ;;
${[...groups, ...cases].join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _protect_network ${program}
`;
}

/** Commands of two words, by the first. */
function groupsOf(commands: readonly Command[]): [string, Command[]][] {
  const inGroups = commands.filter(({ name }) => name.includes(' '));
  return [...Map.groupBy(inGroups, ({ name }) => name.split(' ', 1)[0] ?? name)];
}

function valueOptions(commands: readonly Command[]): string[] {
  const all = commands.flatMap(optionsOf).filter(([name, { value }]) => value !== undefined && !fileOptions.has(name));
  return [...new Set(all.map(([name]) => name))];
}

export function zshCompletion(commands: readonly Command[]): string {
  const describe = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([word, text]) => `'${word}:${zshText(text)}'`).join(' ');
  const groups = groupsOf(commands);
  const cases = commands.map((command) => {
    const specs = optionsOf(command).map(([name, option]) => zshOption(name, option));
    return `  '${command.name}') _arguments ${[...specs, ...(command.positionals ?? []).map(zshPositional)].join(' ')} ;;`;
  });
  return `#compdef ${program}
# zsh completion for ${program}, made from its table of commands.
local command=$words[2] count=1
case $command in
${groups.map(([word]) => `  ${word}) command="$words[2] $words[3]" count=2 ;;`).join('\n')}
esac
if (( CURRENT == 2 )); then
  local -a first=(${describe(firstWords(commands))})
  _describe command first
  return
fi
${groups
  .map(
    ([word, group]) => `if (( CURRENT == 3 )) && [[ $words[2] == ${word} ]]; then
  local -a second=(${describe(group.map((command) => [secondWord(command), command.summary]))})
  _describe command second
  return
fi`,
  )
  .join('\n')}
shift $count words
(( CURRENT -= count ))
case $command in
${cases.join('\n')}
esac
`;
}

function zshPositional(word: string): string {
  return isOptional(word) ? `'::${word.slice(1, -1)}:'` : `':${word}:'`;
}

function zshOption(name: string, { value, help }: Option): string {
  const what = value === undefined ? '' : `:${value}:${fileOptions.has(name) ? '_files' : ''}`;
  return `'--${name}[${zshText(help)}]${what}'`;
}

function zshText(text: string): string {
  return text.replaceAll("'", '’').replaceAll(/[[\]:]/g, '\\$&');
}

export function fishCompletion(commands: readonly Command[]): string {
  const lines = [
    ...firstWords(commands).map(([word, text]) => fishLine('__fish_is_nth_token 1', `-a ${word}`, text)),
    ...commands.flatMap(fishCommand),
    ...Object.entries(commonOptions).map(([name, option]) => fishOption('true', name, option)),
  ];
  return `# fish completion for ${program}, made from its table of commands.\ncomplete -c ${program} -f\n${lines.join('\n')}\n`;
}

function fishCommand({ name, summary, options = {} }: Command): string[] {
  const [first, second] = name.split(' ');
  const seen = `__fish_seen_subcommand_from ${first}`;
  const condition = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`;
  return [
    ...(second === undefined ? [] : [fishLine(`${seen}; and __fish_is_nth_token 2`, `-a ${second}`, summary)]),
    ...Object.entries(options).map(([option, what]) => fishOption(condition, option, what)),
  ];
}

function fishOption(condition: string, name: string, { value, help }: Option): string {
  const argument = fileOptions.has(name) ? ' -rF' : ' -x';
  return fishLine(condition, `-l ${name}${value === undefined ? '' : argument}`, help);
}

function fishLine(condition: string, what: string, description: string): string {
  const text = description.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `complete -c ${program} -n '${condition}' ${what} -d '${text}'`;
}
