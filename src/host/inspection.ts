/**
 * A read-only look at everything that decides about a packet, for `explain` and `doctor`: small calls, none of which changes
 * the host. Not part of the port that the daemon lives on; nothing here is for the hot path.
 */
import { type Address, type Family, families, familyOf, parseAddress } from '../model/address.ts';
import { hasCode } from '../model/errors.ts';
import * as netlink from '../netlink/index.ts';
import { refusal } from './classify.ts';
import { connectionCount } from './connections.ts';
import { hasLegacyArp, legacySaveTool, legacyTables } from './legacy-filter.ts';
import { parseListing } from './nft-answer.ts';
import type { Fill, LinkTies, NftObject } from './port.ts';
import { transportNumber } from './route-numbers.ts';
import { askKernel, dump, listLinks, namesOf } from './route-socket.ts';
import { tiesOf } from './route-words.ts';
import {
  askRoute,
  type KernelDecision,
  type PolicyRule,
  readRoutes,
  readRules,
  type TableRoute,
} from './routing-tables.ts';
import type { ToolName, Tools } from './tools.ts';
import { listFilters, type TrafficFilter } from './traffic-filters.ts';

/** Words as iproute2 has them. */
export interface InspectedLink extends LinkTies {
  readonly ifindex: number;
  readonly ifname: string;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly group: number;
  readonly isEthernet: boolean;
  /** As in `Link` of the port. */
  readonly bus: string | undefined;
  readonly device: string | undefined;
  /** Further names, as udev gives them. */
  readonly altnames: readonly string[];
  /** The number of the XDP program at it. */
  readonly xdp: number | undefined;
  readonly addr_info: readonly InspectedAddress[];
}

export interface InspectedAddress {
  readonly local: Address;
  readonly prefixlen: number;
  /** `global`, `site`, `link`, `host`, or a number. */
  readonly scope: string;
  /** The kernel may choose it as a source. */
  readonly isUsable: boolean;
}

export interface Neighbour {
  readonly dst: Address;
  readonly dev: string | undefined;
  /** `REACHABLE`, `FAILED` …; none of a proxy's. */
  readonly state: readonly string[];
}

/** Where a packet would be sent. Without `input` one of the host's own. */
export interface RouteQuestion {
  readonly destination: Address;
  readonly source: Address | undefined;
  readonly input: string | undefined;
  readonly mark: number;
  /** Policy rules may ask for them. */
  readonly protocol?: 'icmp' | 'tcp' | 'udp';
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** Links by their names. */
export type RouteDecision =
  | (Omit<Extract<KernelDecision, { ok: true }>, 'device'> & { readonly device: string | undefined })
  | Extract<KernelDecision, { ok: false }>;

export class Inspection {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async links(): Promise<InspectedLink[]> {
    return askKernel((socket) => {
      const links = listLinks(socket);
      const names = namesOf(links);
      const addresses = families.flatMap((family) =>
        dump(socket, 'the addresses', netlink.listAddresses(family), netlink.readAddress),
      );
      return links.map((link) => ({
        ifindex: link.ifindex,
        ifname: link.name,
        mtu: link.mtu,
        ...tiesOf(link, (ifindex) => names.get(ifindex)),
        isUp: link.isUp,
        hasCarrier: link.hasCarrier,
        group: link.group,
        isEthernet: link.hardware === 1,
        bus: link.bus,
        device: link.device,
        altnames: link.alternatives,
        xdp: link.xdp,
        addr_info: addresses.filter(({ ifindex }) => ifindex === link.ifindex).flatMap(toAddress),
      }));
    });
  }

  async policyRules(family: Family): Promise<PolicyRule[]> {
    return askKernel((socket) => readRules(socket, family));
  }

  async routes(family: Family): Promise<TableRoute[]> {
    return askKernel((socket) => readRoutes(socket, family, namesOf(listLinks(socket))));
  }

  /** Of both families: neighbour proxies, whoever's, or those that were asked for. */
  async neighbours(what: 'proxies' | 'resolved'): Promise<Neighbour[]> {
    return askKernel((socket) => {
      const names = namesOf(listLinks(socket));
      return families.flatMap((family) =>
        dump(socket, 'the neighbours', netlink.listNeighbours(family, what), netlink.readNeighbour).flatMap((entry) => {
          const dst = parseAddress(entry.address ?? '');
          const state = neighbourStates.filter((name, bit) => name !== '' && (entry.state & (1 << bit)) !== 0);
          if (dst === undefined || (what === 'resolved' && state.length === 0)) return [];
          return [{ dst, dev: names.get(entry.ifindex), state: entry.isProxy ? [] : state }];
        }),
      );
    });
  }

