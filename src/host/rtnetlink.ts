/**
 * Links, routes and neighbour proxies, by iproute2.
 *
 * Hazards: `ip` in batch mode remembers which index a name had, so a link that died and was born again under its name
 * would get the dead one's routes. Changes therefore name a link `if<INDEX>`, which iproute2 resolves without its
 * memory, and listings that are matched by name come from a fresh process. `-6` is not understood inside a batch.
 * Neighbour commands are `replace`, not `add`, and end the whole batch where they fail.
 */
import type { z } from 'zod';
import { type Address, type Family, families, familyOf, hostLength, parseAddress } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { type Answer, Conversation, ConversationEnded } from './conversation.ts';
import { parseJson, parseLinks, proxySchema, routeSchema } from './ip-json.ts';
import type { DefaultRoute, Link, NeighbourProxy, Route, Rtnetlink, RtnetlinkChange, RtnetlinkResult } from './port.ts';
import type { Tools } from './tools.ts';

/** Our route protocol number: how a restarted daemon knows its routes. Unassigned in iproute2's rt_protos. */
export const routeProtocol = '75';

/** Each change makes events, and who follows them stands still while we do not read: between two requests we do. */
const changesPerRequest = 250;

/**
 * Each look-up of an `if<INDEX>` first asks the kernel for a link of that name, and iproute2 never frees the refusal
 * (ll_link_get in its lib/ll_map.c): 4 KiB a line, measured with 6.1. So a batch ends before it holds 10 MiB.
 */
const linesPerBatch = 2000;

/** Links come and go by the hundred when a host starts its zones. */
const listingAttempts = 5;

