/** Takes the snapshot, and answers the questions that came up while a packet's way was computed. */
import type { Config } from '../config/config.ts';
import { masqueradeOf } from '../config/masquerade.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import { makeDirectories } from '../directories/make-directories.ts';
import type { AskedDirectory, ZoneDirectory } from '../directories/zone-directory.ts';
import type { ZoneEntry } from '../directories/zone-entry.ts';
import type { Inspection } from '../host/inspection.ts';
import type { Sysctl } from '../host/port.ts';
import type { TableRoute } from '../host/routing-tables.ts';
import { computeDesired, unknownLink } from '../lifecycle/desired.ts';
import { strangeLinks } from '../lifecycle/strange-links.ts';
import { type Address, type Family, parseAddress } from '../model/address.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import type { Fault } from '../model/fault.ts';
import { isZoneLink, type LinkName, parseLinkName } from '../model/link-name.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import { parseNftText } from '../rules/listing.ts';
import { type DaemonFacts, keyOf, type Question, type Snapshot, type ZoneFacts } from './snapshot.ts';

export interface Eyes {
  readonly inspection: Inspection;
  readonly sysctl: Pick<Sysctl, 'read'>;
}

export async function observe(eyes: Eyes, config: DaemonConfig): Promise<Snapshot> {
  const { inspection, sysctl } = eyes;
  const [links, rules4, rules6, routes4, routes6, neighbours, proxies, ruleset, daemon] = await Promise.all([
    inspection.links(),
    inspection.policyRules('ipv4'),
    inspection.policyRules('ipv6'),
    inspection.routes('ipv4'),
    inspection.routes('ipv6'),
    inspection.neighbours('resolved'),
    inspection.neighbours('proxies'),
    observeRuleset(inspection),
    askDaemon(config.settings.control.socket),
  ]);
  const known = await askDirectories(config, hasIpv6(sysctl), links, [...routes4, ...routes6], daemon.faults);
  const { ipv4, ipv6 } = config.subnets;
  const { uplink, fleet } = config.settings;
  return {
    subnets: {
      ipv4: ipv4 === undefined ? null : { prefix: ipv4.prefix.text, gateway: ipv4.gateway },
      ipv6: ipv6 === undefined ? null : { prefix: ipv6.prefix.text, gateway: ipv6.gateway },
    },
    uplinkInterfaces: uplink.interfaces,
    masquerade: { ipv4: masqueradeOf(uplink, 'ipv4'), ipv6: masqueradeOf(uplink, 'ipv6') },
    noMasquerade: uplink.noMasquerade.map(({ text }) => text),
    fleet: { prefixes: fleet.prefixes.map(({ text }) => text), uplinks: fleet.uplinks, zones: fleet.zones },
    ...known,
    policies: config.policies,
    daemon,
    links,
    neighbours,
    proxies,
    rules: { ipv4: rules4, ipv6: rules6 },
    routes: { ipv4: routes4, ipv6: routes6 },
    ...ruleset,
    arpRules: (await inspection.legacyArpRules()) ?? null,
    connections: inspection.connectionCount() ?? null,
    sysctls: {},
    decisions: {},
    filters: {},
  };
}

/** The snapshot with the answers. */
export async function answer(
  { inspection, sysctl }: Eyes,
  snapshot: Snapshot,
  questions: readonly Question[],
): Promise<Snapshot> {
  const sysctls = { ...snapshot.sysctls };
  const decisions = { ...snapshot.decisions };
  const filters = { ...snapshot.filters };
  for (const question of questions) {
    if (question.kind === 'filters') filters[keyOf(question)] = (await inspection.filters(question.link)) ?? null;
    else if (question.kind === 'sysctl') sysctls[keyOf(question)] = sysctl.read(question.path) ?? null;
    else decisions[keyOf(question)] = await inspection.decide(question.question, snapshot.links);
  }
  return { ...snapshot, sysctls, decisions, filters };
}

async function observeRuleset(
  inspection: Inspection,
): Promise<Pick<Snapshot, 'ruleset' | 'rulesetText' | 'saved' | 'legacy'>> {
  const rulesetText = await inspection.rulesetText();
  const { dormant, tables } = parseNftText(rulesetText);
  // nft 1.0.6 prints no valid JSON for a sleeping table; those have no hooks, so the others are asked for one by one.
  const awake = tables.filter((table) => !dormant.has(table));
  const ruleset = await inspection.rulesetObjects(awake, dormant.size === 0);
  const hasExtensions = ruleset.some((object) => JSON.stringify(object).includes('{"xt":'));
  const saved = async (family: Family) => (hasExtensions ? ((await inspection.savedNft(family)) ?? '') : '');
  const legacy = async (family: Family) => (await inspection.savedLegacy(family)) ?? null;
  return {
    ruleset,
    rulesetText,
    saved: { ipv4: await saved('ipv4'), ipv6: await saved('ipv6') },
    legacy: { ipv4: await legacy('ipv4'), ipv6: await legacy('ipv6') },
  };
}

