/**
 * Hears what the kernel tells to a multicast group.
 *
 * Hazard: after an overflow the kernel reports the loss ahead of what is still queued, and queues nothing more until all of
 * that is read. `lost` therefore comes behind the last message that is older than the loss: a listing made then is newer.
 */
import { Batch } from './batch.ts';
import { GarbledMessage, NetlinkError } from './errors.ts';
import { Poll, type Socket } from './libc.ts';
import { type Message, readMessages } from './reader.ts';
import { openNetlink } from './socket.ts';

export interface EventListener {
  heard(message: Message): void;
  /** Messages are missing from here on. */
  lost(reason: string): void;
}

/** SOL_SOCKET and SO_MEMINFO, whose ninth number is SK_MEMINFO_DROPS (asm-generic/socket.h, linux/sock_diag.h). */
const solSocket = 1;
const memoryInfo = { option: 55, size: 36, drops: 32 } as const;

export interface EventOptions {
  /** In bytes. */
  readonly receiveBuffer?: number;
  /**
   * What comes is read only so long after the first of it: many at a time, each where it was received, costs half. The
   * receive buffer has to hold it meanwhile; the listener may not keep what it is told.
   */
  readonly gatherMs?: number;
}

const usualBuffer = 16 * 1024 * 1024;
const receiveSize = 64 * 1024;
/** Datagrams read between two turns of the event loop. */
const mostPerTurn = 4096;
const batchesPerTurn = 32;

export class EventSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #poll: Poll;
  readonly #listener: EventListener;
  readonly #buffer = Buffer.from(new ArrayBuffer(receiveSize));
  #waiting: Buffer[] = [];
  #loss: string | undefined;
  readonly #gatherMs: number;
  #batch: Batch | undefined;
  #isDeferred = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  /** Whatever happens after this returns is heard. `groups`: RTNLGRP_*, NFNLGRP_*. */
  constructor(
    protocol: number,
    groups: readonly number[],
    listener: EventListener,
    { receiveBuffer = usualBuffer, gatherMs = 0 }: EventOptions = {},
  ) {
    this.#listener = listener;
    this.#gatherMs = gatherMs;
    this.#socket = openNetlink(protocol, groups);
    this.#socket.bufferSize('receive', receiveBuffer);
    this.port = this.#socket.name(12).readUInt32LE(4);
    this.#poll = new Poll(this.#socket.descriptor, () => this.#readable());
  }

  /** How many messages the kernel could not queue since the socket was made. */
  get dropped(): number {
    return this.#socket.readOption(solSocket, memoryInfo.option, memoryInfo.size).readUInt32LE(memoryInfo.drops);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#poll.close();
    this.#socket.close();
  }

  #readable(): void {
    if (this.#gatherMs === 0) this.#drain(() => this.#receiveOne());
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    setImmediate(() => {
      if (this.#isClosed) return;
      if (this.#gatherMs === 0) {
        this.#isDeferred = false;
        this.#handOn();
        this.#poll.resume();
      } else {
        this.#poll.pause();
        this.#timer = setTimeout(() => this.#gathered(), this.#gatherMs);
      }
    });
  }

  /** Outside of libuv's call: each message is handed on where it was received. */
  #gathered(): void {
    if (this.#isClosed) return;
    if (!this.#drain(() => this.#receiveMany() > 0, batchesPerTurn)) {
      setImmediate(() => this.#gathered());
      return;
    }
    this.#isDeferred = false;
    this.#tellLoss();
    if (!this.#isClosed) this.#poll.resume();
  }

  #receiveMany(): number {
    this.#batch ??= new Batch();
    return this.#batch.receive(this.#socket, this.#read);
  }

  #receiveOne(): boolean {
    const size = this.#socket.receive(this.#buffer);
    if (size === undefined) return false;
    this.#waiting.push(Buffer.from(this.#buffer.subarray(0, size)));
    return true;
  }

  /** True where nothing waits any more. `receive`: false where nothing did. */
  #drain(receive: () => boolean, most = mostPerTurn): boolean {
    for (let read = 0; read < most && !this.#isClosed; read += 1) {
      try {
        if (!receive()) return true;
      } catch (error) {
        this.#loss ??= error instanceof Error ? error.message : String(error);
        // Of an overflow and of a message that was too long the rest can be read.
        if (!NetlinkError.is(error, 'ENOBUFS', 'EMSGSIZE')) return true;
      }
    }
    return false;
  }

  #handOn(): void {
    for (;;) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const datagram of waiting) this.#read(datagram);
      if (this.#loss === undefined) return;
      // What came before the loss may be queued yet.
      this.#drain(() => this.#receiveOne());
      if (this.#waiting.length === 0) break;
    }
    this.#tellLoss();
  }

  #tellLoss(): void {
    const reason = this.#loss;
    this.#loss = undefined;
    if (reason !== undefined) this.#listener.lost(reason);
  }

  readonly #read = (datagram: Buffer): void => {
    try {
      for (const message of readMessages(datagram)) this.#listener.heard(message);
    } catch (error) {
      if (!(error instanceof GarbledMessage)) throw error;
      this.#loss ??= error.message;
    }
  };
}
