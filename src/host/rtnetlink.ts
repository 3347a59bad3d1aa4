/**
 * Links, routes and neighbour proxies, by netlink. A look or a change takes some ten microseconds and is synchronous; the
 * event loop gets a turn within many changes, so that their events are read meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Address,
  contains,
  type Family,
  families,
  familyOf,
  type Prefix,
  parseAddress,
} from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import * as netlink from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import type {
  DefaultRoute,
  Link,
  NeighbourProxy,
  Route,
  Rtnetlink,
  RtnetlinkChange,
  RtnetlinkResult,
  Shaper,
} from './port.ts';
import { isLearnedFromLan, protocolName, tableName } from './route-numbers.ts';
import { dump, listLinks, listRoutes, namesOf } from './route-socket.ts';
import { type NeighbourSetting, toLink, typeOf } from './route-words.ts';
import {
  commandLine,
  isDeletion,
  judgeShaper,
  protocol,
  requestOf,
  routeAhead,
  targetOf,
} from './rtnetlink-changes.ts';
import { fairShares, shaperIn } from './shaper.ts';
import { leadingTo, readWaysOut } from './ways-out.ts';

const changesPerTurn = 250;
const { main } = netlink.routeTable;

export class NetlinkRoutes implements Rtnetlink {
  readonly #socket = new netlink.RequestSocket(netlink.protocol.route);
  /** Of the last listing of links, for whoever names links in the same turn of the event loop. */
  #known: ReadonlyMap<number, string> | undefined;

  async links(): Promise<Link[]> {
    const links = listLinks(this.#socket);
    if (links.length === 0) throw new ProtectNetworkError('garbled', 'the kernel lists no link, not even lo');
    const names = namesOf(links);
    this.#known = names;
    setImmediate(() => (this.#known = undefined));
    let delays: ReadonlyMap<string, string> | undefined;
    const neighbourSetting: NeighbourSetting = (family, key, ifindex) => {
      delays ??= this.#proxyDelays();
      return key === 'proxy_delay' ? delays.get(`${family} ${ifindex}`) : undefined;
    };
    return links.map((link) => toLink(link, (ifindex) => names.get(ifindex), neighbourSetting));
  }

  async routes(family: Family, device?: { readonly ifindex: number }): Promise<Route[]> {
    const names = device === undefined ? await this.#names() : undefined;
    return listRoutes(this.#socket, family, {
      protocol,
      ...(device === undefined ? {} : { device: device.ifindex }),
    }).map((route) => ({
      family,
      destination: route.destination ?? 'default',
      type: typeOf(route),
      table: tableName(route.table),
      device: route.devices.length === 1 ? names?.get(route.devices[0] ?? 0) : undefined,
      protocol: protocolName(route.protocol),
    }));
  }

  async defaultRoutes(): Promise<DefaultRoute[]> {
    const names = await this.#names();
    return families.flatMap((family) =>
      listRoutes(this.#socket, family, { table: main })
        .filter(({ destination, type }) => destination === undefined && type === 'unicast')
        .flatMap(({ devices, protocol: maker }) =>
          namedIn(names, devices).map((device) => ({ family, device, protocol: protocolName(maker) })),
        ),
    );
  }

  async waysOut(): Promise<Pick<DefaultRoute, 'family' | 'device'>[]> {
    const names = await this.#names();
    return readWaysOut(this.#socket).devices.flatMap(({ family, ifindex }) =>
      namedIn(names, [ifindex]).map((device) => ({ family, device })),
    );
  }

  async foreignRoutes(within: readonly Prefix[]) {
    const names = await this.#names();
    return [...new Set(within.map(({ family }) => family))].flatMap((family) =>
      listRoutes(this.#socket, family, { table: main }).flatMap((route) => {
        const address = route.destination?.includes('/') === false ? parseAddress(route.destination) : undefined;
        if (address === undefined || route.type !== 'unicast' || route.protocol === protocol) return [];
        if (isLearnedFromLan(protocolName(route.protocol))) return [];
        if (!within.some((prefix) => contains(prefix, address))) return [];
        return [{ address, devices: namedIn(names, route.devices) }];
      }),
    );
  }

  async isOwn(address: Address): Promise<boolean> {
    return leadingTo(this.#socket, address).some(({ type }) => type === 'local');
  }

  async proxies(device?: { readonly ifindex: number }): Promise<NeighbourProxy[]> {
    const all = dump(
      this.#socket,
      'neighbour proxies',
      netlink.listNeighbours('ipv6', 'proxies', device?.ifindex),
      netlink.readNeighbour,
    );
    return all.flatMap((entry) => {
      const address = parseAddress(entry.address ?? '');
      if (address === undefined || !entry.isProxy || entry.protocol !== protocol) return [];
      return [{ address, ifindex: entry.ifindex }];
    });
  }

  async shapers(): Promise<Map<number, Shaper>> {
    const all = dump(this.#socket, 'queueing disciplines', netlink.listQdiscs(), netlink.readQdisc);
    return new Map(
      all.flatMap((qdisc) => {
        const shaper = shaperIn(qdisc);
        return shaper === undefined ? [] : [[qdisc.ifindex, shaper] as const];
      }),
    );
  }

  async apply(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]> {
    const results: RtnetlinkResult[] = [];
    for (let start = 0; start < changes.length; start += changesPerTurn) {
      if (start > 0) await nextTurn();
      const some = changes.slice(start, start + changesPerTurn);
      const outcomes = this.#socket.askEach(some.map(requestOf));
      for (const [place, change] of some.entries()) results.push(await this.#judge(change, outcomes[place]));
    }
    return results;
  }

  async close(): Promise<void> {
    this.#socket.close();
  }

  /** By family and ifindex, in the sysctl's hundredths of a second: a file for each takes a hundred times as long. */
  #proxyDelays(): Map<string, string> {
    const { listNeighbourSettings, readNeighbourSettings } = netlink;
    const all = families.flatMap((family) =>
      dump(this.#socket, 'neighbour tables', listNeighbourSettings(family), readNeighbourSettings),
    );
    return new Map(all.map((each) => [`${each.family} ${each.ifindex}`, Math.ceil(each.proxyDelayMs / 10).toString()]));
  }

  /** Turns a refusal into the port's outcome: present-on-add and absent-on-delete are successes. */
  async #judge(change: RtnetlinkChange, refusal: netlink.NetlinkError | undefined): Promise<RtnetlinkResult> {
    if (refusal === undefined) {
      // Without fq_codel what waits goes in the order of its arrival, and the bound holds all the same.
      if (change.kind === 'shaper-set') this.#socket.askEach([fairShares(change)]);
      return { ok: true };
    }
    if (change.kind === 'shaper-set' || change.kind === 'shaper-del') return judgeShaper(change, refusal);
    const error = refusedBy(commandLine(change), refusal);
    if (isDeletion(change) && error.code === 'vanished') return { ok: true };
    if (error.code !== 'exists') return { ok: false, error };
    if (change.kind === 'block-add') return this.#whoCovers(change);
    // A local route of anybody's makes the host answer for the address, which is all that was asked.
    return change.kind === 'route-add' ? this.#whoHolds(change) : { ok: true };
  }

  /** A route of anybody's by which nothing leaves is as good as ours. */
  async #whoCovers({ prefix }: { readonly prefix: Prefix }): Promise<RtnetlinkResult> {
    const all = listRoutes(this.#socket, prefix.family, { table: main });
    const holder = all.find(({ destination }) => destination === prefix.text);
    if (holder === undefined || ['unreachable', 'blackhole', 'prohibit'].includes(holder.type)) return { ok: true };
    return this.#inTheWay(prefix.text, holder);
  }

  /**
   * The kernel says EEXIST both for our own route and for somebody else's to the same place. One that nobody on this host has set
   * keeps no zone out: whoever answers for DHCP on the uplink's network could.
   */
  async #whoHolds(change: Extract<RtnetlinkChange, { kind: 'route-add' }>): Promise<RtnetlinkResult> {
    const { address, ifindex, insist } = change;
    const family = familyOf(address);
    const holders = listRoutes(this.#socket, family, { table: main }).filter(
      ({ destination }) => destination === address,
    );
    if (holders.some((route) => route.protocol === protocol && route.devices[0] === ifindex)) return { ok: true };
    const set = holders.find((route) => !isLearnedFromLan(protocolName(route.protocol)));
    if (insist === true || set === undefined) return this.#standAhead(change);
    return this.#inTheWay(targetOf(address), set);
  }

  async #inTheWay(target: string, holder: netlink.RouteMessage | undefined): Promise<RtnetlinkResult> {
    const device = (await this.#names()).get(holder?.devices[0] ?? 0);
    const where = holder === undefined ? '' : ` (dev ${device ?? 'none'} proto ${protocolName(holder.protocol)})`;
    return {
      ok: false,
      error: new ProtectNetworkError(
        'exists',
        `another route to ${target} is in the way${where}; remove it: ip route del ${target}${device === undefined ? '' : ` dev ${device}`}`,
      ),
    };
  }

  #standAhead(change: Extract<RtnetlinkChange, { kind: 'route-add' }>): RtnetlinkResult {
    const [refusal] = this.#socket.askEach([routeAhead(change)]);
    if (refusal === undefined || refusal.code === 'EEXIST') return { ok: true };
    return { ok: false, error: refusedBy(commandLine(change), refusal) };
  }

  async #names(): Promise<ReadonlyMap<number, string>> {
    return this.#known ?? new Map((await this.links()).map(({ ifindex, name }) => [ifindex, name]));
  }
}

/** A device that is gone meanwhile is left out. */
function namedIn(names: ReadonlyMap<number, string>, devices: Iterable<number>): string[] {
  return [...devices].flatMap((ifindex) => names.get(ifindex) ?? []);
}
