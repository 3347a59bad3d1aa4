/** Shell completions, made from the table of commands. Pure. */
import { type Command, commonOptions, isOptional, type Option } from '../../src/cli/command.ts';

const program = 'protect-network';

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

/** By its name and the others that people try. */
function spellingsOf({ name, aliases = [] }: Command): readonly string[] {
  return [name, ...aliases];
}

function takesFile({ value }: Option): boolean {
  return value === 'PATH';
}

/** Where a link or the name of a zone may stand. */
function takesZone(word: string | undefined): boolean {
  return /\b(LINK|ZONE)\b/.test(word ?? '');
}

/** What stands for an option's value, other than a file's name or a zone. */
function wordsFor({ values = [], words = [] }: Option): readonly string[] {
  return [...values, ...words];
}

/** What prints the zones that there are, each a plain word: `src/cli/complete.ts`. */
const listZones = `${program} complete zones 2>/dev/null`;

function namesOf([name, { short }]: [string, Option]): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

/** bash-completion's function, loaded when the command is first completed. */
export function bashCompletion(commands: readonly Command[]): string {
  const options = (names: readonly string[]) => names.map((name) => `--${name}`);
  const cases = commands.map(
    (command) =>
      `    ${spellingsOf(command)
        .map((name) => `'${name}'*`)
        .join('|')}) words='${options(optionsOf(command).map(([name]) => name)).join(' ')}' ;;`,
  );
  const groups = groupsOf(commands).map(
    ([word, group]) => `    '${word}') words='${group.map(secondWord).join(' ')}' ;;`,
  );
  const first = [...firstWords(commands).map(([word]) => word), ...options([...Object.keys(commonOptions), 'version'])];
  const ofZones = commands.filter(({ positionals }) => takesZone(positionals?.[0])).flatMap(spellingsOf);
  return `# bash completion for ${program}, made from its table of commands.
_protect_network() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words='' word command='' skip='' zones='' files=''
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $skip ]]; then skip=''; continue; fi
    case $word in
      ${optionsWithValue(commands).join('|')}) skip=1 ;;
      -*) ;;
      *) command=\${command:+$command }$word ;;
    esac
  done
  if [[ $skip ]]; then
    case "$command $previous" in
      *' --config'|*' --settings') files=1 ;;
${commands.flatMap(bashValues).join('\n')}
    esac
  else
    case $command in
      ${ofZones.map((name) => `'${name}'`).join('|')}) zones=1 ;;
    esac
    case $command in
    '') words='${first.join(' ')}' ;;
${[...groups, ...cases].join('\n')}
    esac
    if [[ $zones && $current != -* ]]; then words=''; fi
  fi
  mapfile -t COMPREPLY < <(compgen \${files:+-f} -W "$words" -- "$current")
  if [[ $zones ]]; then
    # Never by compgen, which expands what it is given.
    while IFS= read -r word; do
      if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
    done < <(${listZones})
  fi
}
complete -F _protect_network ${program}
`;
}

function bashValues(command: Command): string[] {
  return Object.entries(command.options ?? {}).flatMap((entry) => {
    const [, option] = entry;
    const words = wordsFor(option);
    const what = [
      ...(words.length === 0 ? [] : [`words='${words.join(' ')}'`]),
      ...(takesZone(option.value) ? ['zones=1'] : []),
      ...(takesFile(option) ? ['files=1'] : []),
    ];
    if (what.length === 0) return [];
    const places = spellingsOf(command).flatMap((spelling) => namesOf(entry).map((name) => `'${spelling}'*' ${name}'`));
    return [`      ${places.join('|')}) ${what.join('; ')} ;;`];
  });
}

/** Commands of two words, by the first. */
function groupsOf(commands: readonly Command[]): [string, Command[]][] {
  const inGroups = commands.filter(({ name }) => name.includes(' '));
  return [...Map.groupBy(inGroups, ({ name }) => name.split(' ', 1)[0] ?? name)];
}

/** Both spellings, of any command. */
function optionsWithValue(commands: readonly Command[]): string[] {
  const all = commands.flatMap(optionsOf).filter(([, { value }]) => value !== undefined);
  return [...new Set(all.flatMap(namesOf))];
}

export function zshCompletion(commands: readonly Command[]): string {
  const describe = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([word, text]) => `'${word}:${zshText(text)}'`).join(' ');
  const groups = groupsOf(commands);
  const cases = commands.map((command) => {
    const specs = optionsOf(command).map(([name, option]) => zshOption(name, option));
    return `  ${spellingsOf(command)
      .map((name) => `'${name}'`)
      .join('|')}) _arguments ${[...specs, ...(command.positionals ?? []).map(zshPositional)].join(' ')} ;;`;
  });
  return `#compdef ${program}
# zsh completion for ${program}, made from its table of commands.
(( $+functions[_protect_network_zones] )) || _protect_network_zones() {
  local -a zones=(\${(f)"$(_call_program zones '${listZones}')"})
  compadd "$@" -a zones
}
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
  const action = takesZone(word) ? '_protect_network_zones' : '';
  return isOptional(word) ? `'::${word.slice(1, -1)}:${action}'` : `':${word}:${action}'`;
}

function zshOption(name: string, option: Option): string {
  const { value, help, short, repeats } = option;
  const what = value === undefined ? '' : `:${zshText(value)}:${zshAction(option)}`;
  const text = `[${zshText(help)}]${what}'`;
  const many = repeats === true ? '*' : '';
  return short === undefined ? `'${many}--${name}${text}` : `'(-${short} --${name})'{-${short},--${name}}'${text}`;
}

function zshAction(option: Option): string {
  if (takesFile(option)) return '_files';
  const words = wordsFor(option);
  if (!takesZone(option.value)) return words.length === 0 ? '' : `(${words.join(' ')})`;
  return words.length === 0 ? '_protect_network_zones' : `{compadd ${words.join(' ')}; _protect_network_zones}`;
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

function fishCommand(command: Command): string[] {
  const { name, summary, options = {}, positionals = [] } = command;
  const [first, second] = name.split(' ');
  const seen = `__fish_seen_subcommand_from ${first}`;
  const seconds = spellingsOf(command).map((spelling) => spelling.split(' ')[1]);
  const condition = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${seconds.join(' ')}`;
  const place = second === undefined ? 2 : 3;
  const zones = takesZone(positionals[0])
    ? [fishLine(`${condition}; and __fish_is_nth_token ${place}`, fishZones, 'zone')]
    : [];
  return [
    ...(second === undefined ? [] : [fishLine(`${seen}; and __fish_is_nth_token 2`, `-a ${second}`, summary)]),
    ...zones,
    ...Object.entries(options).map(([option, what]) => fishOption(condition, option, what)),
  ];
}

function fishOption(condition: string, name: string, option: Option): string {
  const { value, help, short } = option;
  const letter = short === undefined ? '' : ` -s ${short}`;
  const argument = takesFile(option) ? ' -rF' : ` -x${fishValues(option)}`;
  return fishLine(condition, `-l ${name}${letter}${value === undefined ? '' : argument}`, help);
}

function fishValues(option: Option): string {
  const words = [...wordsFor(option), ...(takesZone(option.value) ? [`(${listZones})`] : [])];
  return words.length === 0 ? '' : ` -a '${words.join(' ')}'`;
}

const fishZones = `-a '(${listZones})'`;

function fishLine(condition: string, what: string, description: string): string {
  const text = description.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `complete -c ${program} -n '${condition}' ${what} -d '${text}'`;
}
