/** Which neighbour proxies a link should have, and how to get there. */
import type { Link, RtnetlinkChange } from '../host/port.ts';
import { type Address, familyOf } from '../model/address.ts';

/**
 * Up to this many zones with an IPv6 address each link answers for every sibling; those beyond are reached from the
 * outside and by the gateway, but not by siblings that think them on-link. The kernel needs one entry per pair, in a
 * table of 16 buckets: 64 zones make 4032 entries, 252 a bucket.
 */
export const maxSiblings = 64;

/** The addresses to answer for on a link: the gateway, and the siblings' addresses that share its families. */
export function wantedProxies(
  own: readonly Address[],
  gateway: Address | undefined,
  siblings: readonly Address[],
): Address[] {
  if (gateway === undefined || !own.some((address) => familyOf(address) === 'ipv6')) return [];
  return [gateway, ...siblings.filter((address) => !own.includes(address))];
}

export interface ProxiesPlan {
  readonly withdraw: RtnetlinkChange[];
  readonly install: RtnetlinkChange[];
}

/** A link that is down has lost its entries, whatever was seen before it went down. */
export function planProxies(
  link: Link | undefined,
  wanted: readonly Address[],
  present: ReadonlySet<Address>,
): ProxiesPlan {
  if (link === undefined) return { withdraw: [], install: [] };
  const { ifindex } = link;
  const want = new Set(wanted);
  return {
    withdraw: [...present]
      .filter((address) => !want.has(address))
      .map((address) => ({ kind: 'proxy-del', ifindex, address })),
    install: [...want]
      .filter((address) => !link.up || !present.has(address))
      .map((address) => ({ kind: 'proxy-add', ifindex, address })),
  };
}
