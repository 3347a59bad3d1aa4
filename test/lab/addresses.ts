/** Who has which address in every world. */
import {
  type Address,
  addressAt,
  type Ipv4Address,
  type Ipv6Address,
  type Prefix,
  parsePrefix,
} from '../../src/model/address.ts';

export const zoneSubnet = { ipv4: prefix('10.75.0.0/16'), ipv6: prefix('fdd4:1476:6c7e::/48') };
/** First address of each subnet: what a guest asks ARP and NDP for; nobody owns it. */
export const gateway = { ipv4: '10.75.0.1', ipv6: 'fdd4:1476:6c7e::1' };
/** dom0's address on `uplink0`: what masqueraded packets carry. */
export const hostUplink = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };
/** The internet's next hop, dom0's default route. */
export const internetGateway = { ipv4: '192.0.2.2', ipv6: '2001:db8::2' };
/** A host further away, reached only by the default route. */
export const farHost = { ipv4: '198.51.100.10', ipv6: '2001:db8:99::10' };
/** netback gives every link on the host this one (seen on Xen 4.17). */
export const netbackMac = 'fe:ff:ff:ff:ff:ff';

/** A zone's addresses where the test names none. Distinct for device 0 of every domain. */
export function defaultAddresses(domid: number, devid: number): { ipv4: Ipv4Address; ipv6: Ipv6Address } {
  const offset = BigInt(256 + domid + devid * 8192) % 65_535n;
  return {
    ipv4: addressAt(zoneSubnet.ipv4, offset) as Ipv4Address,
    ipv6: addressAt(zoneSubnet.ipv6, offset) as Ipv6Address,
  };
}

export function isIpv6(address: Address | string): boolean {
  return address.includes(':');
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
}
