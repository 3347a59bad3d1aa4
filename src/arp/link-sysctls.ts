/** The sysctls of a zone's link, with the reason for each. All of them belong to our own links. */
import type { SysctlPath } from '../host/port.ts';
import type { Family } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

export interface WantedSysctl {
  readonly path: SysctlPath;
  readonly value: string;
}

export interface SysctlSettings {
  readonly families: readonly Family[];
  readonly antiSpoof: boolean;
}

/** True for what opens a link: written once the guard is in place. */
export function opensLink({ path }: Pick<WantedSysctl, 'path'>): boolean {
  return path.key === 'forwarding' || path.key === 'disable_ipv6';
}

/** In the order of writing: what protects dom0 stands before what opens the link. */
export function linkSysctls(link: LinkName, settings: SysctlSettings): WantedSysctl[] {
  const all: readonly (readonly [Family, 'conf' | 'neigh', key: string, value: string])[] = [
    // One router advertisement from a zone would give dom0 a default route through it.
    ['ipv6', 'conf', 'accept_ra', '0'],
    ['ipv6', 'conf', 'autoconf', '0'],
    ['ipv6', 'conf', 'accept_redirects', '0'],
    ['ipv6', 'conf', 'accept_source_route', '0'],
    // Duplicate address detection would keep dom0's own link-local address tentative for 1 to 2 s, in which it can ask
    // for no neighbour, and lets a zone that answers the probe switch it off for good.
    ['ipv6', 'conf', 'accept_dad', '0'],
    ['ipv6', 'conf', 'proxy_ndp', '1'],
    // The default delays each answer by a random part of 0.8 s.
    ['ipv6', 'neigh', 'proxy_delay', '0'],
    // The second layer against forged sources. The kernel uses the larger of this and conf/all, where 2 would be loose.
    ['ipv4', 'conf', 'rp_filter', settings.antiSpoof ? '1' : '0'],
    ['ipv4', 'conf', 'accept_redirects', '0'],
    ['ipv4', 'conf', 'secure_redirects', '0'],
    ['ipv4', 'conf', 'send_redirects', '0'],
    ['ipv4', 'conf', 'accept_source_route', '0'],
    ['ipv4', 'conf', 'proxy_arp', '1'],
    ['ipv4', 'neigh', 'proxy_delay', '0'],
    // `default` may have it off for all links to come, while the host has IPv6.
    ['ipv6', 'conf', 'disable_ipv6', '0'],
    // A new link takes it from `default`, which may be off where the host forwards. IPv4 asks the link by which a packet came,
    // IPv6 the link on which it answers for neighbours (ndisc_recv_ns of Linux).
    ['ipv4', 'conf', 'forwarding', '1'],
    ['ipv6', 'conf', 'forwarding', '1'],
  ];
  // What protects dom0 from IPv6 does so also where zones have no IPv6 address; it is skipped where the host has no IPv6.
  return all
    .map(([family, group, key, value]): WantedSysctl => ({ path: { family, group, link, key }, value }))
    .filter(
      (each) => settings.families.includes(each.path.family) || (each.path.family === 'ipv6' && !opensLink(each)),
    );
}
