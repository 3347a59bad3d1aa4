/** Encodes netlink messages one after the other into one buffer that grows. Numbers are in the machine's order, which is little-endian. */
import { addressBytes } from './ip.ts';
import { messageFlag } from './protocol.ts';

const headerSize = 16;
const attributeHeaderSize = 4;
/** NLA_F_NESTED. */
const nestedFlag = 0x8000;
/** The length of an attribute has 16 bits. */
const maxAttributeSize = 0xffff;

export interface Header {
  readonly type: number;
  /** `NLM_F_REQUEST` is added. */
  readonly flags?: number;
  readonly sequence: number;
}

export class Writer {
  #bytes: Buffer;
  #length = 0;
  /** Where the message under way begins. */
  #message = 0;

  constructor(size = 4096) {
    this.#bytes = Buffer.alloc(size);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until the next write. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** One message; `fill` writes its family's header and attributes. */
  message({ type, flags = 0, sequence }: Header, fill: (writer: this) => void): this {
    this.#message = this.#length;
    this.#grow(headerSize);
    const at = this.#message;
    this.#bytes.writeUInt16LE(type, at + 4);
    this.#bytes.writeUInt16LE(flags | messageFlag.request, at + 6);
    this.#bytes.writeUInt32LE(sequence, at + 8);
    this.#bytes.writeUInt32LE(0, at + 12);
    fill(this);
    this.#bytes.writeUInt32LE(this.#length - at, at);
    this.#align();
    return this;
  }

  /** Bytes without a header of their own: the fixed part of a message. */
  raw(bytes: Uint8Array): this {
    const at = this.#length;
    this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Throws `RangeError` for a value of more than 65531 bytes. */
  attribute(type: number, value: Uint8Array): this {
    const at = this.#head(type, value.length);
    this.#bytes.set(value, at);
    this.#align();
    return this;
  }

  // `#head` may replace the buffer: it is called ahead of any mention of that.
  u8(type: number, value: number): this {
    const at = this.#head(type, 1);
    this.#bytes[at] = value;
    this.#align();
    return this;
  }

  u32(type: number, value: number): this {
    const at = this.#head(type, 4);
    this.#bytes.writeUInt32LE(value, at);
    return this;
  }

  /** In the network's order, as nfnetlink has it. */
  u16be(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value >> 8, value & 0xff));
  }

  u32be(type: number, value: number): this {
    const at = this.#head(type, 4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  u64be(type: number, value: bigint): this {
    const at = this.#head(type, 8);
    this.#bytes.writeBigUInt64BE(value, at);
    return this;
  }

  /** Zero-terminated, as the kernel's strings are. */
  text(type: number, value: string): this {
    const size = Buffer.byteLength(value);
    const at = this.#head(type, size + 1);
    this.#bytes.write(value, at);
    this.#bytes[at + size] = 0;
    this.#align();
    return this;
  }

  address(type: number, address: string): this {
    return this.attribute(type, addressBytes(address));
  }

  nested(type: number, fill: (writer: this) => void): this {
    const at = this.#length;
    this.#head(type | nestedFlag, 0);
    fill(this);
    const size = this.#length - at;
    if (size > maxAttributeSize) throw new RangeError(`a nested attribute of ${size} bytes`);
    this.#bytes.writeUInt16LE(size, at);
    return this;
  }

  /** Returns where the value goes; what follows is padded by `#align`. */
  #head(type: number, size: number): number {
    const length = attributeHeaderSize + size;
    if (length > maxAttributeSize) throw new RangeError(`an attribute of ${length} bytes`);
    const at = this.#length;
    this.#grow(length);
    this.#bytes.writeUInt16LE(length, at);
    this.#bytes.writeUInt16LE(type, at + 2);
    return at + attributeHeaderSize;
  }

  #align(): void {
    const odd = this.#length & 3;
    if (odd === 0) return;
    const at = this.#length;
    this.#grow(4 - odd);
    this.#bytes.fill(0, at, this.#length);
  }

  #grow(by: number): void {
    const needed = this.#length + by;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length = needed;
  }
}
