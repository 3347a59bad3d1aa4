/**
 * Changes nftables. What comes and goes with zones is one batch by netlink, some 0.2 ms for a zone; whatever has to do with the
 * layout is a process of nft's, which reads its JSON, and takes zones' things along where they must not come apart.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import * as netlink from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import { isOfZone, type SetRef, type ZoneCommand } from './nft-command.ts';
import { keySpans } from './nft-key.ts';
import { NftListing } from './nft-listing.ts';
import { refusalOf, transactByTool } from './nft-process.ts';
import type { ElementCounter, ForwardChain, Lease, Nft, NftCommand, NftFamily, NftObject } from './port.ts';
import type { Tools } from './tools.ts';

const forwardChainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.literal('forward'),
  prio: z.number().int().default(0),
  policy: z.string().default('accept'),
});
/** One whose keys are made of what ours are made of. */
const setSchema = z
  .object({
    set: z.looseObject({
      name: z.string(),
      type: z.union([z.string(), z.array(z.string())]),
      flags: z.union([z.string(), z.array(z.string())]).optional(),
    }),
  })
  .transform(({ set }) => ({ body: set, name: set.name, type: [set.type].flat().filter(netlink.isKeyPart) }))
  // What comes and goes by itself, or with packets, is nothing that the layout could lack.
  .refine(
    ({ body, type }) => type.length === [body.type].flat().length && ![body.flags ?? []].flat().includes('timeout'),
  );
/** Processes whose last events may not have been read yet. */
const rememberedProcesses = 32;

export class NftHost implements Nft {
  readonly #tools: Tools;
  readonly #listing: NftListing;
  readonly #socket = new netlink.NftSocket();
  readonly #processes = new Set<number>();

  /** Throws `NetlinkError` where netlink cannot be spoken. */
  constructor(tools: Tools) {
    this.#tools = tools;
    this.#listing = new NftListing(tools);
  }

  /**
   * True for the port of our socket, or of one of a process that we started: the kernel gives a process's first one its id, as
   * the process namespace of it numbers that, which is ours.
   */
  isOwn(port: number): boolean {
    return port === this.#socket.port || this.#processes.has(port);
  }

  async transact(commands: readonly NftCommand[]): Promise<readonly number[]> {
    if (commands.length === 0) return [];
    try {
      if (commands.every(isOfZone)) {
        return this.#transact(commands.map(changeOf), `nftables transaction of ${commands.length} commands`);
      }
      await transactByTool(this.#tools, commands, (pid) => this.#remember(pid));
      return [];
    } catch (error) {
      // Which of the objects was missing or there already does not matter: what was observed no longer holds.
      if (hasCode(error, 'vanished', 'exists')) throw new ProtectNetworkError('refused', error.message);
      throw error;
    }
  }

  refusalOf(commands: readonly NftCommand[]): Promise<string | undefined> {
    return refusalOf(this.#tools, commands);
  }

  async counters(set: SetRef): Promise<ElementCounter[]> {
    return this.#listed(set).flatMap(({ key, counter }) =>
      counter === undefined ? [] : [{ link: netlink.linkOfKey(key), ...numbersOf(counter) }],
    );
  }

  async lease(set: SetRef, leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return;
    const elements = leases.map(({ key, seconds, comment }) => ({
      ...elementOf(key),
      timeout: Math.floor(seconds * 1000),
      comment,
    }));
    // Deleting one that has expired would fail: the first adds what is not there. The second renews, which adding does not.
    const changes = (['add-elements', 'delete-elements', 'add-elements'] as const).map(
      (kind): netlink.NftChange => ({ kind, ...set, elements }),
    );
    this.#transact(changes, `${leases.length} leases in ${set.set}`);
  }

  async release(set: SetRef, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const elements = keys.map(elementOf);
    const changes = (['add-elements', 'delete-elements'] as const).map(
      (kind): netlink.NftChange => ({ kind, ...set, elements: elements.map((each) => ({ ...each, timeout: 60_000 })) }),
    );
    try {
      this.#transact(changes, `the end of ${keys.length} leases in ${set.set}`);
    } catch (error) {
      // The set is gone, as with the last policy, and its elements with it.
      if (!hasCode(error, 'vanished')) throw error;
    }
  }

  async leases(set: SetRef, type: readonly string[]): Promise<Lease[]> {
    const types = type.filter(netlink.isKeyPart);
    return this.#listed(set).flatMap(({ key, expiration, comment = '' }) =>
      expiration === undefined
        ? []
        : [{ key: netlink.partsOfKey(key, types).join(' '), seconds: expiration / 1000, comment }],
    );
  }

