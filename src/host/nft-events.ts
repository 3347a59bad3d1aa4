/** Turns what the kernel tells of nftables and of traced packets into the port's events. */
import * as netlink from '../netlink/index.ts';
import { Losses } from './losses.ts';
import { keyText } from './nft-key.ts';
import { type HostEvent, type NftRemoval, unnamedTable } from './port.ts';
import { parentOf } from './process-name.ts';
import { transportOf } from './route-numbers.ts';

/** Some 500 packets. */
const traceBytes = 1024 * 1024;
/** Of more than these a listing says as much. */
const mostRemovals = 256;

export interface NftEventsOptions {
  /** True for the port of a socket of ours, or of a tool that we started. */
  readonly isOwnPort: (port: number) => boolean;
  readonly nameOf: (ifindex: number) => string;
  readonly listener: (event: HostEvent) => void;
}

export class NftEvents {
  readonly #options: NftEventsOptions;
  readonly #losses: Losses;
  readonly #changes: netlink.EventSocket;
  /** Of its own: a stranger's traces must not push out what concerns us. */
  readonly #traces: netlink.EventSocket;
  #tables = new Set<string>();
  /** Of the transaction that is being told; undefined once there is something else, or too much. */
  #removals: NftRemoval[] | undefined = [];

  /** Hears what happens after this returns. */
  constructor(options: NftEventsOptions) {
    this.#options = options;
    const { listener } = options;
    this.#losses = new Losses((reason) => listener({ kind: 'lost', reason: `nftables events: ${reason}` }));
    const { protocol, nftGroup } = netlink;
    const heard = (message: netlink.Message) => this.#heard(message);
    const lost = (reason: string) => this.#losses.add(reason);
    this.#changes = new netlink.EventSocket(protocol.netfilter, [nftGroup.changes], { heard, lost });
    const lostTraces = () => undefined;
    this.#traces = new netlink.EventSocket(
      protocol.netfilter,
      [nftGroup.traces],
      { heard, lost: lostTraces },
      { receiveBuffer: traceBytes },
    );
  }

  close(): void {
    this.#losses.close();
    this.#changes.close();
    this.#traces.close();
  }

  #heard(message: netlink.Message): void {
    // Of our own transactions, all of whose messages have our port, there is nothing to read.
    if (this.#options.isOwnPort(message.port)) return;
    const event = netlink.readNftEvent(message);
    if (event === undefined) return;
    if (event.kind === 'object') this.#changed(event);
    else if (event.kind === 'trace') this.#trace(event);
    else this.#complete(event);
  }

  #changed({ family, table, removal }: netlink.NftObjectEvent): void {
    const key = `${family} ${table}`;
    this.#tables.add(key);
    if (this.#removals === undefined || removal === undefined || this.#removals.length >= mostRemovals)
      this.#removals = undefined;
    else if (removal.kind === 'rule') this.#removals.push({ ...removal, table: key });
    else {
      for (const element of removal.elements)
        this.#removals.push({ kind: 'element', table: key, set: removal.set, key: (types) => keyText(element, types) });
    }
  }

  #complete({ thread, process = '?' }: netlink.NftGeneration): void {
    const tables = this.#tables.size > 0 ? this.#tables : new Set([unnamedTable]);
    const removals = this.#tables.size > 0 ? this.#removals : undefined;
    this.#tables = new Set();
    this.#removals = [];
    const culprit = thread === undefined ? undefined : { pid: thread, process, parent: parentOf(thread, process) };
    this.#options.listener({ kind: 'nft', tables, culprit, removals });
  }

  #trace({ family, table, chain, input, packet }: netlink.NftTrace): void {
    if (packet === undefined || input === undefined) return;
    const link = this.#options.nameOf(input);
    const { source, destination, protocol, port } = packet;
    const known = transportOf(protocol);
    const transport = known === 'icmp' || port !== undefined ? known : undefined;
    this.#options.listener({
      kind: 'traced',
      table: `${family} ${table}`,
      chain,
      link,
      source,
      destination,
      transport,
      port,
    });
  }
}