async function askDaemon(socket: string): Promise<DaemonFacts> {
  try {
    const status = await fetchStatus(socket);
    return {
      answers: true,
      detail: status.state,
      zones: status.zones.map(({ link, state, reason }) => ({ link, state, reason })),
      faults: status.faults ?? [],
      forwarder: status.forwarder?.connected ?? null,
    };
  } catch (error) {
    if (!hasCode(error, 'unreachable', 'timeout', 'refused', 'garbled', 'permission')) throw error;
    return { answers: false, detail: messageOf(error), zones: [], faults: [], forwarder: null };
  }
}

/** What the zone directories say now, judged by the daemon's rules. */
async function askDirectories(
  config: Config,
  ipv6: boolean,
  links: Snapshot['links'],
  routes: readonly TableRoute[],
  told: readonly Fault[],
): Promise<Pick<Snapshot, 'zones' | 'renamed' | 'directoryProblems'>> {
  const zoneLinks = links.flatMap(({ ifname }) => parseLinkName(ifname) ?? []);
  const directories = makeDirectories(config, () => zoneLinks);
  try {
    await Promise.all(directories.map((directory) => directory.start(() => undefined)));
    const asked = directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() }));
    const desired = computeDesired({
      config,
      hasIpv6: ipv6,
      links: links.map(({ ifindex, ifname, isUp }) => ({ ifindex, name: ifname, up: isUp })),
      directories: asked,
      holders: holdersOf(routes),
      served: new Map(),
    });
    const zones = links.flatMap(({ ifindex, ifname }): ZoneFacts[] => {
      const link = parseLinkName(ifname);
      if (link === undefined) return [];
      const granted = desired.zones.get(ifindex);
      const refused = granted === undefined ? (desired.unserved.get(ifindex) ?? unknownLink).reason : null;
      return [factsOf(link, { addresses: granted?.addresses ?? [], refused }, directories)];
    });
    const renamed = renamedLinks(links, told, asked);
    const elsewhere = renamed.flatMap(({ what, links: [, zone] = [] }): ZoneFacts[] => {
      const link = parseLinkName(zone ?? '');
      return link === undefined || zones.some((each) => each.link === link)
        ? []
        : [factsOf(link, { addresses: [], refused: what }, directories)];
    });
    return { zones: [...zones, ...elsewhere], renamed, directoryProblems: problemsOf(asked) };
  } finally {
    await Promise.all(directories.map((directory) => directory.stop()));
  }
}

function factsOf(
  link: LinkName,
  outcome: Pick<ZoneFacts, 'addresses' | 'refused'>,
  directories: readonly ZoneDirectory[],
): ZoneFacts {
  const entry = entryOf(directories, link);
  return {
    link,
    ...outcome,
    claimed: entry?.entry.addresses ?? [],
    name: entry?.entry.name ?? null,
    directory: entry?.directory ?? null,
    origin: entry?.entry.origin ?? null,
  };
}

/** Also those that only the daemon knows, which has seen them renamed. */
function renamedLinks(links: Snapshot['links'], told: readonly Fault[], asked: readonly AskedDirectory[]): Fault[] {
  const isHere = (name: string) => links.some(({ ifname }) => ifname === name);
  const seen = strangeLinks(
    links.map((link) => ({ ...link, name: link.ifname, up: link.isUp })),
    new Map(),
    asked,
  );
  const all = [...seen, ...told].filter(({ links: [name = '', zone = ''] = [] }) => {
    return isHere(name) && !isZoneLink(name) && !isHere(zone);
  });
  return [...new Map(all.map((fault) => [fault.links?.[0], fault])).values()];
}

function entryOf(
  directories: readonly ZoneDirectory[],
  link: LinkName,
): { entry: ZoneEntry; directory: string } | undefined {
  for (const directory of directories) {
    const entry = directory.snapshot().entries.find((each) => each.link === link);
    if (entry !== undefined) return { entry, directory: directory.name };
  }
  return undefined;
}

function problemsOf(asked: readonly { name: string; snapshot: ReturnType<ZoneDirectory['snapshot']> }[]): string[] {
  return asked.flatMap(({ name, snapshot }) => [
    ...(snapshot.state === 'waiting' || snapshot.state === 'down'
      ? [`${name} does not answer: ${snapshot.detail}`]
      : []),
    ...snapshot.problems,
  ]);
}

/** Who has which address now, by the daemon's own routes. */
function holdersOf(routes: readonly TableRoute[]): Map<Address, LinkName> {
  return new Map(
    routes.flatMap(({ dst, dev, protocol }): [Address, LinkName][] => {
      const address = parseAddress(dst);
      const link = dev === undefined ? undefined : parseLinkName(dev);
      return protocol === '75' && address !== undefined && link !== undefined ? [[address, link]] : [];
    }),
  );
}
