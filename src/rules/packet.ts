/** The packet whose way is computed, and the connection it belongs to. Values only. */
import type { Address, Family } from '../model/address.ts';
import { among, known, type Value } from './value.ts';

/** ICMPv6's types. */
export const neighbourSolicitation = 135;
export const neighbourAdvert = 136;

export type Transport = 'icmp' | 'tcp' | 'udp';

/** A packet as far as it is known: a `Value` stands where it may be several, `transport` is undefined for any. */
export interface Glimpse extends Endpoints<Address | Value> {
  readonly family: Family;
  readonly transport: Transport | undefined;
  readonly input: string | undefined | Value;
  readonly output: string | undefined | Value;
  readonly mark: number | undefined | Value;
  readonly reply: boolean;
  /** ICMP's; an echo request or its reply unless told. */
  readonly icmpType?: number;
  /** It is no IP packet: it asks for the destination, or answers it, between these addresses. */
  readonly arp?: 'request' | 'reply';
}

/** A packet with a payload that nobody knows: what is undefined here cannot be decided by looking at the ruleset. */
export interface Packet extends Glimpse {
  readonly source: Address;
  readonly destination: Address;
  readonly transport: Transport;
  /** The link it came by, undefined for what the host itself sends. */
  readonly input: string | undefined;
  /** The link it leaves by, undefined before the routing decision and for what the host takes itself. */
  readonly output: string | undefined;
  /** The host's packet mark; undefined once a rule has set it to something that is not known here. */
  readonly mark: number | undefined;
  /** True for the answer to the packet that opened the connection. */
  readonly reply: boolean;
}

/** Of connection tracking (`ct zone`): one connection is found there by its first direction, and by the other one. */
export interface Zones {
  readonly original: number;
  readonly reply: number;
}

/** What connection tracking knows: made by the first packet, looked into by the reply. */
export interface Connection<Each = Address> {
  readonly mark: number | undefined;
  readonly zones: Zones;
  /** As the first packet had them before any translation. */
  readonly original: Endpoints<Each>;
  /** Undefined where the chain did not translate. */
  readonly destinationNat: Translation | undefined;
  readonly sourceNat: Translation | undefined;
  /** Begun by what is a reply in truth: its first packet was not tracked. */
  readonly orphan: boolean;
}

export interface Endpoints<Each = Address> {
  readonly source: Each;
  readonly destination: Each;
  /** Ports are undefined where the sender's kernel chooses them; always undefined for ICMP. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

/** `address` undefined: only the port changes, or one of a range that the kernel picks. */
export interface Translation {
  readonly address: Address | undefined;
  readonly port: number | undefined;
}

/** IANA's protocol number. Of any protocol it may be, but the other family's ICMP. */
export function protocolOf({ transport, family }: Glimpse): Value {
  const [icmp, other] = family === 'ipv4' ? [1n, 58n] : [58n, 1n];
  if (transport !== undefined) return known('protocol', { icmp, tcp: 6n, udp: 17n }[transport]);
  const spans = [[0n, other - 1n] as const, [other + 1n, 255n] as const];
  return among('protocol', spans, 'its protocol');
}

export function isPacket(packet: Glimpse): packet is Packet {
  const { source, destination, input, output, mark, transport } = packet;
  return transport !== undefined && [source, destination, input, output, mark].every((it) => typeof it !== 'object');
}

export function endpointsOf(packet: Packet): Endpoints {
  const { source, destination, sourcePort, destinationPort } = packet;
  return { source, destination, sourcePort, destinationPort };
}

export function describePacket(packet: Packet): string {
  const port = packet.destinationPort === undefined ? '' : ` port ${packet.destinationPort}`;
  const echo = packet.reply ? 'an echo reply' : 'an echo request';
  const what = packet.transport === 'icmp' ? echo : packet.transport.toUpperCase();
  return `${what} from ${packet.source} to ${packet.destination}${port}`;
}
