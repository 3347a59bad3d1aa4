/** The names of everything of ours in nftables. SPEC fixes the chains in `filter`; the rest is inside our own table. */

import type { NftFamily } from '../host/port.ts';
import type { Family } from '../model/address.ts';

/** Ours alone: guard, mark, masquerade, and the sets they look into. */
export const ownTable = { family: 'inet', name: 'edera' } as const;
/** The second layer against forged IPv6 sources, in a table of its own: whoever loses one still has the other. */
export const reversePathTable = { family: 'ip6', name: 'edera-reverse-path' } as const;

export const filterTable = 'filter';
export const forwardHookChain = 'FORWARD';
/** Holds the documented pair of accepts for each link. */
export const forwardChain = 'EDERA-FORWARD';
/** Pinned to the head of `FORWARD` while the settings deny zones something: nobody else's accept may come before. */
export const denyChain = 'EDERA-DENY';
/** The operator's, evaluated before anything is accepted. Made by us, never filled or emptied. */
export const userChain = 'EDERA-USER';
/** Where what is about to be dropped as a forgery is told of, now and then. */
export const forgedChain = 'forged';
/** The operator's, in our table, evaluated before zones are kept from dom0's services. Never emptied by us. */
export const userInputChain = 'user-input';

export const filterFamilies: Record<Family, NftFamily> = { ipv4: 'ip', ipv6: 'ip6' };

/** Per family: who may send from a link, who is reached by it, and which addresses are zones' at all. */
export const sets = {
  ipv4: { from: 'from4', to: 'to4', zone: 'zone4' },
  ipv6: { from: 'from6', to: 'to6', zone: 'zone6' },
} as const;

/** The links we serve, once in each: its counter tells how many of the zone's packets were dropped, by kind. */
export const dropCounts = {
  /** Under a source that is not the zone's own. */
  source: 'spoofed',
  /** To addresses of the subnet that no zone has. */
  stray: 'strays',
  /** ICMP errors about connections that are not the zone's own. */
  error: 'foreign-errors',
  /** Neighbour discovery beyond the rate that dom0's neighbour table can bear. */
  flood: 'discovery-floods',
} as const;
export type DropKind = keyof typeof dropCounts;
export const dropKinds = Object.keys(dropCounts) as readonly DropKind[];

/**
 * Filled by the kernel as packets come: the link-local addresses that a link has solicited from, how fast there may be new
 * ones, and how often a forgery is told of.
 */
export const filledSets = { known: 'discovery-known', discovery: 'discovery-rate', told: 'told-rate' } as const;

/** An empty chain in our table that remembers that we made `FORWARD` (and with it the table) in a family. */
export function madeForwardMarker(family: NftFamily): string {
  return `made-${family}-filter-forward`;
}

export function madeTableMarker(family: NftFamily): string {
  return `made-${family}-filter`;
}
