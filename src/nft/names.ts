/** The names of everything of ours in nftables. Operators and other tools go by the chains in `filter`, whose names stay; the rest is inside our own table. */

import type { NftFamily } from '../host/port.ts';
import type { Family } from '../model/address.ts';

/** Ours alone: guard, mark, masquerade, and the sets they look into. */
export const ownTable = { family: 'inet', name: 'edera' } as const;
/** The second layer against forged IPv6 sources, in a table of its own: a host that loses one still has the other. */
export const reversePathTable = { family: 'ip6', name: 'edera-reverse-path' } as const;

/** A chain for each link of a zone that somebody else has taken, by the link's name, where its frames come in. */
export const ingressTable = { family: 'netdev', name: 'edera' } as const;

export const filterTable = 'filter';
export const forwardHookChain = 'FORWARD';
/** Holds the documented pair of accepts for each link. */
export const forwardChain = 'EDERA-FORWARD';
/** Pinned to the head of `FORWARD` while the settings deny zones something: nobody else's accept may come before. */
export const denyChain = 'EDERA-DENY';
/** The operator's, evaluated before anything is accepted. Made by us, never filled or emptied. */
export const userChain = 'EDERA-USER';
/** Where what is about to be dropped as a forgery is reported, now and then. */
export const forgedChain = 'forged';
/** The same for neighbour discovery under an address that is nobody's. */
export const unassignedChain = 'not-assigned';
/** Where packets to addresses of the subnet that no zone has are dropped, and ICMP errors about others' connections. */
export const strayChain = 'stray';
export const zoneErrorsChain = 'zone-errors';
/** Where what a zone may not have of dom0 is dropped, unless the operator accepts it in `user-input`. */
export const hostDeniedChain = 'host-denied';
/** The operator's, in our table, evaluated before zones are kept from dom0's services. Never emptied by us. */
export const userInputChain = 'user-input';

export const filterFamilies: Record<Family, NftFamily> = { ipv4: 'ip', ipv6: 'ip6' };

/** Per family: who sends from a link, who is reached by it, both counted; whose it is, uncounted; which addresses are zones' at all. */
export const sets = {
  ipv4: { from: 'from4', to: 'to4', own: 'own4', zone: 'zone4' },
  ipv6: { from: 'from6', to: 'to6', own: 'own6', zone: 'zone6' },
} as const;

/** Of zones that a policy names. */
export const policySets = {
  /** Their links, and of these the ones of which nothing is dropped. */
  policed: 'policed',
  audited: 'audited',
  /** Links that may use ICMP, and (link, transport, ports) of dom0 itself. */
  icmp: 'allowed-icmp',
  host: 'allowed-host',
  /** How fast packets of a link are rejected, and other protocols than TCP and UDP reported. */
  rejected: 'reject-rate',
  told: 'denied-rate',
} as const;

/**
 * Per family, (link, destination, transport, ports): single ones, intervals, and what names lead to, for a while each. `denied`:
 * (link, destinations), `told`: single ones that are not reported again within the minute.
 */
export const egressSets = {
  ipv4: { allowed: 'allowed4', nets: 'allowed-nets4', leased: 'leased4', denied: 'denied4', told: 'denied-told4' },
  ipv6: { allowed: 'allowed6', nets: 'allowed-nets6', leased: 'leased6', denied: 'denied6', told: 'denied-told6' },
} as const;

/** The type of the keys of `allowed`, `nets`, `leased` and `told`. */
export function egressKeyType(family: Family): readonly string[] {
  return ['ifname', family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr', 'inet_proto', 'inet_service'];
}

/** Where what no policy of a zone allows is rejected, and where it is only reported. */
export const deniedChain = 'egress-denied';
export const auditedChain = 'egress-audited';

/** Where what is beyond a zone's limits is dropped, and how often that is reported. */
export const overLimitChain = 'over-limit';
export const limitToldSet = 'limit-told-rate';
/** How fast each link begins connections, and the links that have their share of the connection table for now. */
export const shareSets = { rate: 'share-rate', exceeded: 'share-exceeded' } as const;
/** Where what a zone sends faster than it may is dropped. */
export const overBandwidthChain = 'over-bandwidth';

/** The links we serve, once in each: its counter tells how many of the zone's packets were dropped, by kind. */
export const dropCounts = {
  /** Under a source that is not the zone's own. */
  source: 'spoofed',
  /** Neighbour discovery under an IPv6 address that no zone has: a guest has given itself one more. */
  unassigned: 'unassigned',
  /** To addresses of the subnet that no zone has. */
  stray: 'strays',
  /** ICMP errors about connections that are not the zone's own. */
  error: 'foreign-errors',
  /** Neighbour discovery beyond the rate that dom0's neighbour table can bear. */
  flood: 'discovery-floods',
  /** What would have left by an uplink under the zone's own address, where the settings have it translated. */
  untranslated: 'untranslated',
  /** What no policy of the zone allows. */
  denied: 'denied-by-policy',
  /** New connections beyond the limits of the zone's policies. */
  limit: 'beyond-limit',
  /** What a zone sends faster than its policies let it. */
  bandwidth: 'beyond-bandwidth',
} as const;
/** Sets whose elements count. */
export const countedSets: ReadonlySet<string> = new Set([
  ...Object.values(sets).flatMap(({ from, to }) => [from, to]),
  ...Object.values(dropCounts),
]);
export type DropKind = keyof typeof dropCounts;
export const dropKinds = Object.keys(dropCounts) as readonly DropKind[];

/**
 * Filled by the kernel as packets come: the link-local addresses that a link has solicited from, how fast there may be new
 * ones, and how often a forgery is reported.
 */
export const filledSets = { known: 'discovery-known', discovery: 'discovery-rate', told: 'told-rate' } as const;

/** An empty chain in our table that remembers that we made `FORWARD` (and with it the table) in a family. */
export function madeForwardMarker(family: NftFamily): string {
  return `made-${family}-filter-forward`;
}

export function madeTableMarker(family: NftFamily): string {
  return `made-${family}-filter`;
}
