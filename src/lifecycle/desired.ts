/** What the host should look like: a pure function of configuration, links and zone directories. */

import { maxSiblings } from '../arp/plan.ts';
import type { Config } from '../config/config.ts';
import { isSingle } from '../config/fleet.ts';
import { masqueradeOf } from '../config/masquerade.ts';
import type { Subnets } from '../config/subnet.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { Link } from '../host/port.ts';
import { type Address, type Family, families, familyOf, type Prefix } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import type { Access, HostLink, LayoutSettings } from '../nft/layout-model.ts';
import type { LinkLimit } from '../nft/limits.ts';
import type { Loser } from '../policy/publish.ts';
import { reasons } from '../words/warnings.ts';
import { type Claim, judgeClaims, type Refusal } from './claims.ts';
import type { Taken } from './taken.ts';

/** Where the forwarder of names listens, on the gateways. */
export const resolverPort = 10_053;

export interface DesiredZone extends Claim {
  readonly ifindex: number;
  /** What its policies come to; undefined where it may reach everything. */
  readonly access?: Access | undefined;
  /** It has all that others have, and nothing of it serves while somebody else has the link. */
  readonly taken?: Taken | undefined;
}

export interface Desired {
  readonly subnets: Subnets;
  readonly layout: LayoutSettings;
  readonly families: readonly Family[];
  readonly gateways: readonly Address[];
  /** Of the fleet, those of which this host keeps what no zone has. */
  readonly blocks: readonly Prefix[];
  /** By ifindex: a name may be reborn before its old link is reported gone. */
  readonly zones: ReadonlyMap<number, DesiredZone>;
  /** The same, by the link's name. */
  readonly byLink: ReadonlyMap<LinkName, DesiredZone>;
  /** Every zone's addresses. */
  readonly addresses: ReadonlySet<Address>;
  /** Zone links that get nothing, and why. */
  readonly unserved: ReadonlyMap<number, Refusal>;
  /** IPv6 addresses for which each of `siblingLinks` answers. */
  readonly siblings: readonly Address[];
  readonly siblingLinks: ReadonlySet<number>;
  readonly problems: ReadonlyMap<LinkName, readonly string[]>;
  /** Zones that do not have a port which a policy publishes for them, since another zone has it. */
  readonly unpublished: readonly Loser[];
}

export interface DesiredInput {
  readonly config: Config;
  readonly hasIpv6: boolean;
  readonly links: Iterable<Link>;
  /** Guests' links that are called unlike zones', sorted. */
  readonly guestsElsewhere?: readonly string[];
  /** The host's own links that are called like zones', sorted. */
  readonly hostLinks?: readonly HostLink[];
  /** Without it nobody is said to have taken a link. */
  readonly takenBy?: (link: Link) => Taken | undefined;
  /** Some policy says what zones may reach. */
  readonly isPoliced?: boolean;
  /** Every limit that policies have. */
  readonly limits?: readonly LinkLimit[];
  /** Connections that one zone may have begun. */
  readonly share?: number | undefined;
  /** Without it no zone is policed. */
  readonly accessOf?: (zone: Claim) => Access | undefined;
  readonly directories: readonly AskedDirectory[];
  readonly holders: ReadonlyMap<Address, LinkName>;
  readonly served: ReadonlyMap<number, DesiredZone>;
  /** Addresses that a zone of another host has. */
  readonly elsewhere?: ReadonlySet<Address> | undefined;
}

export function computeDesired(input: DesiredInput): Desired {
  const { config, hasIpv6 } = input;
  const subnets = hasIpv6 ? config.subnets : { ...config.subnets, ipv6: undefined };
  const bearers = bearersOf(input.links);
  const { directories, elsewhere } = input;
  const served = servedOf(input, bearers);
  // A zone that is down for a moment has lost its routes, not its address.
  const holders = new Map(input.holders);
  for (const { link, addresses } of served) for (const address of addresses) holders.set(address, link);
  const claims = judgeClaims({ directories, subnets, links: new Set(bearers.keys()), holders, served, elsewhere });
  const zones = new Map<number, DesiredZone>();
  const unserved = new Map<number, Refusal>();
  for (const [name, link] of bearers) {
    const { ifindex } = link;
    const claim = claims.granted.get(name);
    if (claim !== undefined) {
      const [taken, access] = [input.takenBy?.(link), input.accessOf?.(claim)];
      zones.set(ifindex, { ...claim, ifindex, taken, ...(access && { access }) });
    } else unserved.set(ifindex, claims.refused.get(name) ?? unknownLink);
  }
  const enabled = families.filter((family) => subnets[family] !== undefined);
  return {
    subnets,
    layout: layoutOf(input, subnets),
    families: enabled,
    gateways: enabled.flatMap((family) => subnets[family]?.gateway ?? []),
    blocks: enabled.flatMap((family) => subnets[family]?.blocks ?? []).filter((block) => !isSingle(block)),
    zones,
    byLink: new Map([...zones.values()].map((zone) => [zone.link, zone])),
    addresses: new Set([...zones.values()].flatMap((zone) => zone.addresses)),
    unserved,
    ...siblingsOf(zones),
    problems: claims.problems,
    unpublished: [],
  };
}

