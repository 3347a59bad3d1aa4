/**
 * A real gRPC server on a real Unix socket that speaks Edera's or krata's control API, and misbehaves on request. It has
 * its own .proto files: a wrong field number on either side shows.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export type Flavour = 'edera' | 'krata';

/** As the .proto files have it, in camel case; enums as numbers or names. */
export interface WireZone {
  readonly id: string;
  readonly spec?: { readonly name?: string } & Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

type Stream = ServerWritableStream<object, object>;

export class ControlApiServer {
  /** Zones by id. Changing the map alone tells nobody: see `put` and `remove`. */
  readonly zones = new Map<string, WireZone>();
  /** `fail`: UNAVAILABLE half-way; `hang`: no answer; `endless`: replies for ever; `oversized`: one reply over 32 MiB; `hold`: see `release`. */
  listing: 'normal' | 'fail' | 'hang' | 'endless' | 'oversized' | 'hold' = 'normal';
  /** `silent`: not even headers before the first event; `refuse`: ends at once. */
  watching: 'normal' | 'silent' | 'refuse' = 'normal';
  zonesPerReply = 100;
  /** Lists begun, for tests on how many there are. */
  lists = 0;
  /** `performance.now()` of each list's begin. */
  readonly listTimes: number[] = [];
  readonly path: string;
  readonly #flavour: Flavour;
  readonly #watchers = new Set<Stream>();
  #held: (() => void)[] = [];
  #server: Server | undefined;

  constructor(path: string, flavour: Flavour) {
    this.path = path;
    this.#flavour = flavour;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Events that the slowest watcher has not taken yet. */
  get backlog(): number {
    return Math.max(0, ...[...this.#watchers].map((watcher) => watcher.writableLength));
  }

  /** Binds the socket, replacing whatever file is there, as a daemon does. */
  async start(): Promise<void> {
    rmSync(this.path, { force: true });
    const server = new Server({ 'grpc.max_send_message_length': -1 });
    server.addService(serviceOf(this.#flavour), {
      ListZones: this.#flavour === 'edera' ? (stream: Stream) => this.#stream(stream) : this.#unary.bind(this),
      WatchEvents: (stream: Stream) => this.#watch(stream),
    });
    await new Promise<void>((resolve, reject) => {
      const bound = (error: Error | null) => (error === null ? resolve() : reject(error));
      server.bindAsync(`unix://${this.path}`, ServerCredentials.createInsecure(), bound);
    });
    this.#server = server;
  }

  /** Drops every connection at once. Node removes the socket's file; a daemon killed with SIGKILL leaves it behind. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#watchers.clear();
  }

  put(zone: WireZone): void {
    this.zones.set(zone.id, zone);
    this.announce(zone);
  }

  /** `last` is the zone as its last event shows it. */
  remove(id: string, last?: WireZone): void {
    const zone = last ?? this.zones.get(id);
    this.zones.delete(id);
    if (zone !== undefined) this.announce(zone);
  }

  announce(zone: WireZone): void {
    for (const watcher of this.#watchers) watcher.write({ zoneChanged: { zone } });
  }

  /** Answers the lists that were held, with the zones as they are now. */
  release(): void {
    for (const send of this.#held.splice(0)) send();
  }

  /** An event that is none of ours. */
  announceWorkload(): void {
    for (const watcher of this.#watchers) watcher.write({ workloadChanged: { id: 'w' } });
  }

  #watch(stream: Stream): void {
    if (this.watching === 'refuse') {
      stream.end();
      return;
    }
    if (this.watching === 'normal') stream.sendMetadata(stream.metadata);
    this.#watchers.add(stream);
    stream.on('cancelled', () => this.#watchers.delete(stream));
  }

  #begin(): void {
    this.lists += 1;
    this.listTimes.push(performance.now());
  }

  #stream(stream: Stream): void {
    this.#begin();
    if (this.listing === 'hang') return;
    if (this.listing === 'endless') {
      const more = () => {
        if (!stream.cancelled) stream.write({ zones: [...this.zones.values()] }, () => setTimeout(more, 5));
      };
      more();
      return;
    }
    if (this.listing === 'oversized') {
      stream.write({ zones: [oversizedZone()] });
      stream.end();
      return;
    }
    if (this.listing === 'hold') this.#held.push(() => this.#send(stream));
    else this.#send(stream);
  }

  #send(stream: Stream): void {
    const zones = [...this.zones.values()];
    for (let start = 0; start < zones.length; start += this.zonesPerReply) {
      stream.write({ zones: zones.slice(start, start + this.zonesPerReply) });
      if (this.listing === 'fail') {
        stream.emit('error', { code: status.UNAVAILABLE, details: 'half-way' });
        return;
      }
    }
    stream.end();
  }

  #unary(_call: object, callback: (error: object | null, reply?: object) => void): void {
    this.#begin();
    if (this.listing === 'hang') return;
    if (this.listing === 'fail') callback({ code: status.UNAVAILABLE, details: 'no' });
    else callback(null, { zones: [...this.zones.values()] });
  }
}

function oversizedZone(): WireZone {
  return { id: 'big', spec: { name: 'big', padding: Buffer.alloc(33 * 1024 * 1024) } };
}

interface ServiceClient {
  readonly service: Parameters<Server['addService']>[0];
}

function serviceOf(flavour: Flavour): ServiceClient['service'] {
  const file = fileURLToPath(new URL(`./${flavour}.proto`, import.meta.url));
  const root: Record<string, unknown> = { ...loadPackageDefinition(loadSync(file)) };
  const path = flavour === 'edera' ? ['protect', 'control', 'v1'] : ['krata', 'v1', 'control'];
  const found = [...path, 'ControlService'].reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], root);
  return (found as ServiceClient).service;
}
