/** The commands that make the host and the internet, as data. */
import { farHost, hostUplink, internetGateway, zoneSubnet } from './addresses.ts';
import { freshNamespaceLines } from './fresh-namespace.ts';
import { sysctlLine } from './namespace.ts';

export interface WorldOptions {
  /** False: IPv6 is disabled on the host. Default true. */
  readonly ipv6?: boolean;
  /** False: the host has no uplink at all. Default true. */
  readonly uplink?: boolean;
  /** False: the host has an uplink and no default route. Default true. */
  readonly defaultRoute?: boolean;
  /** True: the internet can route to zones, so that packets which were not masqueraded are answered too. Default false. */
  readonly routeBack?: boolean;
  /**
   * True: nobody has written to the host's `conf/default`. A link takes over from it also which values were ever written, and
   * follows it in the others. Default false.
   */
  readonly untouchedDefaults?: boolean;
}

/** For the machine's own namespace: namespaces and the uplink's two ends. */
export function namespaceLines(host: string, internet: string, options: WorldOptions): string[] {
  const { ipv6 = true, uplink = true, untouchedDefaults = false } = options;
  return [
    ...(untouchedDefaults ? [`netns add ${host}`] : freshNamespaceLines(host)),
    ...freshNamespaceLines(internet),
    ...(ipv6 ? [] : [sysctlLine(host, disableIpv6)]),
    ...(uplink
      ? [
          `link add eth0 ${farIndex} netns ${internet} type veth peer name uplink0 netns ${host}`,
          sysctlLine(host, withoutDad('uplink0')),
          sysctlLine(internet, withoutDad('eth0')),
        ]
      : []),
  ];
}

export function hostLines(options: WorldOptions): string[] {
  const { ipv6 = true, uplink = true, defaultRoute = true } = options;
  const lines = ['link set lo up'];
  if (!uplink) return lines;
  lines.push(`address add ${hostUplink.ipv4}/24 dev uplink0`);
  if (ipv6) lines.push(`address add ${hostUplink.ipv6}/64 dev uplink0 nodad`);
  lines.push('link set uplink0 up');
  if (!defaultRoute) return lines;
  lines.push(`route add default via ${internetGateway.ipv4}`);
  if (ipv6) lines.push(`route add default via ${internetGateway.ipv6} dev uplink0`);
  return lines;
}

export function internetLines(options: WorldOptions): string[] {
  const { uplink = true, routeBack = false } = options;
  const lines = [
    'link set lo up',
    `address add ${farHost.ipv4}/32 dev lo`,
    `address add ${farHost.ipv6}/128 dev lo nodad`,
  ];
  if (!uplink) return lines;
  lines.push(
    `address add ${internetGateway.ipv4}/24 dev eth0`,
    `address add ${internetGateway.ipv6}/64 dev eth0 nodad`,
    'link set eth0 up',
  );
  if (!routeBack) return lines;
  lines.push(
    `route add ${zoneSubnet.ipv4.text} via ${hostUplink.ipv4}`,
    `route add ${zoneSubnet.ipv6.text} via ${hostUplink.ipv6}`,
  );
  return lines;
}

/** Without duplicate address detection a link-local address is usable at once; a neighbour solicitation needs one. */
export function withoutDad(link: string): Record<string, number> {
  return { [`net/ipv6/conf/${link}/accept_dad`]: 0, [`net/ipv6/conf/${link}/dad_transmits`]: 0 };
}

/**
 * The ifindex of a far end (only the end named first can be given one), never equal to that of the near one. Where the two are equal, which they easily are in fresh
 * namespaces, the kernel takes the pair for no pair and reports its carrier up to a second late (linkwatch_urgent_event).
 */
export const farIndex = 'index 1000000';

const disableIpv6: Readonly<Record<string, number>> = {
  'net/ipv6/conf/all/disable_ipv6': 1,
  'net/ipv6/conf/default/disable_ipv6': 1,
};
