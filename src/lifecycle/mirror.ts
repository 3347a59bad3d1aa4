/**
 * What we believe the host holds of ours. It is filled by observing, carried forward by our own changes before they are
 * made (so that their events are recognised), and read again wherever an event contradicts it.
 */

import type { ObservedProxies, SysctlValues } from '../arp/model.ts';
import { observeLinkProxies } from '../arp/observe.ts';
import {
  type Host,
  type HostEvent,
  type LegacyFilter,
  type Link,
  type RtnetlinkChange,
  unnamedTable,
} from '../host/port.ts';
import { routeProtocol } from '../host/rtnetlink-changes.ts';
import { type Address, type Family, parseAddress } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import type { HostLink } from '../nft/layout-model.ts';
import { observedKeys } from '../nft/observe.ts';
import type { ObservedRoutes } from '../routes/model.ts';
import { observeLinkRoutes } from '../routes/observe.ts';
import { Shapers } from '../routes/shapers.ts';
import { KnownRuleset } from './known-ruleset.ts';
import { LinkTable, type TouchedLinks } from './link-table.ts';
import { listByLink, observeByLink } from './observe-links.ts';
import { withEmulated } from './strange-links.ts';
import type { Taken } from './taken.ts';

const noAddresses: ReadonlySet<Address> = new Set();
/** The kernel walks its whole tables for a look at one link, too: above this, one walk for all is cheaper. */
const mostOneByOne = 16;

export class Mirror {
  readonly #table = new LinkTable();
  routes: ObservedRoutes = { byLink: new Map(), gateways: new Set(), blocks: new Set() };
  proxies: ObservedProxies = new Map();
  readonly rules = new KnownRuleset();
  readonly shapers = new Shapers();
  /** By ifindex, only for the plan that is made as soon as all is read: they can change without an event. */
  sysctls: ReadonlyMap<number, SysctlValues> = new Map();
  /** iptables-legacy's, as they were when all was read: nothing tells of their changes. */
  legacyFilters: Readonly<Record<Family, LegacyFilter>> = { ipv4: { kind: 'none' }, ipv6: { kind: 'none' } };
  readonly #holderOf = new Map<Address, number>();

  get links(): ReadonlyMap<number, Link> {
    return this.#table.links;
  }

  get formerly(): ReadonlyMap<number, LinkName> {
    return this.#table.formerly;
  }

