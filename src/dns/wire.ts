/** Parts of messages (RFC 1035 4). */
import packet from 'dns-packet';

export const headerBytes = 12;
export const classIn = 1;
export const types = { a: 1, cname: 5, ptr: 12, hinfo: 13, aaaa: 28, opt: 41, any: 255 } as const;
/** Of the header's second word. */
export const flags = {
  response: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
  rcode: 0x000f,
} as const;

export interface Record {
  readonly type: string;
  readonly name: string;
  readonly ttl: number;
  readonly data: unknown;
  /** Of an OPT record alone. */
  readonly udpPayloadSize?: number;
  readonly ednsVersion?: number;
}

/** The types of dns-packet leave its decoders of parts out. */
const { answer } = packet as unknown as {
  answer: { decode: ((bytes: Buffer, from: number) => Record) & { bytes: number } };
};

/** `count` records, of which the first begins at `from`; what follows them is not looked at. Throws where one is broken. */
export function readRecords(bytes: Buffer, from: number, count: number): Record[] {
  const records: Record[] = [];
  for (let place = from; records.length < count; place += answer.decode.bytes) {
    records.push(answer.decode(bytes, place));
  }
  return records;
}

/** `name` in labels of ASCII, without its last dot. */
export function encodeName(name: string): Buffer {
  const bytes = Buffer.alloc(name.length + 2);
  let place = 0;
  for (const label of name.split('.')) {
    place = bytes.writeUInt8(label.length, place);
    place += bytes.write(label, place, 'latin1');
  }
  return bytes;
}
