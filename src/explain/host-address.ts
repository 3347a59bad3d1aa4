/** The host's own addresses. Pure. */
import type { InspectedLink } from '../host/inspection.ts';
import { type Address, type Family, familyOf, parseAddress } from '../model/address.ts';

/** What masquerade would put there: the link's first address that is more than link-local. */
export function primaryAddress(link: InspectedLink | undefined, family: Family): Address | undefined {
  const addresses = (link?.addr_info ?? []).flatMap(({ local, scope }) => {
    const address = local === undefined ? undefined : parseAddress(local);
    return address !== undefined && familyOf(address) === family ? [{ address, scope }] : [];
  });
  return (addresses.find(({ scope }) => scope === 'global') ?? (family === 'ipv4' ? undefined : addresses[0]))?.address;
}

/** The link that bears the address; undefined where it is not the host's. */
export function bearerOf(links: Iterable<InspectedLink>, address: Address): string | undefined {
  for (const { ifname, addr_info } of links) {
    if (addr_info.some(({ local }) => local !== undefined && parseAddress(local) === address)) return ifname;
  }
  return undefined;
}
