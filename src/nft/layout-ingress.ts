/**
 * What keeps a zone to its own addresses on a link that somebody else has taken: a chain at the link's ingress, which comes
 * ahead of a bridge, bond, VRF, macvlan or VLAN device. Pure.
 *
 * A VLAN's tag is off the frame by then, so that what it carries is judged alike; a second tag is one protocol of the many
 * that are dropped. There is no accept for DHCP: the zone has its address from a zone directory.
 */
import { type Address, type Family, families, familyOf, toBigInt } from '../model/address.ts';
import { accept, addressIs, bitsAre, counter, drop, type Expression, payloadIs } from './expressions.ts';
import { linkLocal, linkMulticast } from './layout-guard.ts';
import type { ChainLayout, ZonePair } from './layout-model.ts';
import { isBelow } from './rates.ts';

/** Others' ingress chains, which may forward or mirror, find only what the zone may send. */
const beforeOthers = -450;
/** Each made-up sender is an entry in the neighbour tables of all who are on that bridge. */
const solicitations = { perSecond: 10, burst: 20 };
/** Where neighbour discovery has the address that it is about, in bits of the ICMPv6 message (RFC 4861 4.3, 4.4). */
const targetOffset = 64;

/** Ends with a drop. Policies hold where dom0 routes, which nothing passes that a bridge takes on: of a zone with one all is dropped. */
export function ingressChain({ link, addresses, access }: ZonePair): ChainLayout {
  const hook = { type: 'filter', hook: 'ingress', dev: link, prio: beforeOthers } as const;
  if (access?.mode === 'enforce') return { name: link, hook, rules: [[drop]] };
  const own = (family: Family) => addresses.filter((address) => familyOf(address) === family);
  return {
    name: link,
    hook,
    rules: [
      ...own('ipv4').flatMap(arpOf),
      ...adverts(own('ipv6')),
      ...families.flatMap((family) => own(family).map((address) => [addressIs(family, 'saddr', address), accept])),
      ...solicitationsOf(own('ipv6')),
      // Multicast listener reports and router solicitations: every guest sends them, none of them is a forgery.
      ...['::', linkLocal].map((source) => [
        payloadIs('ip6', 'saddr', source),
        payloadIs('ip6', 'daddr', linkMulticast),
        drop,
      ]),
      [counter, drop],
    ],
  };
}

/** ARP under its own address, and probes for it, which have none yet (RFC 5227 1.1). */
function arpOf(address: Address): Expression[][] {
  const ofEthernet = [payloadIs('arp', 'hlen', 6), payloadIs('arp', 'plen', 4)];
  const own = payloadIs('arp', 'saddr ip', address);
  const probe = [payloadIs('arp', 'saddr ip', '0.0.0.0'), payloadIs('arp', 'daddr ip', address)];
  return [
    [...ofEthernet, own, accept],
    [...ofEthernet, ...probe, accept],
  ];
}

/** An advert speaks for its target, whatever its source: on a bridge all the others would believe it. */
function adverts(addresses: readonly Address[]): Expression[][] {
  const sources = [...addresses, linkLocal];
  const targets = targetsOf(addresses);
  return [
    ...sources.flatMap((source) =>
      targets.map((target) => [...discovery(source, 'nd-neighbor-advert'), ...target, accept]),
    ),
    [payloadIs('icmpv6', 'type', 'nd-neighbor-advert'), counter, drop],
  ];
}

function solicitationsOf(addresses: readonly Address[]): Expression[][] {
  return [
    [...discovery(linkLocal, 'nd-neighbor-solicit'), isBelow(solicitations), accept],
    // Duplicate address detection (RFC 4862 5.4.2).
    ...targetsOf(addresses).map((target) => [...discovery('::', 'nd-neighbor-solicit'), ...target, accept]),
  ];
}

function discovery(source: unknown, type: string): Expression[] {
  return [payloadIs('ip6', 'saddr', source), payloadIs('ip6', 'hoplimit', 255), payloadIs('icmpv6', 'type', type)];
}

/** Each of the addresses, and link-local ones. */
function targetsOf(addresses: readonly Address[]): Expression[][] {
  return [...addresses.map(targetIs), [bitsAre(targetOffset, 16, 0xfe80, 0xffc0)]];
}

/**
 * In pieces that begin elsewhere than the address, and never one behind the one before it: what nft from 1.1 on takes for
 * the address, or can join to it, it lists by a name that nft 1.0.6 does not have. The first piece begins in the field ahead
 * of it, which is zero.
 */
function targetIs(address: Address): Expression[] {
  const whole = toBigInt(address);
  const piece = (offset: number, len: number) => {
    const value = (whole >> BigInt(128 - offset - len)) & ((1n << BigInt(len)) - 1n);
    return bitsAre(targetOffset + offset, len, Number(value));
  };
  return [piece(-16, 32), piece(48, 32), piece(112, 16), piece(16, 32), piece(80, 32)];
}
