/**
 * What passes and what does not, for `flows`, `drops` and `zone show`: read and heard by sockets of the asking process's own,
 * so that nothing is paid for while nobody asks. Changes nothing.
 */
import { type Address, families, parseAddress } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import { visitFlows } from './connections.ts';
import { NftHost } from './nft.ts';
import type { SetRef } from './nft-command.ts';
import type { Nft } from './port.ts';
import { readNumberIfThere } from './read-if-there.ts';
import { askKernel, dump, listLinks, namesOf } from './route-socket.ts';
import type { Tools } from './tools.ts';
import { sampleByTable } from './trace.ts';

export type { NftTrace as TracedPacket, TrackedFlow } from '../netlink/index.ts';

/** What the kernel keeps of connections: sysctls of `net.netfilter`, which are everybody's and that we never write. */
export interface Bookkeeping {
  /** False where the kernel tracks no connections at all. */
  readonly tracks: boolean;
  /** Bytes and packets (`nf_conntrack_acct`), of connections that began since it was set. */
  readonly counts: boolean;
  /** The time of the beginning (`nf_conntrack_timestamp`), the same. */
  readonly times: boolean;
  /** `listened`: of connections that began while somebody listened (`nf_conntrack_events`, 2 since Linux 5.19). */
  readonly events: 'all' | 'listened' | 'none';
}

/** One of a set whose keys have parts of the types that were asked for. */
export interface KeyedElement {
  readonly parts: readonly string[];
  /** That are left; undefined where it stays. */
  readonly seconds: number | undefined;
  readonly comment: string | undefined;
}

export interface FlowListener {
  heard(kind: 'begin' | 'end', flow: netlink.TrackedFlow): void;
  /** So many events the kernel could not queue, of all connections of this host; they are missing from here on. */
  lost(events: number): void;
}

/** Events come 5000 a second and more: read one by one they cost twice as much. The buffer of 16 MiB holds some 20,000. */
const gatherMs = 50;

export interface TraceListener {
  heard(event: netlink.NftTrace): void;
  /** Some are missing: what is traced is a sample anyway. */
  lost(): void;
}

export class Traffic {
  /** Counters of sets, and the tables of links that are taken. */
  readonly nft: Pick<Nft, 'table' | 'counters'> & { close(): void };
  readonly #tools: Tools;
  readonly #nft = new netlink.NftSocket();

  constructor(tools: Tools) {
    this.#tools = tools;
    this.nft = new NftHost(tools);
  }

  readonly visitFlows = visitFlows;

  bookkeeping(): Bookkeeping {
    const value = (key: string) => readNumberIfThere(`/proc/sys/net/netfilter/nf_conntrack_${key}`);
    const events = value('events');
    return {
      tracks: value('count') !== undefined,
      counts: value('acct') === 1,
      times: value('timestamp') === 1,
      events: events === 0 ? 'none' : events === 2 ? 'listened' : 'all',
    };
  }

  /** Whatever begins or ends after this returns, until what it returns is called. */
  followFlows({ heard, lost }: FlowListener): () => void {
    const { begin, end } = { begin: netlink.conntrackGroup.new, end: netlink.conntrackGroup.destroy };
    let known = 0;
    const socket = listen([begin, end], {
      heard(message) {
        const event = netlink.readFlowEvent(message);
        if (event !== undefined) heard(event.kind, event.flow);
      },
      lost() {
        const { dropped } = socket;
        lost(dropped - known);
        known = dropped;
      },
    });
    return () => socket.close();
  }

  /** Calls `changed` after each change of anybody's to nftables, or where one was missed. */
  followRules(changed: () => void): () => void {
    const socket = listen([netlink.nftGroup.changes], { heard: changed, lost: changed });
    return () => socket.close();
  }

  /** What the kernel's trace tells, whoever has packets traced, until what this returns is called. */
  followTraces({ heard, lost }: TraceListener): () => void {
    const socket = listen([netlink.nftGroup.traces], {
      heard(message) {
        const event = netlink.readNftEvent(message);
        if (event?.kind === 'trace') heard(event);
      },
      lost,
    });
    return () => socket.close();
  }

  /** Has packets traced by a table of our own, see `sampleByTable`. */
  sample(chains: string): Promise<() => Promise<void>> {
    return sampleByTable(this.#tools, chains);
  }

  linkNames(): ReadonlyMap<number, string> {
    return askKernel((socket) => namesOf(listLinks(socket)));
  }

  /** None where there is no such set. */
  elements({ family, table, set }: SetRef, types: readonly string[]): KeyedElement[] {
    const parts = types.filter(netlink.isKeyPart);
    try {
      return this.#nft.elements({ family, table, set }).map(({ key, expiration, comment }) => ({
        parts: netlink.partsOfKey(key, parts),
        seconds: expiration === undefined ? undefined : expiration / 1000,
        comment,
      }));
    } catch (error) {
      if (netlink.NetlinkError.is(error, 'ENOENT')) return [];
      throw refusedBy(`the elements of ${family} ${table} ${set}`, error);
    }
  }

  /** Of this host, on whatever link. */
  hostAddresses(): Address[] {
    return askKernel((socket) =>
      families.flatMap((family) =>
        dump(socket, 'the addresses', netlink.listAddresses(family), netlink.readAddress).flatMap(
          ({ address }) => parseAddress(address ?? '') ?? [],
        ),
      ),
    );
  }

  close(): void {
    this.#nft.close();
    this.nft.close();
  }
}

function listen(groups: readonly number[], listener: netlink.EventListener): netlink.EventSocket {
  try {
    return new netlink.EventSocket(netlink.protocol.netfilter, groups, listener, { gatherMs });
  } catch (error) {
    throw refusedBy('the kernel’s events cannot be received', error);
  }
}