  async tables(): Promise<{ family: string; name: string }[]> {
    return this.#listing.tables();
  }

  async forwardChains(): Promise<ForwardChain[]> {
    const objects = (await this.#listing.list(['chains'])) ?? [];
    return objects.flatMap((object) => {
      const chain = forwardChainSchema.safeParse(object['chain']);
      return chain.success ? [chain.data] : [];
    });
  }

  async generation(): Promise<number> {
    try {
      return this.#socket.generation();
    } catch (error) {
      throw refusedBy('the generation of nftables', error);
    }
  }

  /** Elements are thousands, and come by netlink in a tenth of the time. */
  async table(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    const objects = await this.rules(family, name);
    return objects?.map((object) => {
      const { data: set } = setSchema.safeParse(object);
      if (set === undefined) return object;
      const elem = this.#elements({ family, table: name, set: set.name }, set.type);
      return elem.length === 0 ? object : { set: { ...set.body, elem } };
    });
  }

  rules(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    return this.#listing.rules(family, name);
  }

  close(): void {
    this.#socket.close();
  }

  /** None where there is no such set. */
  #listed(at: SetRef): ReturnType<netlink.NftSocket['elements']> {
    try {
      return this.#socket.elements(at);
    } catch (error) {
      if (netlink.NetlinkError.is(error, 'ENOENT')) return [];
      throw refusedBy(`the elements of ${at.family} ${at.table} ${at.set}`, error);
    }
  }

  /** In the shape in which nft lists them. */
  #elements(at: SetRef, types: readonly netlink.KeyPart[]): unknown[] {
    return this.#listed(at).map(({ counter, ...element }) => {
      const spans = keySpans(element, types);
      if (spans === undefined)
        throw new ProtectNetworkError('garbled', `an element of ${at.set} is not what the set holds`);
      const parts = spans.map(([first, last]) => intervalOf(first, last));
      const val = parts.length === 1 ? parts[0] : { concat: parts };
      return counter === undefined ? val : { elem: { val, counter: numbersOf(counter) } };
    });
  }

  #transact(changes: readonly netlink.NftChange[], what: string): number[] {
    try {
      return this.#socket.transact(changes);
    } catch (error) {
      throw refusedBy(what, error);
    }
  }

  #remember(pid: number): void {
    this.#processes.add(pid);
    const [oldest] = this.#processes;
    if (oldest !== undefined && this.#processes.size > rememberedProcesses) this.#processes.delete(oldest);
  }
}

function numbersOf({ packets, bytes }: netlink.Counter): { readonly packets: number; readonly bytes: number } {
  return { packets: Number(packets), bytes: Number(bytes) };
}

function changeOf(command: ZoneCommand): netlink.NftChange {
  switch (command.kind) {
    case 'add-elements':
    case 'delete-elements':
      return { ...command, elements: command.keys.map(elementOf) };
    case 'accept-link': {
      const { family, table, chain, key, link } = command;
      const expressions = [...netlink.interfaceIs(key, link), netlink.counter, netlink.accept];
      return { kind: 'add-rule', family, table, chain, expressions };
    }
    case 'delete-rule':
      return command;
  }
}

function intervalOf(first: string, last: string): unknown {
  return first === last ? first : { range: [first, last] };
}

function elementOf(key: string): netlink.NewElement {
  const [link = key, ...others] = key.split(' ');
  const spans = others.map((part) => part.split('-'));
  const ends = (which: number) =>
    netlink.elementKey([
      isIP(link) === 0 ? link : netlink.addressBytes(link),
      ...spans.map((span) => partBytes(span.at(which) ?? '')),
    ]);
  return spans.some(({ length }) => length > 1) ? { key: ends(0), keyEnd: ends(-1) } : { key: ends(0) };
}

function partBytes(part: string): Uint8Array {
  if (part === 'tcp' || part === 'udp') return netlink.protocolBytes(part);
  return isIP(part) === 0 ? netlink.portBytes(Number(part)) : netlink.addressBytes(part);
}