export class IpRtnetlink implements Rtnetlink {
  readonly #tools: Tools;
  readonly #batch: Conversation;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#batch = new Conversation(tools, {
      tool: 'ip',
      args: ['-json', '-force', '-batch', '-'],
      endLines: (token) => [token],
      endMark: (token) => new RegExp(`Object "${token}" is unknown[^\\n]*\\nCommand failed -:\\d+\\n`),
      requestsPerProcess: 20_000,
      linesPerProcess: linesPerBatch,
    });
  }

  warm(): void {
    this.#batch.warm();
  }

  async links(): Promise<Link[]> {
    const listing = await this.#listLinks();
    return listing.map((link) => ({
      ifindex: link.ifindex,
      name: link.ifname,
      up: link.flags.includes('UP'),
    }));
  }

  /**
   * A listing that changed under way may lack links that are there, and is asked for again; one that changes each time is
   * as good as it gets.
   */
  async #listLinks(): Promise<ReturnType<typeof parseLinks>> {
    for (let attempt = 1; ; attempt += 1) {
      const { stdout, stderr } = await this.#show(['link', 'show']);
      if (isInterrupted(stderr) && attempt < listingAttempts) continue;
      return parseLinks(stdout);
    }
  }

  async routes(family: Family, device?: { readonly ifindex: number }): Promise<Route[]> {
    const narrowed = device === undefined ? [] : ['dev', reference(device.ifindex)];
    const args = [familyFlag(family), 'route', 'show', 'table', 'all', 'proto', routeProtocol, ...narrowed];
    const { stdout, stderr } = await this.#show(args);
    if (isVanished(stderr)) return [];
    // With `dev` given, iproute2 leaves the device out of each line.
    return parseJson(stdout, routeSchema, 'ip route show').map((route) => toRoute(route, family));
  }

  async defaultRoutes(): Promise<DefaultRoute[]> {
    const perFamily = await Promise.all(
      families.map(async (family) => {
        const { stdout } = await this.#show([familyFlag(family), 'route', 'show', 'default']);
        return parseJson(stdout, routeSchema, 'ip route show default').flatMap(({ dev, protocol }) =>
          dev === undefined ? [] : [{ family, device: dev, protocol: String(protocol ?? 'boot') }],
        );
      }),
    );
    return perFamily.flat();
  }

  async proxies(device?: { readonly ifindex: number }): Promise<NeighbourProxy[]> {
    const narrowed = device === undefined ? [] : ['dev', reference(device.ifindex)];
    const { stdout, stderr } = await this.#show(['-6', 'neighbour', 'show', 'proxy', ...narrowed]);
    if (isVanished(stderr)) return [];
    return parseJson(stdout, proxySchema, 'ip neighbour show proxy').flatMap(({ dst, dev, protocol }) => {
      const address = parseAddress(dst);
      return address === undefined || protocol !== routeProtocol ? [] : [{ address, device: dev ?? '' }];
    });
  }

  async apply(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]> {
    const results: RtnetlinkResult[] = [];
    for (let start = 0; start < changes.length; start += changesPerRequest) {
      results.push(...(await this.#applySome(changes.slice(start, start + changesPerRequest))));
    }
    return results;
  }

  close(): Promise<void> {
    return this.#batch.close();
  }

  async #applySome(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]> {
    const { text, firstLine, ended } = await this.#tell(changes.map(commandLine));
    if (ended) return this.#applyInParts(changes, text);
    const complaints = complaintsByLine(text);
    const results: RtnetlinkResult[] = [];
    for (const [index, change] of changes.entries()) {
      const words = complaints.get(firstLine + index);
      results.push(words === undefined ? { ok: true } : await this.#judge(change, words));
    }
    return results;
  }

  /**
   * `ip -force -batch` exits all the same at a neighbour command that fails, without naming its line. Most often its link
   * has vanished: those are sorted out first. Else halves are tried; every verb is idempotent, so what was done before is
   * simply done again.
   */
  async #applyInParts(changes: readonly RtnetlinkChange[], text: string): Promise<RtnetlinkResult[]> {
    const [only] = changes;
    if (only !== undefined && changes.length === 1) return [await this.#judge(only, text)];
    const present = new Set((await this.links()).map(({ ifindex }) => ifindex));
    const isPossible = (change: RtnetlinkChange) => !('ifindex' in change) || present.has(change.ifindex);
    const possible = changes.filter(isPossible);
    if (possible.length === changes.length) {
      const middle = changes.length >> 1;
      return [...(await this.#applySome(changes.slice(0, middle))), ...(await this.#applySome(changes.slice(middle)))];
    }
    const results = possible.length === 0 ? [] : await this.#applySome(possible);
    const applied = results[Symbol.iterator]();
    return changes.map((change) =>
      isPossible(change) ? (applied.next().value ?? vanished(change)) : vanished(change),
    );
  }

  async #tell(lines: readonly string[]): Promise<Answer & { readonly ended: boolean }> {
    try {
      return { ...(await this.#batch.ask(lines, 30_000)), ended: false };
    } catch (error) {
      if (error instanceof ConversationEnded) return { ...error.answer, ended: true };
      throw error;
    }
  }

  /** Turns a refusal into the port's outcome: present-on-add and absent-on-delete are successes. */
  async #judge(change: RtnetlinkChange, words: string): Promise<RtnetlinkResult> {
    const error = refusal(commandLine(change), words);
    if (isDeletion(change) && error.code === 'vanished') return { ok: true };
    if (error.code !== 'exists') return { ok: false, error };
    if (change.kind === 'route-add' || change.kind === 'local-add') return this.#whoHolds(change);
    return { ok: true };
  }

  /** The kernel says "File exists" both for our own route and for somebody else's to the same place. */
  async #whoHolds(change: Extract<RtnetlinkChange, { address: Address }>): Promise<RtnetlinkResult> {
    const family = familyOf(change.address);
    const table = change.kind === 'local-add' ? 'local' : 'main';
    const target = `${change.address}/${hostLength(family)}`;
    const { stdout } = await this.#show([familyFlag(family), 'route', 'show', 'table', table, 'exact', target]);
    const holders = parseJson(stdout, routeSchema, 'ip route show');
    const ours = holders.filter((route) => String(route.protocol) === routeProtocol);
    // A local route of anybody's makes the host answer for the address, which is all that was asked.
    if (!('ifindex' in change)) return { ok: true };
    const device = await this.#nameOf(change.ifindex);
    if (ours.some((route) => route.dev === device)) return { ok: true };
    if (change.kind === 'route-add' && change.insist === true) return this.#standAhead(change);
    const holder = holders[0];
    const where = holder === undefined ? '' : ` (dev ${holder.dev ?? 'none'} proto ${holder.protocol ?? 'boot'})`;
    return {
      ok: false,
      error: new ProtectNetworkError(
        'exists',
        `another route to ${target} is in the way${where}; remove it: ip route del ${target}${holder?.dev === undefined ? '' : ` dev ${holder.dev}`}`,
      ),
    };
  }

  /** In IPv4 the first of several routes to a place counts, in IPv6 the one with the least metric. Neither touches the other. */
  async #standAhead({ address, ifindex }: Extract<RtnetlinkChange, { address: Address; ifindex: number }>) {
    const [how, metric] = familyOf(address) === 'ipv4' ? ['prepend', ''] : ['append', ' metric 1'];
    const line = `route ${how} ${target(address)} dev ${reference(ifindex)} proto ${routeProtocol}${metric}`;
    const { text } = await this.#tell([line]);
    const error = text.trim() === '' ? undefined : refusal(line, text);
    return error === undefined || error.code === 'exists' ? { ok: true as const } : { ok: false as const, error };
  }

  async #nameOf(ifindex: number): Promise<string | undefined> {
    return (await this.links()).find((link) => link.ifindex === ifindex)?.name;
  }

  async #show(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const result = await this.#tools.run('ip', ['-json', ...args]);
    // A dump that the kernel interrupted or a family that is off prints words and nothing else.
    if (result.exitCode !== 0 && !isVanished(result.stderr) && !isAbsentFamily(result.stderr)) {
      throw refusal(`ip ${args.join(' ')}`, result.stderr);
    }
    return result;
  }
}

