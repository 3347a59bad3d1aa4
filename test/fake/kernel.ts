/**
 * A little kernel behind the host port: it keeps state, has the habits of Linux 6.18 with nft 1.0.6 that the tests
 * depend on, refuses whatever it does not know, and shows all of itself as text. test/contract holds it and a real
 * kernel to the same sentences.
 *
 * Not in it: addresses on links, route metrics, packets.
 */

import type { NftJson } from '../../src/host/nft-command.ts';
import type {
  Culprit,
  Host,
  HostEvent,
  LegacyFilter,
  Link,
  NftFamily,
  NftObject,
  RouteType,
  SysctlPath,
} from '../../src/host/port.ts';
import type { Address, Family } from '../../src/model/address.ts';
import type { ProtectNetworkError } from '../../src/model/errors.ts';
import type { Flow } from './conntrack.ts';
import { FakeConntrack } from './conntrack.ts';
import { EventStream } from './events.ts';
import type { AsyncCall, Call } from './faults.ts';
import { Faults } from './faults.ts';
import { FakeLinks, type LinkChange } from './links.ts';
import { FakeNft } from './nft.ts';
import { isJson } from './nft-state.ts';
import { refused } from './refuse.ts';
import type { FakeRoute } from './routes.ts';
import { FakeRtnetlink } from './rtnetlink.ts';
import { FakeSysctl } from './sysctl.ts';

/** A route made by hand; `type` is unicast, `table` main and `protocol` static where it does not say. */
export interface ForeignRoute {
  readonly family: Family;
  readonly destination: string;
  readonly device?: string;
  readonly protocol?: string;
  readonly table?: string;
  readonly type?: RouteType;
}

export class FakeHost implements Host {
  readonly rtnetlink: FakeRtnetlink;
  readonly nft: FakeNft;
  readonly conntrack: FakeConntrack;
  readonly sysctl: Host['sysctl'];
  readonly #legacyFilters = new Map<Family, LegacyFilter>();
  readonly #events = new EventStream();
  readonly #faults = new Faults();
  readonly #sysctl: FakeSysctl;
  readonly #links: FakeLinks;

