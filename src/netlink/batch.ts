/** Memory into which one call receives many messages: each call of C from here costs more than the kernel's work for a message. */
import { NetlinkError } from './errors.ts';
import { addressOf, type Socket } from './libc.ts';

/** Events are a few hundred bytes each. */
const slotSize = 8192;
const slots = 128;
/** struct mmsghdr on 64-bit Linux, and where of it what is: msg_iov, msg_iovlen, msg_len. */
const header = { size: 64, vector: 16, vectors: 24, length: 56 } as const;
/** struct iovec: address and length. */
const vectorSize = 16;

export class Batch {
  readonly #headers = new ArrayBuffer(slots * header.size);
  readonly #vectors = new ArrayBuffer(slots * vectorSize);
  readonly #slots = new ArrayBuffer(slots * slotSize);
  readonly #view = Buffer.from(this.#headers);
  readonly #memory = Buffer.from(this.#slots);

  constructor() {
    const vectors = Buffer.from(this.#vectors);
    const [vectorsAt, slotsAt] = [addressOf(this.#vectors), addressOf(this.#slots)];
    for (let slot = 0; slot < slots; slot += 1) {
      vectors.writeBigUInt64LE(slotsAt + BigInt(slot * slotSize), slot * vectorSize);
      vectors.writeBigUInt64LE(BigInt(slotSize), slot * vectorSize + 8);
      this.#view.writeBigUInt64LE(vectorsAt + BigInt(slot * vectorSize), slot * header.size + header.vector);
      this.#view.writeBigUInt64LE(1n, slot * header.size + header.vectors);
    }
  }

  /**
   * How many messages waited and are received, each of which `take` is given in its place. Throws what `Socket.receive` does, and
   * `EMSGSIZE`, behind the others, where one did not fit.
   */
  receive(socket: Socket, take: (datagram: Buffer) => void): number {
    const count = socket.receiveMany(this.#view, slots);
    let longest = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const size = this.#view.readUInt32LE(slot * header.size + header.length);
      longest = Math.max(longest, size);
      if (size <= slotSize) take(this.#memory.subarray(slot * slotSize, slot * slotSize + size));
    }
    if (longest > slotSize) throw new NetlinkError('EMSGSIZE', `a message of ${longest} bytes, longer than its buffer`);
    return count;
  }
}
