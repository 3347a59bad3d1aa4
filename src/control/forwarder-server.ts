/**
 * Where the forwarder of names connects (`src/policy/messages.ts`): it is told which zones there are and what they may ask for,
 * and asks for leases. One at a time: a second connection takes the place of the first, as after a restart of it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../model/errors.ts';
import {
  type DaemonMessage,
  type ForwarderMessage,
  forwarderMessage,
  maxMessageBytes,
  type ZoneMessage,
} from '../policy/messages.ts';
import { type ClaimedSocket, claimSocket } from './claim-socket.ts';

/** Bytes that may wait for a forwarder that does not read, before it is cut off. */
const maxWaiting = 16 * 1024 * 1024;

/** Leases that are being opened; a forwarder that asks for more is not read until there are fewer. It asks for 64 a zone at most. */
const maxOpening = 256;

export type PolicyMessage = Omit<Extract<DaemonMessage, { kind: 'policy' }>, 'kind' | 'zones'>;
type LeaseMessage = Extract<ForwarderMessage, { kind: 'lease' }>;
type LeaseAnswer =
  | Omit<Extract<DaemonMessage, { kind: 'leased' }>, 'id'>
  | Omit<Extract<DaemonMessage, { kind: 'refused' }>, 'id'>;

export interface ForwarderServerOptions {
  /** The socket's file is open to all, since who has no privilege cannot give it to another user: who connects is asked for. */
  readonly mayConnect: (socket: Socket) => boolean;
  readonly open: (request: Omit<LeaseMessage, 'kind' | 'id'>) => Promise<LeaseAnswer>;
  readonly notAllowed: (message: Extract<ForwarderMessage, { kind: 'not-allowed' }>) => void;
  readonly totals: (totals: Omit<Extract<ForwarderMessage, { kind: 'totals' }>, 'kind'>) => void;
  readonly connected: (isConnected: boolean) => void;
  /** A connection that was cut off, and why; a socket that does not listen any more. */
  readonly failed: (reason: string) => void;
}

export class ForwarderServer {
  readonly #options: ForwarderServerOptions;
  #server: Server | undefined;
  #claim: ClaimedSocket | undefined;
  #peer: Socket | undefined;
  /** By all connections. */
  #opening = 0;
  /** Undefined while there is nothing to say. */
  #policy: PolicyMessage | undefined;
  /** What the zones are, by link, each as it was sent. */
  #zones = new Map<string, ZoneMessage>();

  constructor(options: ForwarderServerOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#peer !== undefined;
  }

  /** Throws as `claimSocket` does. */
  async listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#claim = await claimSocket(server, path, 0o666);
    server.on('error', (error) => this.#options.failed(messageOf(error)));
    this.#server = server;
  }

  /** Says only what is different; the first time, and where `policy` is, all of it. */
  say(policy: PolicyMessage, zones: readonly ZoneMessage[]): void {
    const now = new Map(zones.map((zone) => [zone.link as string, zone]));
    const isNew = JSON.stringify(policy) !== JSON.stringify(this.#policy);
    const changed = zones.filter((zone) => !isSame(zone, this.#zones.get(zone.link)));
    const gone = [...this.#zones.values()].filter(({ link }) => !now.has(link));
    this.#policy = policy;
    this.#zones = now;
    if (isNew) this.#greet();
    else if (changed.length + gone.length > 0) {
      this.#send({ kind: 'zones', changed, gone: gone.map(({ link }) => link) });
    }
  }

  async close(): Promise<void> {
    this.#claim?.release();
    this.#peer?.destroy();
    this.#server?.close();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!this.#options.mayConnect(socket)) {
      socket.destroy();
      return;
    }
    this.#peer?.destroy();
    const isFirst = this.#peer === undefined;
    this.#peer = socket;
    let rest = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      rest = this.#read(socket, Buffer.concat([rest, bytes]));
    });
    socket.on('close', () => {
      if (this.#peer !== socket) return;
      this.#peer = undefined;
      this.#options.connected(false);
    });
    if (isFirst) this.#options.connected(true);
    this.#greet();
  }

  /** Returns what is no whole line yet. */
  #read(socket: Socket, bytes: Buffer): Buffer<ArrayBuffer> {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = bytes.toString('utf8', start, end);
      start = end + 1;
      const message = parse(line);
      if (message === undefined) {
        this.#cutOff(socket, 'it sent what is no message');
        return Buffer.alloc(0);
      }
      this.#heard(socket, message);
    }
    if (bytes.length - start > maxMessageBytes) this.#cutOff(socket, 'it sent a line without end');
    return Buffer.from(bytes.subarray(start));
  }

  #heard(socket: Socket, message: ForwarderMessage): void {
    const { open, notAllowed, totals } = this.#options;
    if (message.kind === 'not-allowed') notAllowed(message);
    else if (message.kind === 'totals') totals(message);
    else {
      const { id, kind: _, ...request } = message;
      this.#opening += 1;
      if (this.#opening >= maxOpening) socket.pause();
      open(request)
        .then(
          (answer) => this.#sendTo(socket, { ...answer, id }),
          (error: unknown) => this.#sendTo(socket, { kind: 'refused', id, reason: messageOf(error) }),
        )
        .finally(() => {
          this.#opening -= 1;
          if (this.#opening < maxOpening) this.#peer?.resume();
        });
    }
  }

  #greet(): void {
    if (this.#policy === undefined) return;
    this.#send({ kind: 'policy', ...this.#policy, zones: [...this.#zones.values()] });
  }

  #send(message: DaemonMessage): void {
    if (this.#peer !== undefined) this.#sendTo(this.#peer, message);
  }

  #sendTo(socket: Socket, message: DaemonMessage): void {
    if (socket.destroyed) return;
    socket.write(`${JSON.stringify(message)}\n`);
    if (socket.writableLength > maxWaiting) this.#cutOff(socket, 'it does not read');
  }

  #cutOff(socket: Socket, why: string): void {
    socket.destroy();
    this.#options.failed(why);
  }
}

function isSame(one: ZoneMessage, other: ZoneMessage | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function parse(line: string): ForwarderMessage | undefined {
  try {
    return forwarderMessage.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
