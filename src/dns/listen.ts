/** The sockets that zones' queries come to: UDP and TCP at each gateway's address, whether a link has it or not. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, isIPv6, type Server } from 'node:net';
import type { Address } from '../model/address.ts';
import { messageOf } from '../model/errors.ts';
import { freelyBound } from '../netlink/index.ts';
import { Conversation } from './conversation.ts';
import type { Forwarder } from './forwarder.ts';
import { limits } from './limits.ts';
import { asItIs } from './transports.ts';
import type { Zones } from './zones.ts';

const retryMs = 2000;

export interface ListenOptions {
  readonly forwarder: Pick<Forwarder, 'answer'>;
  readonly zones: Zones;
  /** Whenever all sockets that are wanted are there, which were not. */
  readonly listening: (addresses: readonly Address[], port: number) => void;
  /** Whenever a socket cannot be made for the first time; it is tried again. */
  readonly failed: (address: Address, port: number, reason: string) => void;
}

interface Place {
  readonly udp: DatagramSocket;
  readonly tcp: Server;
}

export class Listeners {
  readonly #options: ListenOptions;
  readonly #places = new Map<Address, Place>();
  readonly #conversations = new Set<Conversation>();
  readonly #failing = new Set<Address>();
  #wanted: readonly Address[] = [];
  #port = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  /** What is there already stays. */
  follow(addresses: readonly Address[], port: number): void {
    const isOther = port !== this.#port;
    [this.#wanted, this.#port] = [addresses, port];
    for (const address of [...this.#places.keys()]) {
      if (isOther || !addresses.includes(address)) this.#close(address);
    }
    this.#fill();
  }

  close(): void {
    this.#wanted = [];
    clearTimeout(this.#timer);
    for (const address of [...this.#places.keys()]) this.#close(address);
    for (const conversation of this.#conversations) conversation.end();
  }

  #fill(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const missing = this.#wanted.filter((address) => !this.#places.has(address));
    for (const address of missing) this.#tryAt(address);
    const left = this.#wanted.filter((address) => !this.#places.has(address));
    if (left.length > 0) this.#timer = setTimeout(() => this.#fill(), retryMs);
    else if (missing.length > 0) this.#options.listening(this.#wanted, this.#port);
  }

  #tryAt(address: Address): void {
    try {
      const udp = this.#udpAt(address);
      try {
        this.#places.set(address, { udp, tcp: this.#tcpAt(address) });
      } catch (error) {
        udp.close();
        throw error;
      }
      this.#failing.delete(address);
    } catch (error) {
      if (!this.#failing.has(address)) this.#options.failed(address, this.#port, messageOf(error));
      this.#failing.add(address);
    }
  }

  #udpAt(address: Address): DatagramSocket {
    const descriptor = freelyBound('udp', address, this.#port);
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: asItIs });
    socket.on('error', (error) => this.#broken(address, error));
    socket.on('message', (bytes, { address: source, port }) => {
      const answer = this.#options.forwarder.answer(bytes, source, true);
      // An answer that cannot be sent, to a zone that has gone or does not read, is none.
      const send = (late: Buffer | undefined) => {
        if (late !== undefined && this.#places.get(address)?.udp === socket) socket.send(late, port, source, ignore);
      };
      if (answer instanceof Promise) void answer.then(send);
      else send(answer);
    });
    socket.bind({ fd: descriptor });
    return socket;
  }

  #tcpAt(address: Address): Server {
    const descriptor = freelyBound('tcp', address, this.#port);
    const server = createServer({ noDelay: true }, (socket) => {
      const zone = this.#options.zones.at(socket.remoteAddress ?? '');
      if (zone === undefined || zone.connections >= limits.tcpConnectionsPerZone) {
        socket.destroy();
        return;
      }
      const conversation = new Conversation(socket, zone, this.#options.forwarder);
      this.#conversations.add(conversation);
      socket.once('close', () => this.#conversations.delete(conversation));
    });
    server.on('error', (error) => this.#broken(address, error));
    server.listen({ fd: descriptor });
    return server;
  }

  #broken(address: Address, error: Error): void {
    if (!this.#places.has(address)) return;
    this.#options.failed(address, this.#port, messageOf(error));
    this.#close(address);
    this.#timer ??= setTimeout(() => this.#fill(), retryMs);
  }

  #close(address: Address): void {
    const place = this.#places.get(address);
    this.#places.delete(address);
    place?.udp.close();
    place?.tcp.close();
  }
}

function ignore(): void {
  // The zone asks again.
}
