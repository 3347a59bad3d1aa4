/**
 * Where no name may lead unless its rule says `private`: whoever writes the name's records would else choose among what is
 * reachable from here and meant for nobody else (DNS rebinding).
 */
import { isIPv4 } from 'node:net';
import { type Address, contains, fromBigInt, type Prefix, prefixesOf, toBigInt } from '../model/address.ts';

/** IANA's special-purpose registries, as far as an answer has no business there; documentation prefixes harm nobody. */
const special = prefixesOf(
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Azure's host of every virtual machine, the one metadata service under a public address.
  '168.63.129.16/32',
  // Unspecified, loopback, and IPv4 in IPv6, which nobody is to be told as AAAA.
  '::/96',
  '::ffff:0:0/96',
  // NAT64 of the operator's own (RFC 8215), discard-only, Teredo, whose IPv4 address is not the one it ends at.
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
);

/** How far the IPv4 address in an IPv6 address lies from its end, in bits. */
const embedding = [
  // NAT64 (RFC 6052), 6to4 (RFC 3056).
  { prefix: prefixesOf('64:ff9b::/96'), shift: 0n },
  { prefix: prefixesOf('2002::/16'), shift: 80n },
];

/** `own`: what is private on this host besides. */
export function isKeptFrom(address: Address, own: readonly Prefix[]): boolean {
  const among = (candidate: Address) => [...special, ...own].some((prefix) => contains(prefix, candidate));
  if (among(address)) return true;
  const inside = embeddedIn(address);
  return inside !== undefined && among(inside);
}

function embeddedIn(address: Address): Address | undefined {
  if (isIPv4(address)) return undefined;
  const found = embedding.find(({ prefix }) => prefix.some((each) => contains(each, address)));
  if (found === undefined) return undefined;
  return fromBigInt((toBigInt(address) >> found.shift) & 0xffff_ffffn, 'ipv4');
}