  /** `links`: as they were listed; one that has gone meanwhile is refused by the kernel. */
  async decide(
    { input, protocol, ...question }: RouteQuestion,
    links: readonly InspectedLink[],
  ): Promise<RouteDecision> {
    const ifindex = links.find(({ ifname }) => ifname === input)?.ifindex;
    if (input !== undefined && ifindex === undefined) return { ok: false, refused: `there is no link ${input}` };
    const transport = protocol && transportNumber(protocol, familyOf(question.destination));
    const decision = askKernel((socket) => askRoute(socket, { ...question, input: ifindex, transport }));
    if (!decision.ok) return decision;
    return { ...decision, device: links.find((link) => link.ifindex === decision.device)?.ifname };
  }

  /** At clsact and ingress qdiscs. Undefined where tc is not installed. */
  filters(link: string): Promise<TrafficFilter[] | undefined> {
    return listFilters(this.#tools, link);
  }

  /** `nft -a -s -t list ruleset`: rules with handles, without counters and without the elements of sets. */
  async rulesetText(): Promise<string> {
    return this.#nft(['-a', '-s', '-t', 'list', 'ruleset']);
  }

  /** The objects of the tables named as `family name`. One by one where `all` is false: see `explain/take-snapshot.ts`. */
  async rulesetObjects(tables: readonly string[], all: boolean): Promise<NftObject[]> {
    if (all) return parseListing(await this.#nft(['-j', 'list', 'ruleset']));
    const lists: NftObject[] = [];
    for (const table of tables)
      lists.push(...parseListing(await this.#nft(['-j', 'list', 'table', ...table.split(' ')])));
    return lists;
  }

  /** What iptables says about tables that nft holds: the only place where the content of an xt match can be read. */
  async savedNft(family: Family): Promise<string | undefined> {
    return this.#save(family === 'ipv4' ? 'iptables-nft-save' : 'ip6tables-nft-save');
  }

  /** The tables of the older kernel interface, which nft does not show. Empty where there are none; undefined: not readable. */
  async savedLegacy(family: Family): Promise<string | undefined> {
    return legacyTables(family).length === 0 ? '' : this.#save(legacySaveTool[family]);
  }

  /** Rules on ARP that nft does not show, and policies of drop. Undefined: there is such a table, and arptables is not installed. */
  async legacyArpRules(): Promise<string[] | undefined> {
    if (!hasLegacyArp()) return [];
    // Its -save calls whatever `arptables` is, which is nft's here.
    const listed = await this.#save('arptables-legacy', ['-n', '-L']);
    return listed?.split('\n').filter((line) => line.trim() !== '' && !/^Chain \S+ \((?!policy DROP)/.test(line));
  }

  /** Connections that are tracked now, and how many may be; undefined where nothing is tracked. */
  connectionCount(): Fill | undefined {
    return connectionCount();
  }

  async #nft(args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#tools.run('nft', args);
    if (exitCode !== 0) throw refusal(`nft ${args.join(' ')}`, stderr);
    return stdout;
  }

  /** Undefined where the tool is not installed. A table it cannot read is missing in its output. */
  async #save(tool: ToolName, args: readonly string[] = []): Promise<string | undefined> {
    try {
      return (await this.#tools.run(tool, args)).stdout;
    } catch (error) {
      if (hasCode(error, 'tool-missing')) return undefined;
      throw error;
    }
  }
}

/** RT_SCOPE_*. One that is secondary (IPv4), deprecated (IPv6) or tentative is not chosen: IFA_F_*. */
function toAddress({ family, address, length, scope, flags }: netlink.AddressMessage): InspectedAddress[] {
  const local = parseAddress(address ?? '');
  const names: Readonly<Record<number, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host' };
  const isUsable = (flags & (family === 'ipv4' ? 0x41 : 0x60)) === 0;
  return local === undefined ? [] : [{ local, prefixlen: length, scope: names[scope] ?? String(scope), isUsable }];
}

/** NUD_*, by their bits. Without NUD_NOARP, in which nothing is asked. */
const neighbourStates: readonly string[] = [
  'INCOMPLETE',
  'REACHABLE',
  'STALE',
  'DELAY',
  'PROBE',
  'FAILED',
  '',
  'PERMANENT',
];