  /** The names of guests' links that are called unlike zones', and those of their emulated cards, sorted. */
  guestsElsewhere(): string[] {
    const names = [...this.#table.guestsElsewhere.values()].flatMap(withEmulated);
    return [...new Set(names)].sort();
  }

  /** The host's own links that are called like zones', sorted. */
  hostLinks(): HostLink[] {
    return [...this.#table.hostLinks.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async observeAll(host: Host): Promise<void> {
    const [{ links, routes, proxies, shapers, sysctls }, ipv4, ipv6] = await Promise.all([
      observeByLink(host),
      host.legacyFilter('ipv4'),
      host.legacyFilter('ipv6'),
      this.rules.readAll(host.nft),
    ]);
    this.#table.reset(links);
    this.#holderOf.clear();
    for (const [ifindex, addresses] of routes.byLink) for (const each of addresses) this.#hold(each, ifindex, true);
    this.routes = routes;
    this.proxies = proxies;
    this.shapers.reset(shapers);
    this.sysctls = sysctls;
    this.legacyFilters = { ipv4, ipv6 };
  }

  /** Those that are there: a few one after the other, many by listings of everything. */
  async observeLinks({ rtnetlink }: Host, indices: readonly number[]): Promise<void> {
    const present = indices.filter((ifindex) => this.links.has(ifindex));
    const all = present.length > mostOneByOne ? await listByLink(rtnetlink, await rtnetlink.links()) : undefined;
    for (const ifindex of present) {
      const [routes, proxies] =
        all === undefined
          ? await Promise.all([observeLinkRoutes(rtnetlink, ifindex), observeLinkProxies(rtnetlink, ifindex)])
          : [all[0].byLink.get(ifindex) ?? new Set<Address>(), all[1].get(ifindex) ?? new Set<Address>()];
      this.#believe(ifindex, routes, proxies);
    }
  }

  #believe(ifindex: number, routes: Set<Address>, proxies: Set<Address>): void {
    for (const address of this.routesOf(ifindex)) this.#hold(address, ifindex, false);
    for (const address of routes) this.#hold(address, ifindex, true);
    this.routes.byLink.set(ifindex, routes);
    this.proxies.set(ifindex, proxies);
  }

  zoneLinks(): LinkName[] {
    return [...this.links.values()].flatMap(({ name }) => parseLinkName(name) ?? []);
  }

  /** Who has which address now, by the routes that stand. */
  holders(): Map<Address, LinkName> {
    const holders = new Map<Address, LinkName>();
    for (const [address, ifindex] of this.#holderOf) {
      const name = this.#table.zoneNameOf(ifindex);
      if (name !== undefined) holders.set(address, name);
    }
    return holders;
  }

  holderNameOf(address: Address): LinkName | undefined {
    const ifindex = this.#holderOf.get(address);
    return ifindex === undefined ? undefined : this.#table.zoneNameOf(ifindex);
  }

  takeTouched(): TouchedLinks | 'all' {
    return this.#table.takeTouched();
  }

  /** Who has taken the link from us, if anybody. */
  takenBy(link: Link): Taken | undefined {
    return this.#table.takenBy(link);
  }

  /** A packet under an address of a link that others have taken comes by their device, and is nobody's forgery. */
  isOfTakenLink({ source, link }: Extract<HostEvent, { kind: 'traced' }>): boolean {
    const address = parseLinkName(link) === undefined ? parseAddress(source) : undefined;
    const holder = address && this.links.get(this.#holderOf.get(address) ?? 0);
    return holder !== undefined && this.takenBy(holder) !== undefined;
  }

  routesOf(ifindex: number): ReadonlySet<Address> {
    return this.routes.byLink.get(ifindex) ?? noAddresses;
  }

  proxiesOf(ifindex: number): ReadonlySet<Address> {
    return this.proxies.get(ifindex) ?? noAddresses;
  }

  /** The change as if it had succeeded; `revoke` takes that back. */
  expect(change: RtnetlinkChange): void {
    this.#carry(change, !change.kind.endsWith('-del'));
  }

  /** `reason`: why it has failed. */
  revoke(change: RtnetlinkChange, reason: string): void {
    if (change.kind === 'shaper-set' || change.kind === 'shaper-del') this.shapers.revoke(change, reason);
    else this.#carry(change, change.kind.endsWith('-del'));
  }

  /** Takes over what a link event tells. Returns whether the event contradicts what was believed: a pass is due then. */
  learn(event: HostEvent): boolean {
    switch (event.kind) {
      case 'link':
        return this.#takeLink(event.link, event.deleted);
      case 'route':
        return this.#contradictsRoute(event);
      case 'shaper':
        return this.shapers.learn(event.ifindex, event.shaper) && this.#table.zoneNameOf(event.ifindex) !== undefined;
      case 'address':
        return event.deleted && this.routesOf(event.ifindex).size > 0;
      case 'netconf':
        return this.#contradictsNetconf(event);
      case 'nft':
        return [...event.tables].some((table) => observedKeys.has(table) || table === unnamedTable);
      case 'sysctl':
        return this.linkNamed(event.link) !== undefined;
      case 'traced':
        return false;
      case 'lost':
        return true;
    }
  }

  /** Takes over an event of nftables that tells all there is to know, and whom it is about, by ifindex. Undefined where rules must be read. */
  takeAway(event: HostEvent): ReadonlySet<number> | 'all' | undefined {
    const names = event.kind === 'nft' ? this.rules.takeAway(event) : undefined;
    if (names === undefined || names === 'all') return names;
    const links = [...names].flatMap((name) => this.linkNamed(name) ?? []);
    return links.length < names.size ? 'all' : new Set(links.map(({ ifindex }) => ifindex));
  }

  /** The youngest link of that name. */
  linkNamed(name: string): Link | undefined {
    return this.#table.named(name);
  }

  /** The links of that name by ifindex, the youngest last. */
  namesakes(name: string): readonly number[] {
    return this.#table.namesakes(name);
  }

  #takeLink(link: Link, deleted: boolean): boolean {
    if (!deleted) return this.#table.set(link);
    for (const address of this.routesOf(link.ifindex)) this.#hold(address, link.ifindex, false);
    this.routes.byLink.delete(link.ifindex);
    this.proxies.delete(link.ifindex);
    this.shapers.forget(link.ifindex);
    this.rules.loseIngress(link.name);
    return this.#table.drop(link);
  }

  /** By address, not by the name in the event: a renamed link's routes may be told under its old one. */
  #contradictsRoute(event: Extract<HostEvent, { kind: 'route' }>): boolean {
    const isOurs = event.protocol === routeProtocol;
    // Gone, or somebody else's in its place.
    if (this.routes.blocks.has(event.destination)) return event.deleted === isOurs;
    const address = parseAddress(event.destination);
    if (address === undefined) return false;
    if (event.deleted && event.device === 'lo') return isOurs && this.routes.gateways.has(address);
    const holder = this.#holderOf.get(address);
    if (holder === undefined) return false;
    const named = event.device === undefined ? undefined : this.linkNamed(event.device)?.ifindex;
    if (event.deleted) return isOurs && (named === undefined || named === holder);
    // A route of somebody else's to the place of one of ours: a replacement, which deletes without saying so.
    return !isOurs || (named !== undefined && named !== holder);
  }

