/** Packets byte by byte, as their RFCs draw them: pure functions from fields to bytes, with nothing forbidden. */
import { type Address, familyOf, toBigInt } from '../../../src/model/address.ts';

/** IP protocol numbers and IPv6 next headers; 253 is for experiments (RFC 3692). */
export const protocols = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  experiment: 253,
} as const;

/** The upper part of a packet and what it is. */
export interface Payload {
  readonly protocol: number;
  readonly bytes: Buffer;
}

export interface Ipv4Fields {
  readonly id?: number;
  /** In bytes, a multiple of 8. */
  readonly offset?: number;
  readonly moreFragments?: boolean;
  readonly ttl?: number;
  /** Padded to a multiple of 4. */
  readonly options?: Buffer;
}

export function ipv4(source: string, destination: string, payload: Payload, fields: Ipv4Fields = {}): Buffer {
  const { id = 0, offset = 0, moreFragments = false, ttl = 64, options = Buffer.alloc(0) } = fields;
  const header = Buffer.alloc(20 + Math.ceil(options.length / 4) * 4);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt16BE(header.length + payload.bytes.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE((moreFragments ? 0x2000 : 0) | (offset >> 3), 6);
  header.writeUInt8(ttl, 8);
  header.writeUInt8(payload.protocol, 9);
  addressBytes(source).copy(header, 12);
  addressBytes(destination).copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload.bytes]);
}

export interface Ipv6Fields {
  readonly hopLimit?: number;
}

export function ipv6(source: string, destination: string, payload: Payload, fields: Ipv6Fields = {}): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payload.bytes.length, 4);
  header.writeUInt8(payload.protocol, 6);
  header.writeUInt8(fields.hopLimit ?? 64, 7);
  return Buffer.concat([header, addressBytes(source), addressBytes(destination), payload.bytes]);
}

/** An IPv6 extension header in front of a payload; `content` follows the two bytes that all have, and is padded with zeros. */
export function extension(protocol: number, content: Buffer, inner: Payload): Payload {
  const bytes = Buffer.alloc(Math.ceil((2 + content.length) / 8) * 8);
  bytes.writeUInt8(inner.protocol, 0);
  bytes.writeUInt8(bytes.length / 8 - 1, 1);
  content.copy(bytes, 2);
  return { protocol, bytes: Buffer.concat([bytes, inner.bytes]) };
}

/** A piece of a packet behind the fragment header (RFC 8200 4.5). `offset` in bytes, a multiple of 8. */
export function fragment6(id: number, offset: number, moreFragments: boolean, piece: Payload): Payload {
  const header = Buffer.alloc(8);
  header.writeUInt8(piece.protocol, 0);
  header.writeUInt16BE(offset | (moreFragments ? 1 : 0), 2);
  header.writeUInt32BE(id, 4);
  return { protocol: protocols.fragment, bytes: Buffer.concat([header, piece.bytes]) };
}

/** Without checksum, which IPv4 allows, unless the two addresses of an IPv6 packet are told. */
export function udp(sourcePort: number, destinationPort: number, data: Buffer, between?: Ends): Payload {
  const bytes = Buffer.concat([Buffer.alloc(8), data]);
  bytes.writeUInt16BE(sourcePort, 0);
  bytes.writeUInt16BE(destinationPort, 2);
  bytes.writeUInt16BE(bytes.length, 4);
  if (between !== undefined) bytes.writeUInt16BE(checksum(Buffer.concat([pseudo(between, 17, bytes), bytes])), 6);
  return { protocol: protocols.udp, bytes };
}

/** RFC 792. `rest` are bytes 4 to 7. */
export function icmp(type: number, code: number, rest: number | Buffer, data: Buffer): Payload {
  const bytes = icmpBytes(type, code, rest, data);
  bytes.writeUInt16BE(checksum(bytes), 2);
  return { protocol: protocols.icmp, bytes };
}

/** The source and destination of the packet that a checksum covers. */
export type Ends = readonly [source: string, destination: string];

/** RFC 4443. `rest` are bytes 4 to 7. */
export function icmpv6(between: Ends, type: number, code: number, rest: number | Buffer, data: Buffer): Payload {
  const bytes = icmpBytes(type, code, rest, data);
  bytes.writeUInt16BE(checksum(Buffer.concat([pseudo(between, 58, bytes), bytes])), 2);
  return { protocol: protocols.icmpv6, bytes };
}

export interface Arp {
  readonly operation: 'request' | 'reply';
  readonly sender: readonly [mac: string, address: string];
  readonly target: readonly [mac: string, address: string];
}

/** RFC 826, for Ethernet and IPv4. */
export function arp({ operation, sender, target }: Arp): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation === 'request' ? 1 : 2]);
  const ends = [sender, target].flatMap(([mac, address]) => [macBytes(mac), addressBytes(address)]);
  return Buffer.concat([head, ...ends]);
}

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, vlan: 0x8100, qinq: 0x88a8 } as const;

/** `tags`: type and VLAN of each tag, outermost first. Padded to the 60 bytes of the shortest frame. */
export function ethernet(
  destination: string,
  source: string,
  type: number,
  content: Buffer,
  tags: readonly (readonly [type: number, vlan: number])[] = [],
): Buffer {
  const words = [...tags.flat(), type].map((word) => Buffer.from([word >> 8, word & 0xff]));
  const frame = Buffer.concat([macBytes(destination), macBytes(source), ...words, content]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))]);
}

export function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** By RFC 4291, appendix A. */
export function linkLocalOf(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return `fe80::${groups.map((group) => group.toString(16)).join(':')}`;
}

/** Throws nothing and checks nothing: the caller writes the address. */
export function addressBytes(text: string): Buffer {
  const address = text as Address;
  const digits = familyOf(address) === 'ipv4' ? 8 : 32;
  return Buffer.from(toBigInt(address).toString(16).padStart(digits, '0'), 'hex');
}

function icmpBytes(type: number, code: number, rest: number | Buffer, data: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), data]);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(code, 1);
  if (typeof rest === 'number') bytes.writeUInt32BE(rest, 4);
  else rest.copy(bytes, 4);
  return bytes;
}

function pseudo([source, destination]: Ends, protocol: number, bytes: Buffer): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(bytes.length, 0);
  tail.writeUInt8(protocol, 7);
  return Buffer.concat([addressBytes(source), addressBytes(destination), tail]);
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let place = 0; place < bytes.length; place += 2) {
    sum += ((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
