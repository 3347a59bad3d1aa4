/**
 * Forgets the connections of an address. A zone that is given a dead zone's address would otherwise receive the replies
 * to the dead one's packets.
 *
 * Hazard: the kernel shows its table as a file a page at a time, and counts entries from the beginning for each: with some that
 * end meanwhile, others are skipped. Only a table that one page holds is seen whole there; that takes 0.3 ms, a walk by
 * netlink 1 ms for each 65,536 buckets, whatever is in them.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Address, parseAddress } from '../model/address.ts';
import { type Connection, ConntrackSocket } from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import { begunOf, connectionCount, trackedNow, visitFlows } from './connections.ts';
import type { BegunConnection, Conntrack, Fill } from './port.ts';

/** A page but for one line. */
const onePage = 4096 - 512;

export class NetlinkConntrack implements Conntrack {
  #socket: ConntrackSocket | undefined;
  /** What names them to the kernel. */
  readonly #known = new WeakMap<BegunConnection, Connection>();
  /** One walk at a time. */
  #last: Promise<unknown> = Promise.resolve();

  purge(addresses: readonly Address[]): Promise<number> {
    const purged = this.#last.then(() => this.#purge(addresses));
    this.#last = purged.catch(() => undefined);
    return purged;
  }

  fill(): Fill | undefined {
    return connectionCount();
  }

  /** No birth waits for it, though a full table takes a tenth of a second and more. */
  async countBySource(): Promise<Map<Address, number>> {
    const counts = new Map<Address, number>();
    await visitFlows(({ original }) => {
      const source = original.source as Address;
      counts.set(source, (counts.get(source) ?? 0) + 1);
    });
    return counts;
  }

  begunBy(addresses: readonly Address[]): Promise<BegunConnection[]> {
    const begun = this.#last.then(() => this.#begunBy(addresses));
    this.#last = begun.catch(() => undefined);
    return begun;
  }

  async end(connections: readonly BegunConnection[]): Promise<void> {
    try {
      this.#socket?.delete(connections.flatMap((each) => this.#known.get(each) ?? []));
    } catch (error) {
      throw refusedBy('the tracked connections', error);
    }
  }

  async #begunBy(addresses: readonly Address[]): Promise<BegunConnection[]> {
    if (addresses.length === 0 || !mayName(addresses)) return [];
    const wanted = new Set<string>(addresses);
    try {
      this.#socket ??= new ConntrackSocket();
      const connections = await this.#socket.naming(addresses);
      return connections
        .filter(({ original }) => wanted.has(original.source))
        .map((connection) => {
          const begun = begunOf(connection);
          this.#known.set(begun, connection);
          return begun;
        });
    } catch (error) {
      throw refusedBy('the tracked connections', error);
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #purge(addresses: readonly Address[]): Promise<number> {
    if (addresses.length === 0 || !mayName(addresses)) return 0;
    try {
      this.#socket ??= new ConntrackSocket();
      return this.#socket.delete(await this.#socket.naming(addresses));
    } catch (error) {
      throw refusedBy('the tracked connections', error);
    }
  }
}

/** False only where the table is known to name none of them. */
function mayName(addresses: readonly Address[]): boolean {
  // Connection tracking is not loaded, or has nothing.
  if ((trackedNow() ?? 0) === 0) return false;
  const table = firstPage('/proc/net/nf_conntrack');
  if (table === undefined || table.length > onePage) return true;
  const wanted = new Set<Address | undefined>(addresses);
  return [...table.matchAll(/ (?:src|dst)=(\S+)/g)].some(([, text = '']) => wanted.has(parseAddress(text)));
}

/** Undefined where this kernel does not show its table. */
function firstPage(file: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const bytes = Buffer.alloc(4096);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
