/** What stands on the command line, and the values in it. */
import { commonOptions, parseArguments } from '../../../src/cli/command.ts';
import { findCommand } from '../../../src/cli/command-line.ts';
import { commands } from '../../../src/cli/commands/index.ts';
import { commandHelp } from '../../../src/cli/help.ts';
import { parseSubnet } from '../../../src/config/subnet.ts';
import {
  addressAt,
  contains,
  families,
  familyOf,
  hostLength,
  lastAddress,
  parseAddress,
  parseAddressWithOptionalLength,
  parsePrefix,
  toBigInt,
} from '../../../src/model/address.ts';
import { domidOf, linkName, parseLinkName } from '../../../src/model/link-name.ts';
import { mutateText } from '../mutate-text.ts';
import { outcomeOf, promised, type Target } from '../target.ts';

const names = [
  ...new Set([commonOptions, ...commands.map(({ options }) => options ?? {})].flatMap((each) => Object.keys(each))),
];

/** Arguments are the input's lines. Nothing is run: only what a command is given is looked at. */
export function commandLine(): Target {
  const words = [
    ...commands.flatMap(({ name }) => name.split(' ')),
    ...names.map((name) => `--${name}`),
    '--',
    '-',
    '-c',
    '=',
  ];
  return {
    name: 'command-line',
    seeds: [
      ...commands.flatMap(({ examples, name }) => [...examples.map(argumentsOf), `${name.replace(' ', '\n')}\n--help`]),
    ],
    mutate: mutateText(words, 8 * 1024),
    feed: (input) => {
      const argv = input.toString('utf8').split('\n');
      const { command, words: found, rest } = findCommand(commands, argv);
      if (command === undefined) return outcomeOf(`group ${found.join(' ')}`, rest);
      const args = parseArguments(command, rest);
      const values = names.map((name) => [args.text(name), args.has(name)]);
      if (args.has('help')) return outcomeOf(`help ${command.name}`, commandHelp(command));
      return outcomeOf(`${command.name} ${values.filter(([value]) => value !== undefined).length}`, [
        args.positionals,
        values,
      ]);
    },
  };
}

/** Every text that is taken for an address, prefix or link name is spelled in one way only, and means what it says. */
export function addresses(): Target {
  return {
    name: 'addresses',
    seeds: [
      '10.75.0.3',
      '10.75.0.0/16',
      'fdd4:1476:6c7e::3',
      'fdd4:1476:6c7e::/48',
      '::ffff:1.2.3.4',
      'vif1339.2',
      '::/0',
    ],
    mutate: mutateText([':', '::', '/', '.', '0', 'f', 'ffff', '%'], 512),
    feed: (input) => {
      const text = input.toString('utf8');
      return outcomeOf([asAddress(text), asPrefix(text), asSubnet(text), asLink(text)].join(), text);
    },
  };
}

function asAddress(text: string): string {
  const address = parseAddressWithOptionalLength(text);
  if (address === undefined) return '';
  const family = familyOf(address);
  promised(parseAddress(address) === address, `${address} is not read as it is written`);
  const everything = parsePrefix(family === 'ipv4' ? '0.0.0.0/0' : '::/0');
  promised(
    everything !== undefined && addressAt(everything, toBigInt(address)) === address,
    `${address} has another number`,
  );
  return family;
}

function asPrefix(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return '';
  promised(parsePrefix(prefix.text)?.text === prefix.text, `${prefix.text} is not read as it is written`);
  promised(prefix.length <= hostLength(prefix.family), `${prefix.text} is too long`);
  promised(contains(prefix, prefix.address) && contains(prefix, lastAddress(prefix)), `${prefix.text} lacks its ends`);
  return `${prefix.family} prefix`;
}

function asSubnet(text: string): string {
  const found = families.map((family) => parseSubnet(family, text));
  for (const subnet of found) {
    if ('wrong' in subnet) continue;
    promised(contains(subnet.prefix, subnet.gateway) && contains(subnet.prefix, subnet.host), 'a gateway outside');
  }
  return found
    .map((subnet) => ('wrong' in subnet ? subnet.wrong.replaceAll(/"[^"]*"|\d+/g, '_').slice(0, 30) : 'subnet'))
    .join();
}

function asLink(text: string): string {
  const link = parseLinkName(text);
  if (link === undefined) return '';
  promised(linkName(domidOf(link), Number(link.slice(link.indexOf('.') + 1))) === link, `${link} is not its numbers`);
  return 'link';
}

function argumentsOf(example: string): string {
  return example.split(' ').slice(1).join('\n');
}
