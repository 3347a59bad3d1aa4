/**
 * Hears what the kernel tells to a multicast group.
 *
 * Hazard: after an overflow the kernel reports the loss ahead of what is still queued, and queues nothing more until all of
 * that is read. `lost` therefore comes behind the last message that is older than the loss: a listing made then is newer.
 */
import { GarbledMessage, NetlinkError } from './errors.ts';
import { Poll, type Socket } from './libc.ts';
import { type Message, readMessages } from './reader.ts';
import { openNetlink } from './socket.ts';

export interface EventListener {
  heard(message: Message): void;
  /** Messages are missing from here on. */
  lost(reason: string): void;
}

const receiveSize = 64 * 1024;
/** Datagrams read between two turns of the event loop. */
const mostPerTurn = 4096;

export class EventSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #poll: Poll;
  readonly #listener: EventListener;
  readonly #buffer = Buffer.from(new ArrayBuffer(receiveSize));
  #waiting: Buffer[] = [];
  #loss: string | undefined;
  #isDeferred = false;
  #isClosed = false;

  /** Whatever happens after this returns is heard. `groups`: RTNLGRP_*, NFNLGRP_*. */
  constructor(protocol: number, groups: readonly number[], listener: EventListener, receiveBuffer = 16 * 1024 * 1024) {
    this.#listener = listener;
    this.#socket = openNetlink(protocol, groups);
    this.#socket.bufferSize('receive', receiveBuffer);
    this.port = this.#socket.name(12).readUInt32LE(4);
    this.#poll = new Poll(this.#socket.descriptor, () => this.#readable());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#poll.close();
    this.#socket.close();
  }

  #readable(): void {
    this.#drain();
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    setImmediate(() => {
      this.#isDeferred = false;
      if (this.#isClosed) return;
      this.#handOn();
      this.#poll.resume();
    });
  }

  #drain(): void {
    for (let read = 0; read < mostPerTurn; read += 1) {
      try {
        const size = this.#socket.receive(this.#buffer);
        if (size === undefined) return;
        this.#waiting.push(Buffer.from(this.#buffer.subarray(0, size)));
      } catch (error) {
        this.#loss ??= error instanceof Error ? error.message : String(error);
        // Of an overflow and of a message that was too long the rest can be read.
        if (!NetlinkError.is(error, 'ENOBUFS', 'EMSGSIZE')) return;
      }
    }
  }

  #handOn(): void {
    for (;;) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const datagram of waiting) this.#read(datagram);
      if (this.#loss === undefined) return;
      // What came before the loss may be queued yet.
      this.#drain();
      if (this.#waiting.length === 0) break;
    }
    const reason = this.#loss;
    this.#loss = undefined;
    this.#listener.lost(reason);
  }

  #read(datagram: Buffer): void {
    try {
      for (const message of readMessages(datagram)) this.#listener.heard(message);
    } catch (error) {
      if (!(error instanceof GarbledMessage)) throw error;
      this.#loss ??= error.message;
    }
  }
}
