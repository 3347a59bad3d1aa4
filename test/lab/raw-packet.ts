/** Raw IPv4 packets with every field as told, by a small C program that is compiled where it is needed. */
import { join } from 'node:path';
import { mustRun } from './command.ts';
import type { Namespace } from './namespace.ts';
import type { World } from './world.ts';

export interface RawPacket {
  readonly source: string;
  readonly destination: string;
  readonly id: number;
  /** In bytes, a multiple of 8. */
  readonly offset: number;
  readonly moreFragments: boolean;
  readonly protocol: 'icmp' | 'udp';
  readonly payload: Buffer;
}

export type RawSender = (from: Namespace, packet: RawPacket) => Promise<void>;

const protocols = { icmp: 1, udp: 17 };

/** Needs gcc. The program lies in the world's own directory and goes with it. */
export async function rawSender(world: World): Promise<RawSender> {
  const program = join(world.files.directory, 'raw-packet');
  await mustRun('gcc', ['-O1', '-o', program, join(import.meta.dirname, 'raw-packet.c')]);
  return async (from, { source, destination, id, offset, moreFragments, protocol, payload }) => {
    const field = (moreFragments ? 0x2000 : 0) | (offset >> 3);
    await from.mustExec(program, [
      source,
      destination,
      String(id),
      String(field),
      String(protocols[protocol]),
      payload.toString('hex'),
    ]);
  };
}

/** A UDP header without checksum, which IPv4 allows, and its data. */
export function udp(sourcePort: number, destinationPort: number, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([header, data]);
}

/** An ICMP message with its checksum (RFC 792). */
export function icmp(type: number, code: number, rest: number, data: Buffer): Buffer {
  const message = Buffer.concat([Buffer.alloc(8), data, Buffer.alloc(data.length % 2)]);
  message.writeUInt8(type, 0);
  message.writeUInt8(code, 1);
  message.writeUInt32BE(rest, 4);
  let sum = 0;
  for (let place = 0; place < message.length; place += 2) sum += message.readUInt16BE(place);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
  return message;
}

/** The head of an IPv4 packet as an ICMP error quotes it. */
export function quoted(source: string, destination: string, protocol: keyof typeof protocols, head: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + head.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocols[protocol], 9);
  for (const [at, address] of [[12, source] as const, [16, destination] as const]) {
    for (const [place, octet] of address.split('.').entries()) header.writeUInt8(Number(octet), at + place);
  }
  return Buffer.concat([header, head]);
}
