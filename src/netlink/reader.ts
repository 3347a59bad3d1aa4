/** Decodes netlink messages and attributes. Any bytes give values or `GarbledMessage`, in time that grows with their number. */
import { GarbledMessage } from './errors.ts';

const headerSize = 16;
const attributeHeaderSize = 4;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Of the socket that asked for what is told; 0 where nobody did. */
  readonly port: number;
  /** Behind the header. */
  readonly payload: Buffer;
}

/** The messages of one datagram. */
export function readMessages(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < headerSize)
      throw new GarbledMessage(`${datagram.length - at} bytes behind the last message`);
    const size = datagram.readUInt32LE(at);
    if (size < headerSize || size > datagram.length - at) throw new GarbledMessage(`a message of ${size} bytes`);
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      port: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + headerSize, at + size),
    });
    at += aligned(size);
  }
  return messages;
}

/**
 * A message's or attribute's attributes by type; of several of a type, the last. A link's message has fifty, of which few are
 * read: only their places are noted, and a Buffer is made of none that nobody asks for.
 */
export class Attributes {
  readonly #bytes: Buffer;
  /** Type, start and end of each. */
  readonly #places: readonly number[];

  /** Reads from `offset` to the end. */
  constructor(bytes: Buffer, offset = 0) {
    this.#bytes = bytes;
    this.#places = placesIn(bytes, offset);
  }

  bytes(type: number): Buffer | undefined {
    const at = this.#find(type, 0);
    return at < 0 ? undefined : this.#bytes.subarray(this.#places[at + 1], this.#places[at + 2]);
  }

  u8(type: number): number | undefined {
    const start = this.#startOf(type, 1);
    return start < 0 ? undefined : this.#bytes.readUInt8(start);
  }

  u32(type: number): number | undefined {
    const start = this.#startOf(type, 4);
    return start < 0 ? undefined : this.#bytes.readUInt32LE(start);
  }

  i32(type: number): number | undefined {
    const start = this.#startOf(type, 4);
    return start < 0 ? undefined : this.#bytes.readInt32LE(start);
  }

  u32be(type: number): number | undefined {
    const start = this.#startOf(type, 4);
    return start < 0 ? undefined : this.#bytes.readUInt32BE(start);
  }

  u64be(type: number): bigint | undefined {
    const start = this.#startOf(type, 8);
    return start < 0 ? undefined : this.#bytes.readBigUInt64BE(start);
  }

  u64(type: number): bigint | undefined {
    const start = this.#startOf(type, 8);
    return start < 0 ? undefined : this.#bytes.readBigUInt64LE(start);
  }

  text(type: number): string | undefined {
    const value = this.bytes(type);
    return value === undefined ? undefined : readText(value);
  }

  /** All of a type. */
  texts(type: number): string[] {
    const texts: string[] = [];
    for (let at = 0; at < this.#places.length; at += 3)
      if (this.#places[at] === type)
        texts.push(readText(this.#bytes.subarray(this.#places[at + 1], this.#places[at + 2])));
    return texts;
  }

  nested(type: number): Attributes | undefined {
    const value = this.bytes(type);
    return value === undefined ? undefined : new Attributes(value);
  }

  /** Negative where there is none. Throws for one of fewer bytes than `size`. */
  #startOf(type: number, size: number): number {
    const at = this.#find(type, size);
    return at < 0 ? at : (this.#places[at + 1] ?? 0);
  }

  #find(type: number, size: number): number {
    const places = this.#places;
    let at = places.length - 3;
    while (at >= 0 && places[at] !== type) at -= 3;
    const length = at < 0 ? size : (places[at + 2] ?? 0) - (places[at + 1] ?? 0);
    if (length < size) throw new GarbledMessage(`attribute ${type} has ${length} bytes, not ${size}`);
    return at;
  }
}

/** Every attribute in its order, also several of a type, as lists have them. */
export function attributes(bytes: Buffer, offset = 0): [type: number, value: Buffer][] {
  const places = placesIn(bytes, offset);
  const found: [number, Buffer][] = [];
  for (let at = 0; at < places.length; at += 3) {
    found.push([places[at] ?? 0, bytes.subarray(places[at + 1], places[at + 2])]);
  }
  return found;
}

function placesIn(bytes: Buffer, offset: number): number[] {
  const places: number[] = [];
  eachAttribute(bytes, offset, bytes.length, (type, start, end) => void places.push(type, start, end));
  return places;
}

/** Of what stands between two places: each one's type, where its value begins, and where that ends. */
export function eachAttribute(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  if (start > end) throw new GarbledMessage(`${end} bytes, fewer than the ${start} of its header`);
  for (let at = start; end - at >= attributeHeaderSize; ) {
    const size = u16(bytes, at);
    if (size < attributeHeaderSize || size > end - at) throw new GarbledMessage(`an attribute of ${size} bytes`);
    visit(u16(bytes, at + 2) & typeMask, at + attributeHeaderSize, at + size);
    at += aligned(size);
  }
}

/** Both bytes are there: what Buffer's own does to make sure takes longer than all the rest. */
function u16(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** Up to the first zero. */
export function readText(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

/** `value`, or `GarbledMessage` where a message lacks what each of its kind has. */
export function required<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new GarbledMessage(`a message without ${what}`);
  return value;
}

function aligned(size: number): number {
  return (size + 3) & ~3;
}
