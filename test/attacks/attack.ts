/** What an attack is, and the words that all attacks are written in. */
import type { Family } from '../../src/model/address.ts';
import { ethernet, etherTypes, ipv4, ipv6, type Payload, udp } from '../lab/frames/packets.ts';

/** Everybody's addresses in the arena. */
export interface Cast {
  readonly zone: Party;
  readonly sibling: Party;
  /** Addresses of dom0: `ipv4` and `ipv6` on its uplink. */
  readonly host: Party;
  /** dom0's next hop. Its link-local address is `fe80` + its hardware address, as everybody's. */
  readonly nextHop: Party;
  /** Of dom0's ends of the zones' links. */
  readonly linkMac: string;
  readonly gateway: Addresses;
  readonly far: Addresses;
}

export interface Addresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface Party extends Addresses {
  readonly mac: string;
  readonly linkLocal: string;
}

export type Sender = 'zone' | 'sibling' | 'internet';

/** Frames by who sends them. */
export interface Step {
  readonly from: Sender;
  /** Not the attack but its victim's own doing, which comes after it. */
  readonly genuine?: true;
  readonly frames: readonly Buffer[];
}

/** A new tag for each frame: what carries it is recognised wherever it turns up, see `frame-watch`. */
export type Mark = () => Buffer;

export interface Attack {
  readonly name: string;
  readonly family: Family;
  /** Heading in the table. */
  readonly group: string;
  /** Its outer packets carry the zone's own address: that dom0 tracks them as connections is right. */
  readonly ownSource?: true;
  /** Before it, dom0 has a VXLAN device (42, port 4789), which takes packets from whoever sends them. */
  readonly tunnelDevice?: true;
  /** Both zones' links are ports of a bridge by then. */
  readonly bridged?: true;
  /** dom0 gives the zone's packets another source as they come out of defragmentation, a stand-in for whatever else may. */
  readonly changedSource?: true;
  /** dom0 does not forward IPv6 yet: a kernel that does believes no router advertisements. */
  readonly beforeForwarding?: true;
  /** Policies say what the zone, and its sibling, may reach: `policies.ts`. */
  readonly policed?: true;
  /** One round. `round` is unique and good as an identification. */
  steps(cast: Cast, mark: Mark, round: number): readonly Step[];
}

/** Whether dom0 has to be made ready for it: without that it is an honest packet, or none at all. */
export function wantsPreparation({ tunnelDevice, bridged, changedSource, beforeForwarding, policed }: Attack): boolean {
  return [tunnelDevice, bridged, changedSource, beforeForwarding, policed].includes(true);
}

/** Where a zone's packets could go: the outside, a sibling, dom0. */
export function targets({ far, sibling, host }: Cast, family: Family): string[] {
  return [far[family], sibling[family], host[family]];
}

/** An address of the subnet that nobody has. */
export const free: Addresses = { ipv4: '10.75.0.99', ipv6: 'fdd4:1476:6c7e::99' };
/** Somebody's in the outside world. */
export const anybody: Addresses = { ipv4: '8.8.8.8', ipv6: '2001:db8:77::7' };

/** Where `frame-watch` listens on dom0. */
export const watchedPort = 4711;
/** Where honest packets come from. */
export const honestPort = 4710;

/** A tag in a datagram, each from a port of its own: 24 bytes, the tag behind the eight of the header. */
export function tagged(mark: Mark, source: string, destination: string): Payload {
  const bytes = mark();
  const port = 20_000 + (bytes.readUInt32BE(4) % 40_000);
  const ends = source.includes(':') ? ([source, destination] as const) : undefined;
  return udp(port, watchedPort, Buffer.concat([bytes, Buffer.alloc(4)]), ends);
}

export function taggedPacket(family: Family, source: string, destination: string, mark: Mark): Buffer {
  return packet(family, source, destination, tagged(mark, source, destination));
}

export function packet(family: Family, source: string, destination: string, payload: Payload): Buffer {
  return family === 'ipv4' ? ipv4(source, destination, payload) : ipv6(source, destination, payload);
}

/** A frame from the zone to dom0, which is the next hop to everywhere. */
export function fromZone({ zone, linkMac }: Cast, content: Buffer, type = typeOf(content)): Buffer {
  return ethernet(linkMac, zone.mac, type, content);
}

export function byZone(frames: readonly Buffer[]): Step[] {
  return [{ from: 'zone', frames }];
}

/** By the version that the packet states. */
export function typeOf(content: Buffer): number {
  return content.readUInt8(0) >> 4 === 4 ? etherTypes.ipv4 : etherTypes.ipv6;
}
