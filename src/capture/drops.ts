/** Packets that this host drops, with who did it; by an unprivileged tcpdump those that a filter lets through. */
import type { CaptureHost, PacketStream } from '../host/capture-host.ts';
import type { TraceEvent } from '../host/trace.ts';
import { DropWatch, tracedPerSecond } from './dropped.ts';
import { Feed } from './feed.ts';
import { type CapturedPacket, pcapHeader, pcapRecord, readPcap } from './pcap.ts';

export class Drops {
  readonly #watch = new DropWatch();
  readonly #feed = new Feed<CapturedPacket>();
  readonly #filtered: PacketStream | undefined;
  /** By the packets' times, which no two share: that is all that comes back from tcpdump. */
  readonly #chains = new Map<bigint, string>();
  #last = 0n;
  #traced = new Set<number>();
  #second = 0;
  isSampled = false;

  constructor(host: CaptureHost, filter: string | undefined) {
    this.#filtered = filter === undefined ? undefined : host.filtered(this.#asPcap(), filter);
  }

  heard(event: TraceEvent): void {
    this.#countTraced(event.id);
    const packet = this.#watch.heard(event);
    if (packet === undefined) return;
    const { data, chain } = packet;
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
    this.#last = now > this.#last ? now : this.#last + 1n;
    if (this.#feed.push({ time: this.#last, length: data.length, data })) this.#chains.set(this.#last, chain);
  }

  end(): void {
    this.#feed.end();
  }

  packets(): AsyncIterable<CapturedPacket> {
    return this.#filtered === undefined ? this.#feed : readPcap(this.#filtered.pcap);
  }

  commentOn({ time }: CapturedPacket): string {
    const chain = this.#chains.get(time) ?? '?';
    this.#chains.delete(time);
    return `dropped by ${chain}`;
  }

  async *#asPcap(): AsyncIterable<Buffer> {
    yield pcapHeader();
    for await (const packet of this.#feed) yield pcapRecord(packet);
  }

  /** As many as the limit lets be traced: then there were probably more. */
  #countTraced(id: number): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) this.#traced = new Set();
    this.#second = second;
    this.#traced.add(id);
    if (this.#traced.size >= tracedPerSecond) this.isSampled = true;
  }
}