/** The line as `ip -batch` reads it, and as people read it in plans and logs. */
export function commandLine(change: RtnetlinkChange): string {
  switch (change.kind) {
    case 'link-up':
      return `link set dev ${reference(change.ifindex)} up`;
    case 'route-add':
    case 'route-del':
      return `route ${verb(change)} ${target(change.address)} dev ${reference(change.ifindex)} proto ${routeProtocol}`;
    case 'local-add':
    case 'local-del':
      return `route ${verb(change)} local ${target(change.address)} dev lo table local proto ${routeProtocol}`;
    case 'proxy-add':
    case 'proxy-del':
      return `neighbour ${isDeletion(change) ? 'del' : 'replace'} proxy ${change.address} dev ${reference(change.ifindex)} protocol ${routeProtocol}`;
  }
}

function vanished(change: RtnetlinkChange): RtnetlinkResult {
  if (isDeletion(change)) return { ok: true };
  return { ok: false, error: new ProtectNetworkError('vanished', `${commandLine(change)}: the link is gone`) };
}

function isDeletion(change: RtnetlinkChange): boolean {
  return change.kind.endsWith('-del');
}

function verb(change: RtnetlinkChange): 'add' | 'del' {
  return isDeletion(change) ? 'del' : 'add';
}

function target(address: Address): string {
  return `${address}/${hostLength(familyOf(address))}`;
}

/** iproute2 takes `if<INDEX>` for a device where none has that name (ll_name_to_index in its lib/ll_map.c). */
function reference(ifindex: number): string {
  return `if${ifindex}`;
}

function familyFlag(family: Family): string {
  return family === 'ipv4' ? '-4' : '-6';
}

function isVanished(stderr: string): boolean {
  return /Cannot find device|No such device/.test(stderr);
}

/** libnetlink's words for NLM_F_DUMP_INTR; the exit code is 0 all the same. */
function isInterrupted(stderr: string): boolean {
  return stderr.includes('Dump was interrupted');
}

function isAbsentFamily(stderr: string): boolean {
  return /FIB table does not exist|Address family not supported|Operation not supported/.test(stderr);
}

function toRoute(route: z.infer<typeof routeSchema>, family: Family): Route {
  const type = route.type ?? 'unicast';
  return {
    family,
    destination: route.dst,
    type: type === 'unicast' || type === 'local' ? type : 'other',
    table: String(route.table ?? 'main'),
    device: route.dev,
    // Left out by iproute2 in a listing that is narrowed to one protocol, as ours are.
    protocol: String(route.protocol ?? routeProtocol),
  };
}

/** What `ip` complained about, by the batch's line number: the words come first, then `Command failed -:LINE`. */
function complaintsByLine(text: string): Map<number, string> {
  const complaints = new Map<number, string>();
  let words: string[] = [];
  for (const line of text.split('\n')) {
    const failed = /^Command failed -:(\d+)$/.exec(line);
    if (failed === null) {
      words.push(line);
    } else {
      complaints.set(Number(failed[1]), words.join(' '));
      words = [];
    }
  }
  return complaints;
}
