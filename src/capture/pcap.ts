/** The format of pcap (draft-ietf-opsawg-pcap), as tcpdump writes and reads it: Ethernet, microseconds. Pure. */
import { ProtectNetworkError } from '../model/errors.ts';

/** `data` is what was kept of `length` bytes, and is not looked into. */
export interface CapturedPacket {
  /** Microseconds since 1970. */
  readonly time: bigint;
  readonly length: number;
  readonly data: Buffer;
}

const magic = 0xa1b2c3d4;
const ethernet = 1;
/** tcpdump's default (MAXIMUM_SNAPLEN). */
export const snapLength = 262_144;
const headerLength = 24;
const recordLength = 16;

export function pcapHeader(): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32LE(magic, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snapLength, 16);
  header.writeUInt32LE(ethernet, 20);
  return header;
}

export function pcapRecord({ time, length, data }: CapturedPacket): Buffer {
  const record = Buffer.alloc(recordLength);
  record.writeUInt32LE(Number(time / 1_000_000n), 0);
  record.writeUInt32LE(Number(time % 1_000_000n), 4);
  record.writeUInt32LE(data.length, 8);
  record.writeUInt32LE(length, 12);
  return Buffer.concat([record, data]);
}

/** Throws `garbled` for what this machine's tcpdump does not write. Half a packet at the end is left out. */
export async function* readPcap(chunks: AsyncIterable<Buffer>): AsyncIterable<CapturedPacket> {
  let rest: Buffer = Buffer.alloc(0);
  let isBegun = false;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!isBegun && rest.length >= headerLength) {
      judgeHeader(rest);
      rest = rest.subarray(headerLength);
      isBegun = true;
    }
    for (let packet = isBegun && firstPacket(rest); packet; packet = firstPacket(rest)) {
      yield packet;
      rest = rest.subarray(recordLength + packet.data.length);
    }
  }
}

function judgeHeader(header: Buffer): void {
  if (header.readUInt32LE(0) === magic && header.readUInt32LE(20) === ethernet) return;
  throw new ProtectNetworkError('garbled', 'tcpdump writes no packets of Ethernet; the link is none of a zone');
}

/** Undefined until it is whole. */
function firstPacket(bytes: Buffer): CapturedPacket | undefined {
  if (bytes.length < recordLength) return undefined;
  const kept = bytes.readUInt32LE(8);
  if (kept > snapLength) throw new ProtectNetworkError('garbled', `tcpdump writes a packet of ${kept} bytes`);
  if (bytes.length < recordLength + kept) return undefined;
  const time = BigInt(bytes.readUInt32LE(0)) * 1_000_000n + BigInt(bytes.readUInt32LE(4));
  return { time, length: bytes.readUInt32LE(12), data: bytes.subarray(recordLength, recordLength + kept) };
}
