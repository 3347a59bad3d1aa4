/**
 * A read-only look at everything that decides about a packet, for `explain`: small calls, none of which changes the host.
 * Not part of the port that the daemon lives on; nothing here is for the hot path.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Address, type Family, families } from '../model/address.ts';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { parseJson, tieFields } from './ip-json.ts';
import { legacySaveTool, legacyTables } from './legacy-filter.ts';
import { parseListing } from './nft-answer.ts';
import type { NftObject } from './port.ts';
import { protocolName, routeType, tableName, transportName } from './route-numbers.ts';
import type { ToolName, Tools } from './tools.ts';

const text = z.coerce.string();
const address = z.object({
  local: z.string().optional(),
  prefixlen: z.number().default(32),
  scope: z.string().default('global'),
  /** Where they are so, `true`; left out where they are not. */
  secondary: z.boolean().optional(),
  deprecated: z.boolean().optional(),
  tentative: z.boolean().optional(),
});
const inspectedLink = z.object({
  ifindex: z.number(),
  ifname: z.string(),
  flags: z.array(z.string()).default([]),
  ...tieFields,
  group: z.string().default('default'),
  link_type: z.string().default('ether'),
  addr_info: z.array(address).default([]),
});
const policyRule = z.object({
  priority: z.number(),
  not: z.null().optional(),
  src: z.string().optional(),
  srclen: z.number().optional(),
  dst: z.string().optional(),
  dstlen: z.number().optional(),
  iif: z.string().optional(),
  oif: z.string().optional(),
  fwmark: text.optional(),
  fwmask: text.optional(),
  ipproto: text.transform(transportName).optional(),
  tos: text.optional(),
  sport: z.number().optional(),
  sport_start: z.number().optional(),
  dport: z.number().optional(),
  dport_start: z.number().optional(),
  dport_end: z.number().optional(),
  uid_start: z.number().optional(),
  l3mdev: z.null().optional(),
  action: z.string().transform(routeType).optional(),
  goto: z.number().optional(),
  table: text.transform(tableName).optional(),
  suppress_prefixlen: z.number().optional(),
});
const nextHop = z.object({ gateway: z.string().optional(), dev: z.string().optional() });
const tableRoute = z.object({
  type: z.string().transform(routeType).default('unicast'),
  dst: z.string(),
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  dev: z.string().optional(),
  table: text.transform(tableName).default('main'),
  protocol: text.transform(protocolName).default('boot'),
  prefsrc: z.string().optional(),
  metric: z.number().optional(),
  flags: z.array(z.string()).default([]),
  nexthops: z.array(nextHop).optional(),
});
const neighbour = z.object({
  dst: z.string(),
  dev: z.string().optional(),
  state: z.array(z.string()).default([]),
  proxy: z.null().optional(),
});
const decided = z.object({
  type: z.string().default('unicast'),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  prefsrc: z.string().optional(),
});

export type InspectedLink = z.infer<typeof inspectedLink>;
/** A line of `ip rule`. */
export type PolicyRule = z.infer<typeof policyRule>;
/** A line of `ip route show table all`. */
export type TableRoute = z.infer<typeof tableRoute> & { readonly family: Family };
export type Neighbour = z.infer<typeof neighbour>;

/** What the kernel is asked: `ip route get`. Without `input` as for a packet of the host's own. */
export interface RouteQuestion {
  readonly destination: Address;
  readonly source: Address | undefined;
  readonly input: string | undefined;
  readonly mark: number;
}

/** `refused` holds the kernel's words for its error number. */
export type RouteDecision =
  | {
      readonly ok: true;
      readonly type: string;
      readonly device: string | undefined;
      readonly gateway: string | undefined;
    }
  | { readonly ok: false; readonly refused: string };

export class Inspection {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async links(): Promise<InspectedLink[]> {
    return this.#list(['-details', 'address', 'show'], inspectedLink);
  }

  async policyRules(family: Family): Promise<PolicyRule[]> {
    return this.#list(['-N', flag(family), 'rule', 'show'], policyRule);
  }

  async routes(family: Family): Promise<TableRoute[]> {
    const rows = await this.#list(['-N', flag(family), '-details', 'route', 'show', 'table', 'all'], tableRoute);
    return rows.map((row) => ({ ...row, gateway: row.gateway ?? row.via?.host, family }));
  }

  async neighbours(): Promise<Neighbour[]> {
    return this.#list(['neighbour', 'show'], neighbour);
  }

  /** Of both families and anybody's. */
  async neighbourProxies(): Promise<Neighbour[]> {
    const lists = await Promise.all(
      families.map((family) => this.#list([flag(family), 'neighbour', 'show', 'proxy'], neighbour)),
    );
    return lists.flat();
  }

  async decide({ destination, source, input, mark }: RouteQuestion): Promise<RouteDecision> {
    const from = source === undefined ? [] : ['from', source];
    const by = input === undefined ? [] : ['iif', input];
    const marked = mark === 0 ? [] : ['mark', String(mark)];
    const args = [
      '-json',
      destination.includes(':') ? '-6' : '-4',
      'route',
      'get',
      destination,
      ...from,
      ...by,
      ...marked,
    ];
    const { exitCode, stdout, stderr } = await this.#tools.run('ip', args);
    if (exitCode !== 0) return { ok: false, refused: /(?:answers|Error): (.*)/.exec(stderr)?.[1] ?? stderr.trim() };
    const [first] = parseJson(stdout, decided, 'ip route get');
    if (first === undefined) throw new ProtectNetworkError('garbled', 'ip route get printed no route');
    return { ok: true, type: first.type, device: first.dev, gateway: first.gateway ?? first.via?.host };
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

  /** Connections that are tracked now, and how many may be; undefined where nothing is tracked. */
  connectionCount(): { readonly count: number; readonly max: number } | undefined {
    const [count, max] = ['count', 'max'].map((key) => readNumber(`/proc/sys/net/netfilter/nf_conntrack_${key}`));
    return count === undefined || max === undefined ? undefined : { count, max };
  }

  async #list<T extends z.ZodType>(args: readonly string[], row: T): Promise<z.infer<T>[]> {
    const { exitCode, stdout, stderr } = await this.#tools.run('ip', ['-json', ...args]);
    if (exitCode !== 0 && !/FIB table does not exist|not supported/.test(stderr)) {
      throw refusal(`ip ${args.join(' ')}`, stderr);
    }
    return parseJson(stdout, row, `ip ${args.join(' ')}`);
  }

  async #nft(args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#tools.run('nft', args);
    if (exitCode !== 0) throw refusal(`nft ${args.join(' ')}`, stderr);
    return stdout;
  }

  /** Undefined where the tool is not installed. A table it cannot read is missing in its output. */
  async #save(tool: ToolName): Promise<string | undefined> {
    try {
      return (await this.#tools.run(tool, [])).stdout;
    } catch (error) {
      if (hasCode(error, 'tool-missing')) return undefined;
      throw error;
    }
  }
}

function flag(family: Family): string {
  return family === 'ipv4' ? '-4' : '-6';
}

function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
