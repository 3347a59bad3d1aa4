/**
 * Forgets the connections of an address. A zone that is given a dead zone's address would otherwise receive the replies
 * to the dead one's packets.
 *
 * Looking first costs 0.1 ms where the kernel shows its table as a file and the table is small, which is the usual case
 * when a zone opens; starting conntrack costs 4 ms a command.
 */
import { readFileSync } from 'node:fs';
import { type Address, familyOf, parseAddress } from '../model/address.ts';
import { refusal } from './classify.ts';
import type { Conntrack } from './port.ts';
import type { Tools } from './tools.ts';

/** Reading the table blocks the loop for about 1 µs an entry; above this many it is left to conntrack's own process. */
const maxEntriesToRead = 5_000;
/** Both ends of both directions: behind NAT the four can name four different addresses. */
const sides = ['--orig-src', '--orig-dst', '--reply-src', '--reply-dst'] as const;

export class ConntrackTool implements Conntrack {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async purge(addresses: readonly Address[]): Promise<number> {
    const present = tracked(addresses);
    let deleted = 0;
    for (const address of present) {
      for (const side of sides) deleted += await this.#deleteBy(address, side);
    }
    return deleted;
  }

  async #deleteBy(address: Address, side: (typeof sides)[number]): Promise<number> {
    const args = ['--delete', '--family', familyOf(address), side, address];
    const { stderr } = await this.#tools.run('conntrack', args);
    const count = /(\d+) flow entries have been deleted/.exec(stderr)?.[1];
    // Exit code 1 with that sentence means that there was nothing to delete; without it nobody knows what was deleted.
    if (count === undefined) throw refusal(`conntrack ${args.join(' ')}`, stderr);
    return Number(count);
  }
}

/** Those of `addresses` that the connection table may name. All of them where the table cannot be read cheaply. */
function tracked(addresses: readonly Address[]): readonly Address[] {
  const count = readNumber('/proc/sys/net/netfilter/nf_conntrack_count');
  if (count === undefined || count === 0) return [];
  if (count > maxEntriesToRead * Math.max(1, addresses.length)) return addresses;
  const table = readOptional('/proc/net/nf_conntrack');
  if (table === undefined) return addresses;
  const named = new Set<Address>();
  for (const [, text = ''] of table.matchAll(/ (?:src|dst)=(\S+)/g)) {
    const address = parseAddress(text);
    if (address !== undefined) named.add(address);
  }
  return addresses.filter((address) => named.has(address));
}

function readNumber(file: string): number | undefined {
  const text = readOptional(file);
  return text === undefined ? undefined : Number(text);
}

/** Undefined where the file is not there: connection tracking is not loaded, or this kernel does not show its table. */
function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
