/** Routes and neighbour proxies, with what Linux does to them when a link goes down. */
import type { DefaultRoute, NeighbourProxy, Route, RouteType } from '../../src/host/port.ts';
import { isLearnedFromLan } from '../../src/host/route-numbers.ts';
import type { Address, Family, Prefix } from '../../src/model/address.ts';
import { contains, families, familyOf, parseAddress } from '../../src/model/address.ts';
import { ProtectNetworkError } from '../../src/model/errors.ts';
import type { EventStream } from './events.ts';

/** A route by ifindex: the name is looked up when somebody asks, because links are renamed. */
export interface FakeRoute {
  readonly family: Family;
  readonly destination: string;
  readonly type: RouteType;
  readonly table: string;
  readonly ifindex: number | undefined;
  readonly protocol: string;
}

export interface FakeProxy {
  readonly address: Address;
  readonly ifindex: number;
  readonly protocol: string;
}

/** The protocol number of routes and neighbour proxies that are ours. */
export const ourProtocol = '75';

export class FakeRoutes {
  #routes: FakeRoute[] = [];
  #proxies: FakeProxy[] = [];
  readonly #events: EventStream;
  readonly #nameOf: (ifindex: number) => string | undefined;

  constructor(events: EventStream, nameOf: (ifindex: number) => string | undefined) {
    this.#events = events;
    this.#nameOf = nameOf;
  }

  /** Only routes of our protocol. Narrowed to a link, they come without its name. */
  list(family: Family, ifindex: number | undefined): Route[] {
    return this.#routes
      .filter((route) => route.family === family && route.protocol === ourProtocol)
      .filter((route) => ifindex === undefined || route.ifindex === ifindex)
      .map(({ ifindex: device, ...route }) => ({
        ...route,
        device: ifindex === undefined ? this.#device(device) : undefined,
      }));
  }