/** Of a link that no directory knows. */
export const unknownLink: Refusal = {
  reason: reasons.unknownLink,
  fix: undefined,
  directory: undefined,
  origin: '',
  addresses: [],
  isWanted: false,
};

/** What is served now; after a restart, what the daemon before us left on links that are still the same. */
function servedOf({ served, holders }: DesiredInput, bearers: ReadonlyMap<LinkName, Link>): Claim[] {
  const known = [...served.values()].filter(({ link, ifindex }) => bearers.get(link)?.ifindex === ifindex);
  const knownLinks = new Set(known.map(({ link }) => link));
  const left = new Map<LinkName, Address[]>();
  for (const [address, link] of holders) {
    if (!knownLinks.has(link)) left.set(link, [...(left.get(link) ?? []), address]);
  }
  const origin = 'found on the host at the start';
  return [
    ...known,
    ...[...left].map(([link, addresses]) => ({ link, addresses, name: undefined, directory: undefined, origin })),
  ];
}

/** The link that bears each zone link's name now: the youngest, where an older one's end has not been reported. */
function bearersOf(links: Iterable<Link>): Map<LinkName, Link> {
  const bearers = new Map<LinkName, Link>();
  for (const link of links) {
    const name = parseLinkName(link.name);
    if (name !== undefined && (bearers.get(name)?.ifindex ?? 0) < link.ifindex) bearers.set(name, link);
  }
  return bearers;
}

/**
 * The oldest zones first: whoever has siblings keeps them when more zones come. Also where zones are kept apart: the
 * operator's own rules may join two of them, who could not find each other otherwise.
 */
function siblingsOf(zones: ReadonlyMap<number, DesiredZone>): Pick<Desired, 'siblings' | 'siblingLinks'> {
  const members = [...zones.values()]
    .filter(hasIpv6Address)
    .sort((a, b) => a.ifindex - b.ifindex)
    .slice(0, maxSiblings);
  return {
    siblings: members.flatMap((zone) => zone.addresses.filter((address) => familyOf(address) === 'ipv6')),
    siblingLinks: new Set(members.map((zone) => zone.ifindex)),
  };
}

/** The same after a change: `zones` are those of now already. Costs next to nothing where no sibling is concerned. */
export function siblingsAfter(
  { zones, siblings, siblingLinks }: Pick<Desired, 'zones' | 'siblings' | 'siblingLinks'>,
  changed: Iterable<number>,
): Pick<Desired, 'siblings' | 'siblingLinks'> {
  const youngest = siblingLinks.size < maxSiblings ? Number.POSITIVE_INFINITY : Math.max(...siblingLinks);
  const isConcerned = [...changed].some(
    (ifindex) => siblingLinks.has(ifindex) || (ifindex < youngest && hasIpv6Address(zones.get(ifindex))),
  );
  return isConcerned ? siblingsOf(zones) : { siblings, siblingLinks };
}

function hasIpv6Address(zone: DesiredZone | undefined): boolean {
  return zone?.addresses.some((address) => familyOf(address) === 'ipv6') === true;
}

function layoutOf(input: DesiredInput, subnets: Subnets): LayoutSettings {
  const { config, guestsElsewhere = [], hostLinks = [], isPoliced = false, limits = [], share } = input;
  const { uplink, fleet, forward, isolation } = config.settings;
  const gateways = { ipv4: subnets.ipv4?.gateway, ipv6: subnets.ipv6?.gateway };
  return {
    subnets: { ipv4: subnets.ipv4?.prefix, ipv6: subnets.ipv6?.prefix },
    uplinkInterfaces: uplink.interfaces,
    masquerade: { ipv4: masqueradeOf(uplink, 'ipv4'), ipv6: masqueradeOf(uplink, 'ipv6') },
    notMasqueraded: [...uplink.noMasquerade, ...fleet.prefixes],
    fleet: fleet.block.length === 0 ? undefined : fleet,
    guestsElsewhere,
    hostLinks,
    placement: forward.placement,
    mark: forward.mark,
    egress: isPoliced ? { resolverPort } : undefined,
    // Who has which port is known once all zones are: `DesiredTracker`.
    published: [],
    limits,
    share,
    gateways,
    antiSpoof: isolation.antiSpoof,
    denyZoneToZone: isolation.zoneToZone === 'deny',
    deniedMetadata: isolation.metadata === 'deny' ? isolation.metadataAddresses : [],
    denyHost: isolation.host === 'deny',
  };
}
