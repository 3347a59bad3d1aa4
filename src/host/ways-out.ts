/** By which links traffic to the outside leaves, whatever table says so, and whom it is handed to. */
import { type Address, type Family, families, parseAddress } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import { listRoutes } from './route-socket.ts';

export interface WaysOut {
  /** By default routes, and by the rest of the tables; on a host that knows but some networks, by what has a gateway. */
  readonly devices: readonly { readonly family: Family; readonly ifindex: number }[];
  /** Next hops of the default routes of the main table. */
  readonly gateways: readonly NextHop[];
}

export interface NextHop {
  readonly family: Family;
  readonly ifindex: number;
  readonly address: Address;
}

/** Stand for all that is outside. */
export const outside = { ipv4: '1.1.1.1' as Address, ipv6: '2606:4700:4700::1111' as Address };

export function readWaysOut(socket: netlink.RequestSocket): WaysOut {
  const found = families.map((family) => waysOutOf(socket, family));
  return { devices: found.flatMap(({ devices }) => devices), gateways: found.flatMap(({ gateways }) => gateways) };
}

function waysOutOf(socket: netlink.RequestSocket, family: Family): WaysOut {
  const routes = listRoutes(socket, family, { table: netlink.routeTable.main }).filter(
    ({ type }) => type === 'unicast',
  );
  const defaults = routes.filter(({ destination }) => destination === undefined);
  const outward = [...defaults, ...leadingTo(socket, outside[family]).filter(({ type }) => type === 'unicast')];
  const found = outward.length > 0 ? outward : routes.filter(({ gateway }) => gateway !== undefined);
  const devices = new Set(found.flatMap((route) => route.devices));
  const gateways = defaults.flatMap(({ gateway, devices: [ifindex] }) => {
    const address = parseAddress(gateway ?? '');
    return address === undefined || ifindex === undefined ? [] : [{ family, ifindex, address }];
  });
  return { devices: Array.from(devices, (ifindex) => ({ family, ifindex })), gateways };
}

/** Empty where the kernel knows no way. */
export function leadingTo(socket: netlink.RequestSocket, address: string): netlink.RouteMessage[] {
  try {
    return socket
      .ask(netlink.getRoute({ destination: address }))
      .flatMap((message) => netlink.readRoute(message) ?? []);
  } catch (error) {
    if (error instanceof netlink.NetlinkError) return [];
    throw error;
  }
}
