/** Reads our routes, which carry our protocol number whoever of us made them. */
import type { Link, Route, Rtnetlink } from '../host/port.ts';
import { type Address, families, parseAddress } from '../model/address.ts';
import type { ObservedRoutes } from './model.ts';

/** `links` gives the names their indices; a route by a link that is not among them is about to vanish with it. */
export async function observeRoutes(rtnetlink: Rtnetlink, links: readonly Link[]): Promise<ObservedRoutes> {
  const indices = new Map(links.map((link) => [link.name, link.ifindex]));
  const observed: ObservedRoutes = { byLink: new Map(), gateways: new Set(), blocks: new Set() };
  const routes = (await Promise.all(families.map((family) => rtnetlink.routes(family)))).flat();
  for (const route of routes) {
    if (route.type === 'unreachable' && route.table === 'main') observed.blocks.add(route.destination);
    const ifindex = indices.get(route.device ?? '');
    const address = parseAddress(route.destination);
    if (address === undefined || ifindex === undefined) continue;
    if (route.type === 'local') observed.gateways.add(address);
    else if (isHostRoute(route)) addTo(observed.byLink, ifindex, address);
  }
  return observed;
}

/** What one link has of ours now. */
export async function observeLinkRoutes(rtnetlink: Rtnetlink, ifindex: number): Promise<Set<Address>> {
  const routes = (await Promise.all(families.map((family) => rtnetlink.routes(family, { ifindex })))).flat();
  return new Set(
    routes.filter(isHostRoute).flatMap((route) => {
      const address = parseAddress(route.destination);
      return address === undefined ? [] : [address];
    }),
  );
}

function isHostRoute(route: Route): boolean {
  return route.type === 'unicast' && route.table === 'main';
}

function addTo(map: Map<number, Set<Address>>, key: number, address: Address): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([address]));
  else set.add(address);
}
