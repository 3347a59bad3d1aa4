/** `protect-network policy show`: what policies say, from their files and the zones there are. */
import type { ConfigPaths } from '../config/config.ts';
import { fetchPolicy } from '../control/fetch-status.ts';
import type { LeaseStatus } from '../control/policy.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { PolicyBook } from '../policy/book.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { bandwidthText, limitTexts, rateText } from '../policy/limits.ts';
import {
  type AllowRule,
  type DenyRule,
  type Limits,
  type Place,
  type PolicedZone,
  type Policy,
  type Publication,
  policyStates,
} from '../policy/model.ts';
import { aboutNoZone, contradictions } from '../policy/notes.ts';
import { conflictsIn } from '../policy/publish.ts';
import { isPrivate } from '../policy/rule.ts';
import { egressOf, limitsOf, policiesOf } from '../policy/select.ts';
import { readDaemonFiles } from './daemon-files.ts';
import { type KnownZones, knownZones } from './known-zones.ts';
import { type Format, isData, printData, printNames, printTable, widthOf } from './listing.ts';
import { painter } from './paint.ts';
import { table } from './table.ts';
import { print, printable, warn } from './terminal.ts';
import { duration } from './units.ts';
import type { ListOptions } from './zone-list.ts';

/** `zone` is a link or a name; undefined for a list of the policies. Throws what is wrong with any file. */
export async function showPolicies(
  paths: ConfigPaths,
  { zone, ...how }: ListOptions & { zone: string | undefined },
): Promise<ExitCode> {
  const config = await readDaemonFiles(paths);
  const known = await knownZones(config);
  if (known.doubt !== undefined) warn(known.doubt);
  if (zone === undefined) return showAll(config, known, how);
  if (how.format === 'name') throw new ProtectNetworkError('usage', '--output name is for the list of policies');
  return showZone(config, known, zone, how.format);
}

async function showAll(config: DaemonConfig, { zones }: KnownZones, how: ListOptions): Promise<ExitCode> {
  const { policies, settings, files } = config;
  if (how.format === 'name') {
    await printNames([...files.keys()]);
    return ExitCode.ok;
  }
  const about = policies.map((policy) => zones.filter((zone) => policiesOf([policy], zone).length > 0));
  const book = new PolicyBook(policies);
  const notes = [...aboutNoZone(book, zones, settings.fleet.zones), ...contradictions(book, zones)];
  if (isData(how.format)) {
    const told = policies.map(({ place, selector, egress, publish, limits }, index) => ({
      ...place,
      zones: selector.zones,
      links: selector.links,
      addresses: selector.addresses.map(({ text }) => text),
      mode: egress?.mode ?? null,
      allow: (egress?.allow ?? []).map(asJson),
      deny: (egress?.deny ?? []).map(asJson),
      publish: publish.map(publicationJson),
      limits: limitsJson(limits),
      isAbout: (about[index] ?? []).map(({ link }) => link),
    }));
    await printData({ directory: settings.policy.dir, policies: told, notes }, how.format);
    return ExitCode.ok;
  }
  const count = (of: (policy: Policy, index: number) => number) =>
    policies.map((policy, index) => String(of(policy, index)));
  const lines = table(
    [
      { title: 'POLICY', cells: policies.map(({ place }) => printable(placeText(place))) },
      { title: 'ZONES', align: 'right', cells: count((_, index) => about[index]?.length ?? 0) },
      { title: 'MODE', cells: policies.map(({ egress }) => egress?.mode ?? '') },
      { title: 'ALLOW', align: 'right', dispensable: 2, cells: count(({ egress }) => egress?.allow.length ?? 0) },
      { title: 'DENY', align: 'right', dispensable: 2, cells: count(({ egress }) => egress?.deny.length ?? 0) },
      { title: 'PUBLISH', align: 'right', dispensable: 2, cells: count(({ publish }) => publish.length) },
      { title: 'IS ABOUT', dispensable: 1, cells: policies.map((policy) => printable(selectorText(policy))) },
    ],
    widthOf({ ...how, noColor: true }),
    painter(false),
  );
  await printTable(lines, how.hasHeaders, policies.length === 0 ? `no policy in ${settings.policy.dir}` : undefined);
  for (const note of notes) warn(note);
  return ExitCode.ok;
}

async function showZone(config: DaemonConfig, known: KnownZones, asked: string, format: Format): Promise<ExitCode> {
  const found = known.zones.filter(({ link, name }) => link === asked || name === asked);
  const zones = found.length > 0 ? found : [supposed(asked)];
  const leases = known.doubt === undefined ? await leasesOf(config, asked) : new Map<string, readonly LeaseStatus[]>();
  if (isData(format)) {
    const told = zones.map((zone) => ({ ...zoneJson(config, zone), leases: leases.get(zone.link) ?? [] }));
    await printData({ zones: told }, format);
  } else {
    const names = new Set(known.zones.map(({ name }) => name));
    const blocks = zones.map((zone) =>
      [...zoneText(config, zone, names), ...leaseLines(leases.get(zone.link) ?? [])].join('\n'),
    );
    await print(`${printable(blocks.join('\n\n'))}\n`);
  }
  if (found.length > 0) return ExitCode.ok;
  warn(`there is no zone ${JSON.stringify(asked)} now; this is what would hold for one without an address`);
  return ExitCode.failed;
}

