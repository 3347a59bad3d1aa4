/**
 * The kernel's device /dev/xen/xenbus (drivers/xen/xenbus/xenbus_dev_frontend.c), by which a process speaks with a
 * xenstored it has no socket to. Its rules:
 * - one write is one whole message, of at most 4096 bytes with its header;
 * - since Linux 4.11 a write may return before the body is taken: what is written before the answer comes overwrites it,
 *   and xenstored gets one request's header with another's body (the C xenstored of Xen 4.17 can abort on it, and an
 *   answer about another node would be believed). So nothing follows a request before its answer does;
 * - a read blocks until there is something; so one thread of Node's pool stands there for as long as it is open;
 * - closing does not end a blocked read, and Node does not exit before it ends. So before closing we UNWATCH what
 *   nobody watches: the kernel itself answers that, xenstored alive or not, and the answer ends the read. As a request
 *   may be open then, that message begins with the bytes of the request's body, which so stay what they were.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { encodeStrings } from './body.ts';
import { XenstoreError } from './errors.ts';
import { encodeFrame, headerBytes, MessageType, maxBodyBytes } from './frame.ts';
import type { Transport, TransportListener } from './transport.ts';

const readBytes = 65_536;
/** The request id of the farewell; nobody waits for it. */
const farewellId = 0xffffffff;
/** Its body's end: behind a path, or ending one, and a token that no watch has. */
const farewell = encodeStrings('', 'farewell');
/** What the kernel deals with inside the write, from a copy. */
const taken: readonly number[] = [MessageType.watch, MessageType.unwatch];

/** Opens the device. Rejects with the system call's error. */
export async function openDevice(path: string, listener: TransportListener): Promise<Transport> {
  const device = new Device(await open(path, 'r+'), listener);
  device.startReading();
  return device;
}

class Device implements Transport {
  readonly maxRequestBytes = maxBodyBytes - headerBytes - farewell.length;
  readonly pipelines = false;
  readonly #file: FileHandle;
  readonly #listener: TransportListener;
  #open = true;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** What of the last message the kernel may still have to read. */
  #lastBody: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, listener: TransportListener) {
    this.#file = file;
    this.#listener = listener;
  }

  startReading(): void {
    void this.#readUntilClosed();
  }

  send(message: Buffer): void {
    this.#lastBody = message.subarray(taken.includes(message.readUInt32LE(0)) ? message.length : headerBytes);
    this.#lastWrite = this.#lastWrite.then(() => this.#write(message));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const message = { type: MessageType.unwatch, requestId: farewellId, transactionId: 0 };
    this.send(encodeFrame({ ...message, body: Buffer.concat([this.#lastBody, farewell]) }));
  }

  async #write(message: Buffer): Promise<void> {
    try {
      const { bytesWritten } = await this.#file.write(message);
      if (bytesWritten !== message.length) throw new XenstoreError('garbled', 'the device took part of a message');
    } catch (error) {
      this.#fail(error);
    }
  }

  async #readUntilClosed(): Promise<void> {
    const buffer = Buffer.alloc(readBytes);
    try {
      while (this.#open) {
        const { bytesRead } = await this.#file.read(buffer, 0, readBytes, null);
        if (bytesRead === 0) throw new XenstoreError('unreachable', 'the device is at its end');
        if (this.#open) this.#listener.received(buffer.subarray(0, bytesRead));
      }
    } catch (error) {
      this.#fail(error);
    }
    await this.#lastWrite;
    await this.#file.close();
  }

  #fail(reason: unknown): void {
    if (!this.#open) return;
    this.close();
    this.#listener.closed(reason instanceof Error ? reason : new Error(String(reason)));
  }
}
