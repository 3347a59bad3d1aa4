/** Asking the kernel for its lists of links, routes and the like. */
import type { Family } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import { refusedBy } from './classify.ts';

/** `use` with a socket that is closed afterwards. Throws what the kernel refused. */
export function askKernel<Result>(use: (socket: netlink.RequestSocket) => Result): Result {
  try {
    const socket = new netlink.RequestSocket(netlink.protocol.route);
    try {
      return use(socket);
    } finally {
      socket.close();
    }
  } catch (error) {
    throw refusedBy('the kernel could not be asked', error);
  }
}

/** Empty where what it was to be narrowed to is gone, and of a family that this kernel has not. */
export function dump<Item>(
  socket: netlink.RequestSocket,
  what: string,
  request: netlink.Request,
  read: (message: netlink.Message) => Item | undefined,
): Item[] {
  try {
    return socket.dump(request, read);
  } catch (error) {
    const refusal = refusedBy(what, error);
    if (refusal.code === 'vanished' || netlink.NetlinkError.is(error, 'EAFNOSUPPORT', 'EOPNOTSUPP')) return [];
    throw refusal;
  }
}

export function listLinks(socket: netlink.RequestSocket): netlink.LinkMessage[] {
  return dump(socket, 'the links', netlink.listLinks(), netlink.readLink);
}

export function namesOf(links: Iterable<netlink.LinkMessage>): Map<number, string> {
  return new Map(Array.from(links, ({ ifindex, name }) => [ifindex, name]));
}

/** Without exceptions that the kernel has learned. A kernel without IPv6 lists those of IPv4 instead. */
export function listRoutes(
  socket: netlink.RequestSocket,
  family: Family,
  filter: netlink.RouteFilter,
): netlink.RouteMessage[] {
  const all = dump(socket, 'the routes', netlink.listRoutes(family, filter), netlink.readRoute);
  return all.filter((route) => route.family === family && !route.isCached);
}
