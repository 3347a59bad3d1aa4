/** What netlink tells of routes and links, as the port has it. */

import type { Family } from '../model/address.ts';
import type { LinkMessage, RouteMessage } from '../netlink/index.ts';
import type { Link, LinkSettings, RouteType } from './port.ts';

export function typeOf({ type }: RouteMessage): RouteType {
  return type === 'unicast' || type === 'local' ? type : 'other';
}

/** A link's sysctl under `neigh`. */
export type NeighbourSetting = (family: Family, key: string, ifindex: number) => string | undefined;

/** Other links are named where they are in this namespace and known to `nameOf`. */
export function toLink(
  message: LinkMessage,
  nameOf: (ifindex: number) => string | undefined,
  neighbourSetting?: NeighbourSetting,
): Link {
  const { ifindex, name, isUp, master, lower, lowerNamespace, kind, parent } = message;
  const settings: LinkSettings = ({ family, group, key }) =>
    group === 'conf' ? message[family]?.(key)?.toString() : neighbourSetting?.(family, key, ifindex);
  return {
    ifindex,
    name,
    up: isUp,
    bus: parent?.bus,
    master: master === undefined ? undefined : nameOf(master),
    lower: lower === undefined || lowerNamespace !== undefined ? undefined : nameOf(lower),
    kind,
    settings,
  };
}
