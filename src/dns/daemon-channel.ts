/** The forwarder's end of the daemon's socket: what is told, what is asked, and connecting anew. */
import { connect, type Socket } from 'node:net';
import type { Address } from '../model/address.ts';
import { delayAfter } from '../model/backoff.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { type DaemonMessage, daemonMessage, type ForwarderMessage, maxPolicyBytes } from '../policy/messages.ts';
import { limits } from './limits.ts';

export interface Leased {
  readonly addresses: readonly Address[];
  readonly seconds: number;
}

export interface ChannelOptions {
  readonly path: string;
  /** Throws for what cannot be acted on; the connection is closed then, and the daemon tells all again. */
  readonly told: (message: Extract<DaemonMessage, { kind: 'policy' | 'zones' }>) => void;
  readonly connected: () => void;
  /** Once for each attempt that failed or connection that ended; `retryMs` until the next. */
  readonly failed: (reason: string, retryMs: number) => void;
}

const backoff = { first: 100, most: 5000 };
const newline = 0x0a;

export class DaemonChannel {
  readonly #options: ChannelOptions;
  readonly #waiting = new Map<number, PromiseWithResolvers<Leased>>();
  #socket: Socket | undefined;
  /** The daemon has told its policy on this connection. */
  #isUp = false;
  #id = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  open(): void {
    const socket = connect({ path: this.#options.path });
    this.#socket = socket;
    let reason = 'the daemon closed the connection';
    const lines = new Lines((line) => this.#take(line));
    socket.on('data', (bytes) => {
      try {
        if (this.#socket === socket) lines.add(bytes as Buffer);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error) => {
      reason = messageOf(error);
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#ended(reason);
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  /** Throws `refused` with the daemon's reason, `unreachable` or `timeout`. */
  async lease(link: LinkName, name: string, addresses: readonly Address[], ttl: number): Promise<Leased> {
    if (!this.#isUp) throw new ProtectNetworkError('unreachable', 'no connection to the daemon');
    this.#id = (this.#id + 1) % 2 ** 31;
    const id = this.#id;
    const waiting = Promise.withResolvers<Leased>();
    this.#waiting.set(id, waiting);
    const late = new ProtectNetworkError('timeout', 'the daemon does not answer');
    const timer = setTimeout(() => waiting.reject(late), limits.leaseMs);
    try {
      if (!this.send({ kind: 'lease', id, link, name, addresses: [...addresses], ttl })) throw late;
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** False where nobody is connected, or the daemon does not read. */
  send(message: ForwarderMessage): boolean {
    const socket = this.#socket;
    if (!this.#isUp || socket === undefined || socket.writableLength > limits.unreadByDaemon) return false;
    socket.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  #take(line: string): void {
    const message = daemonMessage.parse(JSON.parse(line));
    if (message.kind === 'leased') this.#waiting.get(message.id)?.resolve(message);
    else if (message.kind === 'refused')
      this.#waiting.get(message.id)?.reject(new ProtectNetworkError('refused', message.reason));
    else this.#apply(message);
  }

  #apply(message: Extract<DaemonMessage, { kind: 'policy' | 'zones' }>): void {
    if (!this.#isUp && message.kind !== 'policy') throw new ProtectNetworkError('garbled', 'policy did not come first');
    this.#options.told(message);
    if (this.#isUp) return;
    this.#isUp = true;
    this.#failures = 0;
    this.#options.connected();
  }

  #ended(reason: string): void {
    this.#isUp = false;
    this.#socket = undefined;
    const error = new ProtectNetworkError('unreachable', `no connection to the daemon: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(error);
    if (this.#isClosed) return;
    this.#failures += 1;
    const retryMs = delayAfter(this.#failures, backoff, 1 - Math.random() / 2);
    this.#timer = setTimeout(() => this.open(), retryMs);
    this.#options.failed(reason, retryMs);
  }
}

/** Bytes as they come, made lines of at most `maxPolicyBytes`. */
class Lines {
  readonly #take: (line: string) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Throws `garbled` where a line is longer, and what `take` throws. */
  add(bytes: Buffer): void {
    let begin = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, begin)) {
      this.#keep(bytes.subarray(begin, end));
      const line = Buffer.concat(this.#rest).toString('utf8');
      [this.#rest, this.#restBytes] = [[], 0];
      begin = end + 1;
      this.#take(line);
    }
    if (begin < bytes.length) this.#keep(bytes.subarray(begin));
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    if (this.#restBytes > maxPolicyBytes)
      throw new ProtectNetworkError('garbled', `a line of more than ${maxPolicyBytes} bytes`);
  }
}