  /** `lo` is there and up. With `ipv6: false` the kernel has no IPv6 at all. */
  constructor(options: { readonly ipv6?: boolean } = {}) {
    this.#sysctl = new FakeSysctl(this.#events, options.ipv6 ?? true);
    this.#links = new FakeLinks(this.#events, this.#sysctl);
    this.rtnetlink = new FakeRtnetlink(this.#links, this.#sysctl, this.#faults);
    this.nft = new FakeNft(this.#events, this.#faults);
    this.conntrack = new FakeConntrack(this.#faults);
    this.sysctl = {
      read: (path) => {
        this.#faults.passNow('sysctl.read');
        return this.#sysctl.read(path);
      },
      write: (path, value) => {
        this.#faults.passNow('sysctl.write');
        this.#sysctl.write(path, value);
      },
      follow: (link) => this.#sysctl.follow(link),
      unfollow: (link) => this.#sysctl.unfollow(link),
      followProblem: undefined,
    };
  }

  async legacyFilter(family: Family): Promise<LegacyFilter> {
    await this.#faults.pass('legacyFilter');
    return this.#legacyFilters.get(family) ?? { kind: 'none' };
  }

  async watch(listener: (event: HostEvent) => void): Promise<void> {
    await this.#faults.pass('watch');
    this.#events.listen(listener);
  }

  async close(): Promise<void> {
    this.#events.end();
  }

  /** Adds a link that is down and returns its ifindex. The name may have belonged to another link before. */
  addLink(name: string, ties?: Pick<Link, 'lower' | 'kind' | 'bus' | 'device'>): number {
    return this.#links.add(name, ties);
  }

  deleteLink(name: string): void {
    this.#links.remove(name);
  }

  renameLink(from: string, to: string): void {
    this.#links.rename(from, to);
  }

  setLink(name: string, change: LinkChange): void {
    this.#links.set(name, change);
  }

  /** `beside`: of another metric than what is there, as routing daemons choose one. */
  foreignRoute(route: ForeignRoute, beside = false): void {
    const parsed = this.#parseRoute(route);
    if (parsed.ifindex !== undefined && !this.#links.get(parsed.ifindex).up) {
      throw refused(`${route.destination}: Network is down`);
    }
    this.#links.routes.add(parsed, beside);
  }

  /** A neighbour proxy of somebody's who names no protocol. */
  foreignProxy(address: Address, device: string): void {
    const ifindex = this.#links.find(device)?.ifindex;
    if (ifindex === undefined) throw refused(`Cannot find device "${device}"`);
    this.#links.routes.addProxy({ address, ifindex, protocol: 'unspec' });
  }

  /** What somebody else puts at the root of a link, in place of whatever is there; undefined takes that away. */
  foreignQdisc(name: string, qdisc: string | undefined): void {
    const ifindex = this.#links.find(name)?.ifindex;
    if (ifindex === undefined) throw refused(`Cannot find device "${name}"`);
    const there = this.#links.shapers().get(ifindex)?.kind;
    if (qdisc !== undefined) this.#links.shape(ifindex, { kind: 'other', qdisc });
    else if (there !== undefined) this.#links.unshape(ifindex, there);
  }

  /** Deletes any route that fits, ours too. Throws where there is none. */
  foreignRouteDelete(route: ForeignRoute): void {
    const before = this.#links.routes.render().length;
    this.#links.routes.remove(this.#parseRoute(route));
    if (this.#links.routes.render().length === before) throw refused(`${route.destination}: No such process`);
  }

  /** What iptables-legacy made of its filter table. The kernel tells nobody. */
  foreignLegacyFilter(family: Family, filter: LegacyFilter): void {
    this.#legacyFilters.set(family, filter);
  }

  /** Somebody else's write: no failure that was ordered for ours. */
  foreignSysctl(path: SysctlPath, value: string): void {
    this.#sysctl.write(path, value);
  }

  /** Somebody else's nft transaction; returns what nft would echo to them. */
  foreignNft(commands: readonly NftJson[], culprit?: Culprit): NftObject[] {
    return this.nft.foreign(commands, culprit);
  }

  /** Takes `nft -j list ruleset` output, or its list of objects, as there from the start: no event, nothing judged. */
  loadRuleset(json: unknown): void {
    const objects = isJson(json) ? json['nftables'] : json;
    if (!Array.isArray(objects)) throw new Error('expected a list of nft objects');
    this.nft.load(objects as NftObject[]);
  }

  /** Makes packets of a zone hit an element's counter. */
  hitElement(family: NftFamily, table: string, set: string, value: unknown, packets: number, bytes: number): void {
    this.nft.hit(family, table, set, value, packets, bytes);
  }

  /** A tracked connection; without reply addresses it is an untranslated one. */
  addFlow(flow: Pick<Flow, 'src' | 'dst'> & Partial<Flow>): void {
    this.conntrack.add({ replySrc: flow.dst, replyDst: flow.src, ...flow });
  }

  /** The next `times` calls throw `error` (a single rtnetlink change: has it as its result) and change nothing. */
  failNext(call: Call, error: ProtectNetworkError, times = 1): void {
    this.#faults.failNext(call, error, times);
  }

  /** The next call waits for `gate` before it does anything: what happens meanwhile happened in the middle. */
  delayNext(call: AsyncCall, gate: Promise<unknown>): void {
    this.#faults.delayNext(call, gate);
  }

  /** Failures that were ordered and not met. */
  unmetFailures(): readonly Call[] {
    return this.#faults.unmet();
  }

  /** Events are dropped from here on, as when a netlink socket overflows, until `loseEvents` tells. */
  silenceEvents(): void {
    this.#events.silence();
  }

  loseEvents(reason: string): void {
    this.#events.lose(reason);
  }

  /** Links by ifindex, routes, neighbour proxies, sysctls that are not what the kernel gave, connections, ruleset. */
  render(): string {
    const lines = [
      ...this.#links.render(),
      ...this.#links.routes.render(),
      ...this.#sysctl.render(),
      ...this.conntrack.render(),
      ...this.nft.render(),
    ];
    return `${lines.join('\n')}\n`;
  }

  #parseRoute(route: ForeignRoute): FakeRoute {
    const { family, destination, device, protocol = 'static', table = 'main', type = 'unicast' } = route;
    const link = device === undefined ? undefined : this.#links.find(device);
    if (device !== undefined && link === undefined) throw refused(`Cannot find device "${device}"`);
    return { family, destination, type, table, ifindex: link?.ifindex, protocol };
  }
}
