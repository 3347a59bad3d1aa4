/** What a report is made of. Each part is what an operator could have printed himself, and nothing here changes the host. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedFile } from '../config/read-file.ts';
import type { Settings } from '../config/settings.ts';
import { maxTomlBytes } from '../config/toml-file.ts';
import type { Status } from '../control/status.ts';
import { usualPaths } from '../directories/xenstore/directory.ts';
import type { Probe } from '../host/probe.ts';
import { families } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { Part } from './gather.ts';
import { maxNodes, nodeLine, readVifNodes } from './xenstore-nodes.ts';

export interface Subject {
  readonly version: string;
  readonly probe: Probe;
  readonly settingsPath: string;
  /** `--config` and `--settings` for this program's other commands. */
  readonly options: readonly string[];
  readonly settings: Pick<Settings, 'zones' | 'policy'>;
  /** Of the journal. */
  readonly units: readonly string[];
  /** Undefined where the daemon did not answer. */
  readonly status: Status | undefined;
  /** Takes the names that are met, of zones and domains. */
  readonly met: (name: string) => void;
}

/** Milliseconds. */
const limits = { read: 5_000, tool: 20_000, command: 60_000 };
/** Zones that are explained: the same fault has them all. */
const maxExplained = 20;
/** Of the last hour: a zone that forges makes a line a minute. */
const maxJournalLines = 50_000;

export function partsOf(subject: Subject): Part[] {
  return [...hostParts(subject), ...ownParts(subject), ...networkParts(subject), ...fileParts(subject)];
}

function hostParts({ version, probe }: Subject): Part[] {
  return [
    lines('versions.txt', 'versions of the kernel and of tools', async () => [
      `protect-network: ${version}`,
      ...(await probe.versions()),
    ]),
    { file: 'host.json', what: 'the host', limit: limits.tool, read: () => probe.facts(limits.tool) },
    lines('hypervisor.txt', '/sys/hypervisor', () => orNone(probe.hypervisor(), 'no hypervisor is told of')),
    lines('drivers.txt', 'drivers of links', () => orNone(probe.drivers(), 'no link has a device')),
    tool(probe, 'offloads.txt', 'ethtool', '-k', '*'),
  ];
}

function ownParts({ probe, options, units, status }: Subject): Part[] {
  const own = (file: string, ...args: string[]) => command(probe, options, file, args);
  return [
    own('status.txt', 'status'),
    own('status.json', 'status', '--json'),
    own('doctor.txt', 'doctor'),
    own('plan.txt', 'plan'),
    own('check.txt', 'check'),
    own('zones.txt', 'zone', 'list'),
    own('policies.txt', 'policy', 'show'),
    ...failingZones(status).map((link) => own(`explain/${link}.txt`, 'explain', link, '--full')),
    tool(
      probe,
      'journal.txt',
      'journalctl',
      ...units.map((unit) => `--unit=${unit}`),
      '--since=-1h',
      `--lines=${maxJournalLines}`,
      '--no-pager',
      '--output=short-iso-precise',
    ),
  ];
}

function networkParts({ probe, settings, met }: Subject): Part[] {
  const { xenstore } = settings.zones;
  return [
    tool(probe, 'links.txt', 'ip', '-details', '-statistics', 'address'),
    ...(['-4', '-6'] as const).flatMap((family) => [
      tool(probe, `routes${family}.txt`, 'ip', family, 'route', 'show', 'table', 'all'),
      tool(probe, `rules${family}.txt`, 'ip', family, 'rule'),
      tool(probe, `neighbours${family}.txt`, 'ip', family, '-statistics', 'neighbour'),
      tool(probe, `neighbour-proxies${family}.txt`, 'ip', family, 'neighbour', 'show', 'proxy'),
    ]),
    tool(probe, 'nftables.txt', 'nft', '-a', 'list', 'ruleset'),
    ...families
      .filter((family) => probe.legacyFamilies().includes(family))
      .map((family) => ({
        file: `iptables-legacy-${family}.txt`,
        what: `iptables-legacy-save, ${family}`,
        limit: limits.tool,
        read: () => probe.legacyRules(family, limits.tool),
      })),
    lines('sysctls.txt', '/proc/sys/net', () => probe.sysctls()),
    {
      file: 'xenstore.txt',
      what: 'nodes of network links in xenstore',
      limit: limits.tool,
      read: async () => {
        const nodes = await readVifNodes(xenstore === undefined ? usualPaths : [xenstore]);
        // Of what a guest may write, nothing is a name.
        for (const { path, value } of nodes) if (/^\/local\/domain\/\d+\/name$/.test(path)) met(value);
        const cut = nodes.length < maxNodes ? [] : [`(the first ${maxNodes} nodes)`];
        return asText([...nodes.map(nodeLine), ...cut]);
      },
    },
  ];
}

/** Not Edera's settings: `check` tells the two keys that are ours, and what else is in there is nobody's business. */
function fileParts({ settingsPath, settings }: Subject): Part[] {
  const directories = [
    ['policies', settings.policy.dir],
    ['zones', settings.zones.staticDir],
  ] as const;
  return [
    ...(existsSync(settingsPath) ? [fileAt('files/protect-network.toml', settingsPath)] : []),
    ...directories.flatMap(([name, directory]) =>
      existsSync(directory) ? [filesOf(`files/${name}.txt`, directory)] : [],
    ),
  ];
}

function fileAt(file: string, path: string): Part {
  return { file, what: path, limit: limits.read, read: () => contentOf(path) };
}

/** All of them as one text. */
function filesOf(file: string, directory: string): Part {
  return lines(file, directory, () =>
    readdirSync(directory)
      .filter((name) => name.endsWith('.toml'))
      .sort()
      .flatMap((name) => [`# ${join(directory, name)}`, contentOf(join(directory, name))]),
  );
}

function contentOf(path: string): string {
  return readBoundedFile(path, { maxBytes: maxTomlBytes, follow: true })?.text ?? '';
}

function failingZones(status: Status | undefined): string[] {
  const failing = (status?.zones ?? []).filter(({ wanted, state }) => wanted && state !== 'ready');
  return failing.slice(0, maxExplained).map(({ link }) => link);
}

function tool(probe: Probe, file: string, name: Parameters<Probe['tool']>[0], ...args: readonly string[]): Part {
  return { file, what: [name, ...args].join(' '), limit: limits.tool, read: () => probe.tool(name, args, limits.tool) };
}

/** Whatever it ends with: `doctor` and `explain` end with 1 where they have found something. */
function command(probe: Probe, options: readonly string[], file: string, args: readonly string[]): Part {
  const read = async () => {
    const { stdout, stderr, exitCode } = await probe.command([...args, ...options], limits.command);
    if (stdout === '')
      throw new ProtectNetworkError(
        'refused',
        stderr.trim().replace(/^protect-network: /, '') || `it printed nothing and ended with ${exitCode}`,
      );
    // JSON stays JSON.
    return args.includes('--json') ? stdout : `${stdout}${stderr}`;
  };
  return { file, what: `protect-network ${args.join(' ')}`, limit: limits.command, read };
}

function lines(file: string, what: string, read: () => readonly string[] | Promise<readonly string[]>): Part {
  return { file, what, limit: limits.read, read: async () => asText(await read()) };
}

function orNone(found: readonly string[], none: string): readonly string[] {
  return found.length === 0 ? [none] : found;
}

function asText(all: readonly string[]): string {
  return all.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join('');
}
