/** The zone subnets: what a usable one is, and which of its addresses no zone may have. Pure. */
import {
  type Address,
  addressAt,
  contains,
  type Family,
  familyNames,
  familyOf,
  hostLength,
  lastAddress,
  ofFamily,
  overlap,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixesOf,
  toBigInt,
} from '../model/address.ts';
import { say } from '../words/say.ts';
import { reasons } from '../words/warnings.ts';
import { reservedIn } from './fleet.ts';

export interface Subnet {
  readonly prefix: Prefix;
  /** What zones use as their gateway: the prefix's first address plus one. */
  readonly gateway: Address;
  /** The host's own address towards zones: the prefix's first address plus two. */
  readonly host: Address;
  /** Network address, gateway, host and, for IPv4, broadcast: never a zone's. */
  readonly reserved: ReadonlySet<Address>;
  /** The parts of the prefix of which this host's zones have theirs; undefined: all of it. */
  readonly blocks?: readonly Prefix[] | undefined;
}

/** A family that is switched off has no subnet. */
export interface Subnets {
  readonly ipv4: Subnet | undefined;
  readonly ipv6: Subnet | undefined;
}

/** Shorter is a slip of the pen; longer leaves no room for network address, gateway, host, a zone and broadcast. */
const lengthBounds: Record<Family, { shortest: number; longest: number }> = {
  ipv4: { shortest: 8, longest: 29 },
  ipv6: { shortest: 8, longest: 125 },
};

/** Ranges that a kernel does not forward as unicast between links (RFC 6890), or that mean something else. */
const unusableRanges: readonly { prefix: string; name: string }[] = [
  { prefix: '0.0.0.0/8', name: 'unspecified' },
  { prefix: '127.0.0.0/8', name: 'loopback' },
  { prefix: '169.254.0.0/16', name: 'link-local' },
  { prefix: '224.0.0.0/4', name: 'multicast' },
  { prefix: '240.0.0.0/4', name: 'reserved' },
  { prefix: '::/8', name: 'unspecified, loopback and IPv4-mapped' },
  { prefix: 'fe80::/10', name: 'link-local' },
  { prefix: 'ff00::/8', name: 'multicast' },
];

/** The subnet of a prefix that `parseSubnet` accepts. */
export function subnetOf(prefix: Prefix): Subnet {
  const gateway = addressAt(prefix, 1n);
  const host = addressAt(prefix, 2n);
  const reserved = new Set([prefix.address, gateway, host]);
  if (prefix.family === 'ipv4') reserved.add(lastAddress(prefix));
  return { prefix, gateway, host, reserved };
}

/** The subnets with the parts of them that are this host's; a family without any is all of it. */
export function withBlocks(subnets: Subnets, blocks: readonly Prefix[]): Subnets {
  const within = (family: Family) => {
    const [subnet, own] = [subnets[family], ofFamily(blocks, family)];
    return subnet === undefined || own.length === 0 ? subnet : { ...subnet, blocks: own };
  };
  return { ipv4: within('ipv4'), ipv6: within('ipv6') };
}

/** Why no zone may have `address`, for people; undefined where one may. */
export function whyNotUsable(subnets: Subnets, address: Address): string | undefined {
  const family = familyOf(address);
  const subnet = subnets[family];
  if (subnet === undefined) return say(reasons.familyOff, { address, family: familyNames[family] });
  const { prefix } = subnet;
  const gaps = { address, subnet: prefix.text };
  if (!contains(prefix, address)) return say(reasons.outside, gaps);
  if (address === prefix.address) return say(reasons.networkAddress, gaps);
  if (address === subnet.gateway) return say(reasons.gateway, gaps);
  if (address === subnet.host) return say(reasons.hostAddress, gaps);
  if (subnet.reserved.has(address)) return say(reasons.broadcast, gaps);
  return subnet.blocks === undefined ? undefined : whyNotInBlocks(subnet.blocks, address);
}

function whyNotInBlocks(blocks: readonly Prefix[], address: Address): string | undefined {
  const block = blocks.find((each) => contains(each, address));
  if (block === undefined) {
    return say(reasons.outsideBlock, { address, subnet: blocks.map(({ text }) => text).join(', ') });
  }
  const { network, broadcast } = reservedIn(block);
  if (address === network) return say(reasons.networkAddress, { address, subnet: block.text });
  return address === broadcast ? say(reasons.broadcast, { address, subnet: block.text }) : undefined;
}

/** The subnet written as `text`, or what is wrong with it and what was expected. */
export function parseSubnet(family: Family, text: string): Subnet | { readonly wrong: string } {
  const { shortest, longest } = lengthBounds[family];
  const [bare = '', length = ''] = text.split('/');
  const address = parseAddress(bare);
  if (
    address === undefined ||
    familyOf(address) !== family ||
    !/^\d{1,3}$/.test(length) ||
    text !== `${bare}/${length}`
  ) {
    return {
      wrong: `is not an ${familyNames[family]} prefix; expected one such as "${examples[family]}", or "" to switch it off`,
    };
  }
  if (Number(length) > longest) {
    const why = 'it needs room for the network address, gateway, host and a zone';
    return { wrong: `is too small (/${length}); expected a prefix of /${shortest} to /${longest}, as ${why}` };
  }
  if (Number(length) < shortest) {
    return { wrong: `is too large (/${length}); expected a prefix of /${shortest} to /${longest}` };
  }
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    return { wrong: `is not a prefix; expected "${networkOf(address, Number(length))}/${Number(length)}"` };
  }
  const range = unusableRanges.find((candidate) => prefixesOf(candidate.prefix).some((each) => overlap(each, prefix)));
  if (range !== undefined) {
    return { wrong: `overlaps the ${range.name} range ${range.prefix}; expected unicast addresses of your own` };
  }
  return subnetOf(prefix);
}

/** False for ranges that no host has a unicast address of its own in. */
export function isHostAddress(address: Address): boolean {
  return unusableRanges.every(({ prefix }) => {
    const range = parsePrefix(prefix);
    return range === undefined || !contains(range, address);
  });
}

const examples: Record<Family, string> = { ipv4: '10.75.0.0/16', ipv6: 'fdd4:1476:6c7e::/48' };

/** `address` with its host bits cleared. */
export function networkOf(address: Address, length: number): Address {
  const family = familyOf(address);
  const hostBits = toBigInt(address) & ((1n << BigInt(hostLength(family) - length)) - 1n);
  return addressAt({ family, address, length, text: `${address}/${length}` }, -hostBits);
}
