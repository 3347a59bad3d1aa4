/**
 * IP addresses and prefixes. Everything that enters the program as text becomes one of these branded values once,
 * here, in the kernel's own spelling (inet_ntop), so that a string comparison is an address comparison and nothing
 * unparsed can reach an argv, a path or an nft expression.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

export type Family = 'ipv4' | 'ipv6';
export const families: readonly Family[] = ['ipv4', 'ipv6'];
export const familyNames: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

export type Ipv4Address = string & { readonly __brand: 'Ipv4Address' };
export type Ipv6Address = string & { readonly __brand: 'Ipv6Address' };
export type Address = Ipv4Address | Ipv6Address;

/** A prefix with no host bits set, e.g. 10.75.0.0/16. `text` is its canonical spelling. */
export interface Prefix {
  readonly family: Family;
  readonly address: Address;
  readonly length: number;
  readonly text: string;
}

/** Parses a bare address; undefined for anything else, zone indices (`%eth0`) and leading zeros included. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return text as Ipv4Address;
  if (isCanonicalIpv6(text)) return text as Ipv6Address;
  if (isIPv6(text) && !text.includes('%')) {
    return new SocketAddress({ address: text, family: 'ipv6' }).address as Ipv6Address;
  }
  return undefined;
}

/**
 * True for what inet_ntop would write just so, and for most of what it writes: a short cut for the many addresses that tools
 * print, since SocketAddress shows in the profile of a start. Without it: addresses with a dotted tail, or with two zeros in a row.
 */
function isCanonicalIpv6(text: string): boolean {
  if (text.length > 39 || !canonicalGroups.test(text) || /:0:0(?::|$)/.test(text)) return false;
  let groups = 1;
  for (let place = text.indexOf(':'); place >= 0; place = text.indexOf(':', place + 1)) groups += 1;
  const gap = text.indexOf('::');
  if (gap < 0) return groups === 8;
  // The gap has counted as one group, or as two at the end. It stands for two at least, and takes in every zero beside it.
  const isLast = gap === text.length - 2;
  return (
    groups - (isLast ? 1 : 0) <= 7 && !text.includes(':0::') && !text.startsWith('0:', gap + 2) && !text.endsWith('::0')
  );
}

/** The first is not zero: behind `::` the kernel writes dotted tails. At most one gap. */
const canonicalGroups =
  /^[1-9a-f][0-9a-f]{0,3}(?::(?:0|[1-9a-f][0-9a-f]{0,3}))*(?:::(?:(?:0|[1-9a-f][0-9a-f]{0,3})(?::(?:0|[1-9a-f][0-9a-f]{0,3}))*)?)?$/;

/** Parses `10.75.0.3` or `10.75.0.3/16` and returns the bare address: directories write both. */
export function parseAddressWithOptionalLength(text: string): Address | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return parseAddress(text);
  const address = parseAddress(text.slice(0, slash));
  if (address === undefined) return undefined;
  return parseLength(text.slice(slash + 1), familyOf(address)) === undefined ? undefined : address;
}

/** Parses `10.75.0.0/16`; undefined where the text is no prefix or has host bits set. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  if (address === undefined) return undefined;
  const family = familyOf(address);
  const length = parseLength(text.slice(slash + 1), family);
  if (length === undefined) return undefined;
  const prefix: Prefix = { family, address, length, text: `${address}/${length}` };
  return networkOf(prefix, toBigInt(address)) === toBigInt(address) ? prefix : undefined;
}

/** The prefix of `length` bits that holds the address. */
export function prefixAround(address: Address, length: number): Prefix {
  const { family } = hostPrefix(address);
  const network = networkOf({ ...hostPrefix(address), length }, toBigInt(address));
  const first = fromBigInt(network, family);
  return { family, address: first, length, text: `${first}/${length}` };
}

/** For tables in the source: what is no prefix is left out. */
export function prefixesOf(...texts: readonly string[]): Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

/** The prefix that holds only the address. */
export function hostPrefix(address: Address): Prefix {
  const family = familyOf(address);
  const length = hostLength(family);
  return { family, address, length, text: `${address}/${length}` };
}

/** An address by which nobody but this host's own programs get in. */
export function isLoopback(address: Address): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

export function familyOf(address: Address): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** 32 or 128. */
export function hostLength(family: Family): 32 | 128 {
  return family === 'ipv4' ? 32 : 128;
}

export function contains(prefix: Prefix, address: Address): boolean {
  if (familyOf(address) !== prefix.family) return false;
  return networkOf(prefix, toBigInt(address)) === toBigInt(prefix.address);
}

/** The whole of `part` is in `prefix`. */
export function holds(prefix: Prefix, part: Prefix): boolean {
  return prefix.length <= part.length && contains(prefix, part.address);
}

export function ofFamily(prefixes: readonly Prefix[], family: Family): Prefix[] {
  return prefixes.filter((prefix) => prefix.family === family);
}

export function overlap(one: Prefix, other: Prefix): boolean {
  return holds(one, other) || holds(other, one);
}

/** True for addresses that are not routed on the internet (RFC 1918, RFC 6598, RFC 4193). */
export function isPrivate(address: Address): boolean {
  return privatePrefixes.some((prefix) => contains(prefix, address));
}

/** The address `offset` places after the prefix's first; the caller keeps it inside. */
export function addressAt(prefix: Prefix, offset: bigint): Address {
  return fromBigInt(toBigInt(prefix.address) + offset, prefix.family);
}

/** The prefix's last address: broadcast, for IPv4. */
export function lastAddress(prefix: Prefix): Address {
  return addressAt(prefix, (1n << BigInt(hostLength(prefix.family) - prefix.length)) - 1n);
}

export function toBigInt(address: Address): bigint {
  if (familyOf(address) === 'ipv4') {
    return address.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
  }
  return groupsOf(address).reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Of a value that an address of the family can have. */
export function fromBigInt(value: bigint, family: Family): Address {
  if (family === 'ipv4') {
    return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.') as Ipv4Address;
  }
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address as Ipv6Address;
}

function networkOf(prefix: Prefix, value: bigint): bigint {
  const hostBits = BigInt(hostLength(prefix.family) - prefix.length);
  return (value >> hostBits) << hostBits;
}

function parseLength(text: string, family: Family): number | undefined {
  if (!/^(0|[1-9]\d{0,2})$/.test(text)) return undefined;
  const length = Number(text);
  return length <= hostLength(family) ? length : undefined;
}

/** The eight 16-bit groups of an IPv6 address, `::` and a dotted tail expanded. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = groupsOfPart(head);
  if (tail === undefined) return left;
  const right = groupsOfPart(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOfPart(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const value = Number(toBigInt(group as Ipv4Address));
    return [value >>> 16, value & 0xffff];
  });
}

const privatePrefixes = prefixesOf('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7');
