/** Blocks of a pcapng file (draft-ietf-opsawg-pcapng), which tells several interfaces apart and may say something of a packet. Pure. */
import { type CapturedPacket, snapLength } from './pcap.ts';

const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const enhancedPacket = 6;
const ethernet = 1;
/** Options: opt_comment of any block; shb_userappl; if_name and if_description. */
const option = { comment: 1, program: 4, name: 2, description: 3 } as const;

export interface CapturedInterface {
  readonly name: string;
  readonly description: string;
}

/** What a file begins with. Packets name an interface by its place. */
export function fileHeader(program: string, interfaces: readonly CapturedInterface[]): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(0x1a2b3c4d, 0);
  head.writeUInt16LE(1, 4);
  // The section's length is not known.
  head.writeBigInt64LE(-1n, 8);
  const described = interfaces.map(({ name, description }) => {
    const body = Buffer.alloc(8);
    body.writeUInt16LE(ethernet, 0);
    body.writeUInt32LE(snapLength, 4);
    return block(interfaceDescription, [body, text(option.name, name), text(option.description, description), end]);
  });
  return Buffer.concat([block(sectionHeader, [head, text(option.program, program), end]), ...described]);
}

export function packetBlock(place: number, { time, length, data }: CapturedPacket, comment?: string): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(place, 0);
  head.writeUInt32LE(Number(time >> 32n), 4);
  head.writeUInt32LE(Number(time & 0xffff_ffffn), 8);
  head.writeUInt32LE(data.length, 12);
  head.writeUInt32LE(length, 16);
  const options = comment === undefined ? [] : [text(option.comment, comment), end];
  return block(enhancedPacket, [head, padded(data), ...options]);
}

const end = Buffer.alloc(4);

function text(code: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(bytes.length, 2);
  return Buffer.concat([head, padded(bytes)]);
}

function block(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const frame = Buffer.alloc(8);
  frame.writeUInt32LE(type, 0);
  frame.writeUInt32LE(body.length + 12, 4);
  return Buffer.concat([frame, body, frame.subarray(4)]);
}

/** To a multiple of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
