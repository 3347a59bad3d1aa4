/**
 * The host's own switches of forwarding. Turned on where they are off, never off: somebody else may rely on them by now.
 *
 * Hazard: with IPv6 forwarding on, an interface whose accept_ra is 1 stops accepting router advertisements, and its
 * default route dies minutes later. accept_ra=2 keeps it, and must be there first.
 */
import type { DefaultRoute, Link, Sysctl, SysctlPath } from '../host/port.ts';
import type { Family } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';

export interface ForwardingChange {
  readonly path: SysctlPath;
  readonly value: string;
  readonly was: string;
}

const switches: Record<Family, SysctlPath> = {
  ipv4: { family: 'ipv4', group: 'top', link: 'all', key: 'ip_forward' },
  ipv6: { family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' },
};

/** `advertised`: links that may live on router advertisements, asked for only where forwarding is off; see `mayBeAdvertised`. */
export function planForwarding(
  sysctl: Sysctl,
  families: readonly Family[],
  advertised: () => Iterable<string>,
): ForwardingChange[] {
  return families.flatMap((family) => {
    const forwarding = turnOn(sysctl, switches[family]);
    if (family === 'ipv4') return forwarding;
    const before = forwarding.length > 0 ? keepAdvertisements(sysctl, advertised()) : [];
    return [...before, ...forwarding];
  });
}

function turnOn(sysctl: Sysctl, path: SysctlPath): ForwardingChange[] {
  const was = sysctl.read(path);
  return was === '0' ? [{ path, value: '1', was }] : [];
}

/** For those that would stop accepting advertisements now. */
export function keepAdvertisements(sysctl: Sysctl, links: Iterable<string>): ForwardingChange[] {
  return [...new Set(links)].flatMap((link) => {
    const path: SysctlPath = { family: 'ipv6', group: 'conf', link, key: 'accept_ra' };
    return sysctl.read(path) === '1' ? [{ path, value: '2', was: '1' }] : [];
  });
}

export interface Advertised {
  readonly links: Iterable<Link>;
  readonly defaultRoutes: readonly DefaultRoute[];
  /** Uplinks by the settings. */
  readonly named: readonly string[];
}

/**
 * The links by which this host gets its IPv6 from router advertisements, or may come to: those that have a default route by one, and
 * where IPv6 has no other default route also the uplinks of IPv4, those that the settings name, and network cards. Never a
 * zone's link, nor a bridge, veth or tap of a guest, whose advertisements would make the guest this host's router.
 */
export function mayBeAdvertised({ links, defaultRoutes, named }: Advertised): string[] {
  const ipv6 = defaultRoutes.filter(({ family }) => family === 'ipv6');
  const living = ipv6.filter(({ protocol }) => protocol === 'ra').map(({ device }) => device);
  const isConfigured = ipv6.length > living.length;
  const cards = [...links].filter(isNetworkCard).map(({ name }) => name);
  const possible = isConfigured ? [] : [...defaultRoutes.map(({ device }) => device), ...named, ...cards];
  return [...living, ...possible].filter((name) => !isZoneLink(name));
}

/** A zone's link belongs to a device as well, on the bus of Xen's backends. */
export function isNetworkCard({ bus, master }: Pick<Link, 'bus' | 'master'>): boolean {
  return bus !== undefined && bus !== 'xen-backend' && master === undefined;
}

export function isIpv6ForwardingOff(sysctl: Sysctl): boolean {
  return sysctl.read(switches.ipv6) === '0';
}

/** True where the kernel has IPv6 and it is not switched off for the whole host. */
export function hasIpv6(sysctl: Pick<Sysctl, 'read'>): boolean {
  return sysctl.read({ family: 'ipv6', group: 'conf', link: 'all', key: 'disable_ipv6' }) === '0';
}
