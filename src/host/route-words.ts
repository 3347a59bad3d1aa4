/** What netlink tells of routes and links, as the port has it. */

import type { Family } from '../model/address.ts';
import type { LinkMessage, RouteMessage } from '../netlink/index.ts';
import type { Link, LinkSettings, LinkTies, RouteType } from './port.ts';

export function typeOf({ type }: RouteMessage): RouteType {
  return type === 'unicast' || type === 'local' || type === 'unreachable' ? type : 'other';
}

/** Other links are named where they are in this namespace and known to `nameOf`. */
export function tiesOf(
  { master, lower, lowerNamespace, kind }: LinkMessage,
  nameOf: (ifindex: number) => string | undefined,
): LinkTies {
  return {
    master: master === undefined ? undefined : nameOf(master),
    lower: lower === undefined || lowerNamespace !== undefined ? undefined : nameOf(lower),
    kind,
  };
}

/** A link's sysctl under `neigh`. */
export type NeighbourSetting = (family: Family, key: string, ifindex: number) => string | undefined;

export function toLink(
  message: LinkMessage,
  nameOf: (ifindex: number) => string | undefined,
  neighbourSetting?: NeighbourSetting,
): Link {
  const { ifindex, name, isUp, hasCarrier, bus, device } = message;
  const settings: LinkSettings = ({ family, group, key }) =>
    group === 'conf' ? message[family]?.(key)?.toString() : neighbourSetting?.(family, key, ifindex);
  return {
    ifindex,
    name,
    up: isUp,
    carrier: hasCarrier,
    bus,
    device,
    ...tiesOf(message, nameOf),
    settings,
  };
}