  /** The link that the event is about, by ifindex, where it is about one: the zone's, for a device on top of it. */
  linkOf(event: HostEvent): number | undefined {
    switch (event.kind) {
      case 'link':
        return this.#table.concernedBy(event.link).ifindex;
      case 'address':
      case 'shaper':
        return event.ifindex;
      case 'netconf':
      case 'sysctl':
      case 'traced':
        return this.linkNamed(event.link)?.ifindex;
      case 'route': {
        const address = parseAddress(event.destination);
        return address === undefined ? undefined : this.holderOf(address);
      }
      default:
        return undefined;
    }
  }

  /** The link that has an address of ours, by ifindex. */
  holderOf(address: Address): number | undefined {
    return this.#holderOf.get(address);
  }

  #contradictsNetconf({ link, family, ...event }: Extract<HostEvent, { kind: 'netconf' }>): boolean {
    if (link === 'all') return event.forwarding === false;
    // IPv4 links on which a value was never written follow the default, without an event of their own.
    if (link !== 'default' && (!parseLinkName(link) || !this.linkNamed(link))) return false;
    return event.proxiesNeighbours === false || (family === 'ipv4' && event.strictReversePath === false);
  }

  #hold(address: Address, ifindex: number, present: boolean): void {
    if (present) this.#holderOf.set(address, ifindex);
    else if (this.#holderOf.get(address) === ifindex) this.#holderOf.delete(address);
  }

  #carry(change: RtnetlinkChange, present: boolean): void {
    if (change.kind === 'link-up') {
      const link = this.links.get(change.ifindex);
      if (link !== undefined) this.#table.set({ ...link, up: present });
    } else if (change.kind === 'shaper-set' || change.kind === 'shaper-del') {
      this.shapers.expect(change);
    } else if ('prefix' in change) {
      toggle(this.routes.blocks, change.prefix.text, present);
    } else if (!('ifindex' in change)) {
      toggle(this.routes.gateways, change.address, present);
    } else {
      const isRoute = change.kind === 'route-add' || change.kind === 'route-del';
      const map = isRoute ? this.routes.byLink : this.proxies;
      if (isRoute) this.#hold(change.address, change.ifindex, present);
      const addresses = map.get(change.ifindex) ?? new Set<Address>();
      toggle(addresses, change.address, present);
      map.set(change.ifindex, addresses);
    }
  }
}

function toggle<Value>(set: Set<Value>, value: Value, present: boolean): void {
  if (present) set.add(value);
  else set.delete(value);
}
