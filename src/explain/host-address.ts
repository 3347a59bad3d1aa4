/** The host's own addresses, and which of them the kernel gives a packet that it translates. Pure. */
import type { InspectedLink } from '../host/inspection.ts';
import { type Address, type Family, familyOf, toBigInt } from '../model/address.ts';
import { isWithin } from '../rules/routing.ts';

interface HostAddress {
  readonly address: Address;
  readonly scope: string;
  readonly length: number;
  readonly isUsable: boolean;
}

/** Where redirect leads: the link's first address that is more than link-local. */
export function primaryAddress(link: InspectedLink | undefined, family: Family): Address | undefined {
  const addresses = addressesOf(link, family);
  return (addresses.find(({ scope }) => scope === 'global') ?? (family === 'ipv4' ? undefined : addresses[0]))?.address;
}

/**
 * What masquerade puts there. IPv4: the address whose subnet the next hop is in, else the link's first, else the first of any other
 * link (inet_select_addr of Linux). IPv6: the one that suits the destination best (RFC 6724).
 */
export function masqueradeAddress(
  links: ReadonlyMap<string, InspectedLink>,
  output: string,
  destination: Address,
  nextHop: Address | undefined,
): Address | undefined {
  const family = familyOf(destination);
  const own = globalAddresses(links.get(output), family);
  const others = [...links.values()].flatMap((link) => globalAddresses(link, family));
  const candidates = own.length > 0 ? own : others;
  if (family === 'ipv6') return bestFor(destination, candidates)?.address;
  const to = nextHop !== undefined && familyOf(nextHop) === 'ipv4' ? nextHop : destination;
  const near = own.find(({ address, length }) => isWithin(to, address, length));
  return (near ?? candidates[0])?.address;
}

/** Under which the host solicits a neighbour: the packet's own source where the link has it, else link-local (ndisc_solicit of Linux). */
export function askingAddress(link: InspectedLink | undefined, source: Address): Address | undefined {
  const own = addressesOf(link, 'ipv6');
  return (own.find(({ address }) => address === source) ?? own.find(({ scope }) => scope === 'link'))?.address;
}

/** The same label as the destination's first, which keeps private addresses (fc00::/7) from public places; then the longest match. */
function bestFor(destination: Address, candidates: readonly HostAddress[]): HostAddress | undefined {
  const rank = ({ address }: HostAddress) =>
    (isPrivate(address) === isPrivate(destination) ? 1000 : 0) + commonLength(address, destination);
  return candidates.toSorted((one, other) => rank(other) - rank(one))[0];
}

function isPrivate(address: Address): boolean {
  return toBigInt(address) >> 121n === 0xfcn >> 1n;
}

function commonLength(one: Address, other: Address): number {
  const difference = toBigInt(one) ^ toBigInt(other);
  return difference === 0n ? 128 : 128 - difference.toString(2).length;
}

function globalAddresses(link: InspectedLink | undefined, family: Family): HostAddress[] {
  return addressesOf(link, family).filter(({ scope, isUsable }) => scope === 'global' && isUsable);
}

function addressesOf(link: InspectedLink | undefined, family: Family): HostAddress[] {
  return (link?.addr_info ?? []).flatMap(({ local, scope, prefixlen, isUsable }) => {
    if (familyOf(local) !== family) return [];
    return [{ address: local, scope, length: prefixlen, isUsable }];
  });
}

/** The link that bears the address; undefined where it is not the host's. */
export function bearerOf(links: Iterable<InspectedLink>, address: Address): string | undefined {
  for (const { ifname, addr_info } of links) {
    if (addr_info.some(({ local }) => local === address)) return ifname;
  }
  return undefined;
}
