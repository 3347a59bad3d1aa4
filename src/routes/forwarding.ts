/**
 * The host's forwarding switches. Turned on where they are off, never off: somebody else may rely on them by now.
 *
 * Hazard: with IPv6 forwarding on, an interface whose accept_ra is 1 stops accepting router advertisements, and its
 * default route dies minutes later. accept_ra=2 keeps it, and must be there first.
 */
import type { DefaultRoute, Sysctl, SysctlPath } from '../host/port.ts';
import type { Family } from '../model/address.ts';

export interface ForwardingChange {
  readonly path: SysctlPath;
  readonly value: string;
  readonly was: string;
}

const switches: Record<Family, SysctlPath> = {
  ipv4: { family: 'ipv4', group: 'top', link: 'all', key: 'ip_forward' },
  ipv6: { family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' },
};

export function planForwarding(
  sysctl: Sysctl,
  families: readonly Family[],
  defaultRoutes: readonly DefaultRoute[],
): ForwardingChange[] {
  return families.flatMap((family) => {
    const path = switches[family];
    const was = sysctl.read(path);
    if (was === undefined || was !== '0') return [];
    const change = { path, value: '1', was };
    return family === 'ipv4' ? [change] : [...keepAdvertisements(sysctl, defaultRoutes), change];
  });
}

function keepAdvertisements(sysctl: Sysctl, defaultRoutes: readonly DefaultRoute[]): ForwardingChange[] {
  const uplinks = new Set(
    defaultRoutes.filter(({ family, protocol }) => family === 'ipv6' && protocol === 'ra').map(({ device }) => device),
  );
  return [...uplinks].flatMap((link) => {
    const path: SysctlPath = { family: 'ipv6', group: 'conf', link, key: 'accept_ra' };
    return sysctl.read(path) === '1' ? [{ path, value: '2', was: '1' }] : [];
  });
}

export function isIpv6ForwardingOff(sysctl: Sysctl): boolean {
  return sysctl.read(switches.ipv6) === '0';
}

/** True where the kernel has IPv6 and it is not switched off for the whole host. */
export function hasIpv6(sysctl: Pick<Sysctl, 'read'>): boolean {
  return sysctl.read({ family: 'ipv6', group: 'conf', link: 'all', key: 'disable_ipv6' }) === '0';
}