  /** Those of the main table that have a device, IPv4's first. */
  defaults(): DefaultRoute[] {
    return families.flatMap((family) =>
      this.#routes.flatMap((route) => {
        const device = this.#device(route.ifindex);
        const fits = route.family === family && route.destination === 'default' && route.table === 'main';
        return fits && device !== undefined ? [{ family, device, protocol: route.protocol }] : [];
      }),
    );
  }

  foreign(within: readonly Prefix[]): { address: Address; devices: string[] }[] {
    return this.#routes.flatMap(({ destination, type, table, protocol, ifindex }) => {
      const address = parseAddress(destination);
      if (address === undefined || type !== 'unicast' || table !== 'main' || protocol === ourProtocol) return [];
      if (isLearnedFromLan(protocol) || !within.some((prefix) => contains(prefix, address))) return [];
      return [{ address, devices: [this.#device(ifindex) ?? []].flat() }];
    });
  }

  isLocal(address: Address): boolean {
    return this.#routes.some(({ type, destination }) => type === 'local' && destination === address);
  }

  /** Present and equal is success; any other route to the same place in the same table is in the way, or behind. */
  add(route: FakeRoute, insist = false): void {
    const there = this.#routes.filter((other) => samePlace(other, route));
    if (there.some((other) => equal(other, route) || bothAnswer(other, route))) return;
    if (there.some((other) => isInTheWay(other, route)) && !insist)
      throw new ProtectNetworkError('exists', `${route.destination}: File exists`);
    this.#routes.push(route);
    this.#announce(route, false);
  }

  /** Deletes exactly this route; another one to the same place stays. */
  remove(route: FakeRoute): void {
    const there = this.#routes.find((other) => equal(other, route));
    if (there === undefined) return;
    this.#routes = this.#routes.filter((other) => other !== there);
    this.#announce(there, true);
  }

  /** Only those of IPv6 and of our protocol. */
  proxies(ifindex: number | undefined): NeighbourProxy[] {
    return this.#proxies
      .filter(({ address, protocol }) => familyOf(address) === 'ipv6' && protocol === ourProtocol)
      .filter((proxy) => ifindex === undefined || proxy.ifindex === ifindex)
      .map((proxy) => ({ address: proxy.address, ifindex: proxy.ifindex }));
  }

  /** One already there takes the new protocol. */
  addProxy(proxy: FakeProxy): void {
    this.removeProxy(proxy.address, proxy.ifindex);
    this.#proxies.push(proxy);
  }

  /** Like the kernel, does not ask whose it is. */
  removeProxy(address: Address, ifindex: number): void {
    this.#proxies = this.#proxies.filter((proxy) => proxy.ifindex !== ifindex || proxy.address !== address);
  }

  /** What a link takes with it: routes of IPv4 in silence, those of IPv6 with an event each, and its neighbour proxies. */
  flush(ifindex: number, families: readonly Family[]): void {
    const leaving = this.#routes.filter((route) => route.ifindex === ifindex && families.includes(route.family));
    this.#routes = this.#routes.filter((route) => !leaving.includes(route));
    for (const route of leaving) if (route.family === 'ipv6') this.#announce(route, true);
    this.#proxies = this.#proxies.filter((p) => p.ifindex !== ifindex || !families.includes(familyOf(p.address)));
  }

  render(): string[] {
    const routes = this.#routes.map((route) => {
      const type = route.type === 'unicast' ? '' : `${route.type} `;
      const device = route.ifindex === undefined ? '' : ` dev ${this.#device(route.ifindex)}`;
      const table = route.table === 'main' ? '' : ` table ${route.table}`;
      return `route ${type}${route.destination}${device}${table} proto ${route.protocol}`;
    });
    const proxies = this.#proxies.map(
      ({ address, ifindex, protocol }) => `proxy ${address} dev ${this.#device(ifindex)} proto ${protocol}`,
    );
    return [...routes.sort(), ...proxies.sort()];
  }

  #device(ifindex: number | undefined): string | undefined {
    return ifindex === undefined ? undefined : this.#nameOf(ifindex);
  }

  #announce(route: FakeRoute, deleted: boolean): void {
    const { family, destination, protocol } = route;
    this.#events.emit({ kind: 'route', family, destination, device: this.#device(route.ifindex), protocol, deleted });
  }
}

export function ourRoute(address: Address, ifindex: number): FakeRoute {
  return { ...hostRoute(address, ifindex), type: 'unicast', table: 'main' };
}

export function ourLocalRoute(address: Address, loopback: number): FakeRoute {
  return { ...hostRoute(address, loopback), type: 'local', table: 'local' };
}

export function ourBlockRoute({ family, text }: Prefix): FakeRoute {
  const made = { ifindex: undefined, protocol: ourProtocol, type: 'unreachable', table: 'main' } as const;
  return { family, destination: text, ...made };
}

function hostRoute(address: Address, ifindex: number) {
  return { family: familyOf(address), destination: address, ifindex, protocol: ourProtocol } as const;
}

/** A local route of anybody's makes the host answer for the address, which is all that ours would do. */
function bothAnswer(a: FakeRoute, b: FakeRoute): boolean {
  return a.type === 'local' && b.type === 'local';
}

/** In IPv6 ours have a metric of their own. What nobody on this host has set is overtaken. */
function isInTheWay(a: FakeRoute, b: FakeRoute): boolean {
  if (b.protocol === ourProtocol && isLearnedFromLan(a.protocol)) return false;
  return a.family === 'ipv4' || (a.protocol === ourProtocol) === (b.protocol === ourProtocol);
}

function samePlace(a: FakeRoute, b: FakeRoute): boolean {
  return a.family === b.family && a.destination === b.destination && a.table === b.table;
}

function equal(a: FakeRoute, b: FakeRoute): boolean {
  return samePlace(a, b) && a.ifindex === b.ifindex && a.protocol === b.protocol && a.type === b.type;
}
