/** Help as text, at most 80 columns wide. Pure. */
import { type Command, commonOptions, type Option } from './command.ts';

const program = 'protect-network';

/** What they mean whatever the command. */
export const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'the command line is wrong'],
  ['75', 'the daemon does not answer; try again'],
  ['77', 'not permitted; most commands need root'],
  ['78', 'a configuration file is wrong'],
];

/** All commands, or those of a group such as `zone`. */
export function overview(commands: readonly Command[], group?: string): string {
  const shown = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  const list = aligned(shown.map((command) => [command.name, command.summary]));
  const usage = `Usage: ${program} ${group === undefined ? '' : `${group} `}COMMAND [OPTIONS]`;
  if (group !== undefined) return `${usage}\n\n${list}\n\n${more(`${group} COMMAND`)}\n`;
  return `${usage}

Connects Xen zones on this host to the network: routes, proxy ARP and NDP,
forwarding, masquerade and protection against spoofed addresses.

Commands:
${list}

Options of every command:
${optionList(commonOptions)}
  ${'--version'.padEnd(optionWidth(commonOptions))}  print the version and exit

Exit codes:
${aligned(exitCodes)}

${more('COMMAND')}
`;
}

export function commandHelp(command: Command): string {
  const own = command.options ?? {};
  const words = [program, command.name, ...(command.positionals ?? []), '[OPTIONS]'];
  const sections = [
    `Usage: ${words.join(' ')}`,
    command.description,
    `Options:\n${optionList({ ...own, ...commonOptions })}`,
    `Exit codes:\n${aligned(command.exitCodes.map(([code, meaning]) => [String(code), meaning]))}`,
    `Examples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function more(what: string): string {
  return `'${program} ${what} --help' describes each of them.`;
}

function optionList(options: Readonly<Record<string, Option>>): string {
  return aligned(Object.entries(options).map(([name, option]) => [optionUsage(name, option), option.help]));
}

function optionWidth(options: Readonly<Record<string, Option>>): number {
  return Math.max(...Object.entries(options).map(([name, option]) => optionUsage(name, option).length));
}

function optionUsage(name: string, { value, short }: Option): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} ${value}`;
}

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
