/** `protect-network check --fleet`: whether the settings of several hosts suit each other. Reads nothing but these files. */
import { type Fleet, isSingle } from '../config/fleet.ts';
import { settingsSchema } from '../config/settings-schema.ts';
import { describeProblem } from '../config/toml-decode.ts';
import { readTomlFile } from '../config/toml-file.ts';
import { locatorOf } from '../config/toml-locate.ts';
import { holds, overlap, type Prefix } from '../model/address.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { print, printable, warn } from './terminal.ts';
import { plural } from './units.ts';

interface HostSettings {
  readonly file: string;
  readonly text: string;
  readonly fleet: Fleet;
}

interface Block {
  readonly host: HostSettings;
  readonly index: number;
  readonly prefix: Prefix;
}

/** Each file is one host's. Throws `config-invalid` with every block that two hosts have, and for a file that says nothing of a fleet. */
export async function checkFleet(files: readonly string[]): Promise<ExitCode> {
  if (files.length < 2) {
    throw new ProtectNetworkError('usage', '--fleet compares hosts: name the settings files of two or more');
  }
  const hosts = files.map(readHost);
  const blocks = hosts.flatMap((host) => host.fleet.block.map((prefix, index): Block => ({ host, index, prefix })));
  const conflicts = blocks.flatMap((block, place) =>
    blocks.slice(0, place).flatMap((other) => (isConflict(block, other) ? [sentenceOf(block, other)] : [])),
  );
  if (conflicts.length > 0) throw new ProtectNetworkError('config-invalid', conflicts.join('\n'));
  const guests = blocks.flatMap((block) => guestSentence(block, blocks));
  const summary = `${plural(hosts.length, 'host')}, ${plural(blocks.length, 'block')}: no address is two hosts' own`;
  await print(printable(`${[summary, ...guests].join('\n')}\n`));
  for (const host of hosts) for (const other of strangers(host, blocks)) warn(`warning: ${printable(other)}`);
  return ExitCode.ok;
}

function readHost(file: string): HostSettings {
  const read = readTomlFile(file, settingsSchema);
  if (read === undefined) throw new ProtectNetworkError('config-invalid', `${file}: does not exist`);
  const { fleet } = read.value;
  if (fleet.block.length === 0) {
    throw new ProtectNetworkError('config-invalid', `${file}: has no [fleet]; expected block, prefixes and uplinks`);
  }
  return { file, text: read.text, fleet };
}

/** An address by itself within another host's block has come from there. */
function isConflict(one: Block, other: Block): boolean {
  if (one.host === other.host || !overlap(one.prefix, other.prefix)) return false;
  return isSingle(one.prefix) === isSingle(other.prefix);
}

function sentenceOf(block: Block, other: Block): string {
  const { line } = placeOf(other);
  const sentence = `fleet.block: ${block.prefix.text} overlaps ${other.prefix.text} of ${other.host.file}:${line}; expected each address at one host`;
  return describeProblem(block.host.file, block.host.text, { ...placeOf(block), sentence });
}

function placeOf({ host, index }: Block) {
  return locatorOf(host.text)(['fleet', 'block', index], 'value');
}

function guestSentence({ prefix, host }: Block, blocks: readonly Block[]): string[] {
  if (!isSingle(prefix)) return [];
  const home = blocks.find((other) => other.host !== host && holds(other.prefix, prefix));
  return home === undefined
    ? []
    : [`${prefix.address}: at ${host.file}, from ${home.prefix.text} of ${home.host.file}`];
}

/** Blocks of others that the host would masquerade towards, and believe by any link. */
function strangers({ file, fleet }: HostSettings, blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ host, prefix }) =>
    fleet.prefixes.some((each) => holds(each, prefix))
      ? []
      : [`${file}: fleet.prefixes does not hold ${prefix.text}, a block of ${host.file}`],
  );
}
