/** The packet whose way is computed, and the connection it belongs to. Values only. */
import type { Address, Family } from '../model/address.ts';

export type Transport = 'icmp' | 'tcp' | 'udp';

/** A packet with a payload that nobody knows: what is undefined here cannot be decided by looking at the ruleset. */
export interface Packet {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly transport: Transport;
  /** Undefined where the sender's kernel chooses it; always undefined for ICMP. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** The link it came by, undefined for what the host itself sends. */
  readonly input: string | undefined;
  /** The link it leaves by, undefined before the routing decision and for what the host takes itself. */
  readonly output: string | undefined;
  /** The host's packet mark; undefined once a rule has set it to something that is not known here. */
  readonly mark: number | undefined;
  /** True for the answer to the packet that opened the connection. */
  readonly reply: boolean;
}

/** What connection tracking knows: made by the first packet, looked into by the reply. */
export interface Connection {
  readonly mark: number | undefined;
  /** As the first packet had them before any translation. */
  readonly original: Endpoints;
  /** Undefined where the chain did not translate. */
  readonly destinationNat: Translation | undefined;
  readonly sourceNat: Translation | undefined;
  /** Begun by what is a reply in truth: its first packet was not tracked. */
  readonly orphan: boolean;
}

export interface Endpoints {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

/** `address` undefined: only the port changes, or one of a range that the kernel picks. */
export interface Translation {
  readonly address: Address | undefined;
  readonly port: number | undefined;
}

/** IANA protocol numbers. */
export function protocolNumber(packet: Packet): number {
  if (packet.transport === 'icmp') return packet.family === 'ipv4' ? 1 : 58;
  return packet.transport === 'tcp' ? 6 : 17;
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