/** What is open by names now, by link. */
async function leasesOf(
  { settings }: DaemonConfig,
  zone: string,
): Promise<ReadonlyMap<string, readonly LeaseStatus[]>> {
  const { zones } = await fetchPolicy(settings.control.socket, zone);
  return new Map(zones.map(({ link, leases }) => [link, leases]));
}

export function leaseLines(leases: readonly LeaseStatus[]): string[] {
  if (leases.length === 0) return [];
  const texts = leases.map(({ name, address, transport, port, seconds }) => {
    const place = address.includes(':') ? `[${address}]` : address;
    return [name, `${place}:${port}${transport === 'udp' ? '/udp' : ''}`, `${duration(seconds * 1000)} left`] as const;
  });
  const widths = [0, 1].map((column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const lines = texts.map((row) => `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`);
  return ['open by names now:', ...lines.sort()];
}

/** A zone of which nothing but the name or the link is known. No link is called by the empty text, so that no policy names it. */
function supposed(asked: string): PolicedZone {
  const link = parseLinkName(asked);
  return { link: link ?? ('' as LinkName), name: link === undefined ? asked : undefined, addresses: [] };
}

export function zoneJson({ policies }: DaemonConfig, zone: PolicedZone): object {
  const egress = egressOf(policies, zone);
  return {
    link: zone.link || null,
    name: zone.name ?? null,
    addresses: zone.addresses,
    policy: egress === undefined ? 'none' : policyStates[egress.mode],
    allow: (egress?.allow ?? []).map(asJson),
    deny: (egress?.deny ?? []).map(asJson),
    publish: publishedFor(policies, zone).map(publicationJson),
    limits: limitsJson(limitsOf(policies, zone)),
  };
}

export function zoneText(
  { policies }: DaemonConfig,
  zone: PolicedZone,
  names: ReadonlySet<string | undefined>,
): string[] {
  const egress = egressOf(policies, zone);
  const who = [zone.name ?? zone.link, ...(zone.name === undefined || zone.link === '' ? [] : [`(${zone.link})`])];
  const subject = [`zone ${who.join(' ')}`, ...zone.addresses].join(', ');
  const others = [...publicationLines(publishedFor(policies, zone)), ...limitTexts(limitsOf(policies, zone))];
  if (egress === undefined) {
    const end = 'No policy is about it: policies keep it from nothing.';
    return [`${subject}: no policy`, ...(others.length === 0 ? [end] : [...others, 'It may reach everything.'])];
  }
  const end =
    egress.mode === 'enforce'
      ? 'All else is denied.'
      : 'All else passes, and is told of in the log: the mode is audit.';
  return [
    `${subject}: ${policyStates[egress.mode]}`,
    ...ruleLines('allow', egress.allow, names),
    ...ruleLines('deny', egress.deny, names),
    end,
    ...others,
  ];
}

function ruleLines(
  title: string,
  rules: readonly (AllowRule | DenyRule)[],
  names: ReadonlySet<string | undefined>,
): string[] {
  if (rules.length === 0) return title === 'allow' ? ['allow: nothing'] : [];
  const width = Math.min(48, Math.max(...rules.map(({ text }) => text.length)));
  const lines = rules.map((rule) => {
    const notes = [...(isPrivate(rule) ? ['private'] : []), ...(isLost(rule, names) ? ['no such zone'] : [])];
    return `  ${rule.text.padEnd(width)}  ${[placeText(rule.place), ...notes].join('  ')}`;
  });
  return [`${title}:`, ...lines];
}

function limitsJson(limits: Limits | undefined): object {
  const { connections = null, newConnections: rate, send, receive } = limits ?? {};
  const bandwidth = (bits: number | undefined) => (bits === undefined ? null : bandwidthText(bits));
  const newConnections = rate === undefined ? null : rateText(rate);
  return { connections, newConnections, send: bandwidth(send), receive: bandwidth(receive) };
}

/** Without those that another policy has the port of. */
function publishedFor(policies: readonly Policy[], zone: PolicedZone): Publication[] {
  const lost = new Set(conflictsIn(policies).map(({ publication }) => publication));
  return policiesOf(policies, zone)
    .flatMap(({ publish }) => publish)
    .filter((publication) => !lost.has(publication));
}

function publicationLines(publications: readonly Publication[]): string[] {
  if (publications.length === 0) return [];
  const lines = publications.map(({ text, to, from, place }) => {
    const who = from.length === 0 ? '' : `  from ${from.map((prefix) => prefix.text).join(' ')}`;
    return `  ${text} to ${to}${who}  ${placeText(place)}`;
  });
  return ['publish:', ...lines];
}

function publicationJson({ text, to, from, place }: Publication): object {
  return { listen: text, to, from: from.map((prefix) => prefix.text), ...place };
}

/** A rule that leads to a zone that is not there. */
function isLost(rule: AllowRule | DenyRule, names: ReadonlySet<string | undefined>): boolean {
  return 'target' in rule && rule.target.kind === 'zone' && !names.has(rule.target.name);
}

function asJson(rule: AllowRule | DenyRule): object {
  return { rule: rule.text, private: isPrivate(rule), ...rule.place };
}

function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

function selectorText({ selector: { zones, links, addresses } }: Policy): string {
  return [...zones, ...links, ...addresses.map(({ text }) => text)].join(' ');
}
