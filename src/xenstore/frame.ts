/**
 * The wire format: a header of four little-endian 32-bit numbers (type, request id, transaction id, body length) and
 * a body of at most 4096 bytes. Source: xen/include/public/io/xs_wire.h.
 */
import { garbled, type XenstoreError } from './errors.ts';

export const MessageType = {
  directory: 1,
  read: 2,
  getPermissions: 3,
  watch: 4,
  unwatch: 5,
  transactionStart: 6,
  transactionEnd: 7,
  introduce: 8,
  release: 9,
  getDomainPath: 10,
  write: 11,
  mkdir: 12,
  remove: 13,
  setPermissions: 14,
  watchEvent: 15,
  error: 16,
  isDomainIntroduced: 17,
  directoryPart: 22,
} as const;

export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export interface Frame {
  readonly type: MessageType;
  readonly requestId: number;
  readonly transactionId: number;
  readonly body: Buffer;
}

export const headerBytes = 16;
export const maxBodyBytes = 4096;

const knownTypes: ReadonlySet<number> = new Set(Object.values(MessageType));

/** The bytes of `frame`; its body must fit, see `maxBodyBytes`. */
export function encodeFrame(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + frame.body.length);
  bytes.writeUInt32LE(frame.type, 0);
  bytes.writeUInt32LE(frame.requestId, 4);
  bytes.writeUInt32LE(frame.transactionId, 8);
  bytes.writeUInt32LE(frame.body.length, 12);
  frame.body.copy(bytes, headerBytes);
  return bytes;
}

/**
 * Cuts a byte stream into frames, however it arrives chopped. Never throws and never holds more than one frame.
 * An unknown type or a body longer than 4096 bytes means that the place in the stream is lost for good: `broken` says
 * so and everything after it is ignored.
 */
export class FrameDecoder {
  readonly #pending = Buffer.alloc(headerBytes + maxBodyBytes);
  #filled = 0;
  #broken: XenstoreError | undefined;

  get broken(): XenstoreError | undefined {
    return this.#broken;
  }

  /** The frames that `chunk` completes, in order; their bodies are copies. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let offset = 0;
    while (offset < chunk.length && this.#broken === undefined) {
      const taken = Math.min(this.#wanted() - this.#filled, chunk.length - offset);
      this.#pending.set(chunk.subarray(offset, offset + taken), this.#filled);
      this.#filled += taken;
      offset += taken;
      if (this.#filled === headerBytes) this.#broken = headerFault(this.#pending);
      if (this.#broken === undefined && this.#filled === this.#wanted()) frames.push(this.#take());
    }
    return frames;
  }

  /** How many bytes make the header, or, once that is there, the frame. */
  #wanted(): number {
    return this.#filled < headerBytes ? headerBytes : headerBytes + this.#pending.readUInt32LE(12);
  }

  #take(): Frame {
    const body = Buffer.from(this.#pending.subarray(headerBytes, this.#filled));
    this.#filled = 0;
    return {
      type: this.#pending.readUInt32LE(0) as MessageType,
      requestId: this.#pending.readUInt32LE(4),
      transactionId: this.#pending.readUInt32LE(8),
      body,
    };
  }
}

function headerFault(header: Buffer): XenstoreError | undefined {
  const type = header.readUInt32LE(0);
  const length = header.readUInt32LE(12);
  if (!knownTypes.has(type)) return garbled(`message of unknown type ${type}`);
  if (length > maxBodyBytes) return garbled(`message of ${length} bytes where ${maxBodyBytes} are the most`);
  return undefined;
}
