/** The sysctls that the checks look at, by name. */
import type { Sysctl, SysctlPath } from '../host/port.ts';
import { sysctlName } from '../host/sysctl.ts';

const ofAll: readonly SysctlPath[] = [
  { family: 'ipv4', group: 'top', link: 'all', key: 'ip_forward' },
  { family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' },
  { family: 'ipv6', group: 'conf', link: 'all', key: 'disable_ipv6' },
  { family: 'ipv4', group: 'conf', link: 'all', key: 'rp_filter' },
  { family: 'ipv4', group: 'conf', link: 'all', key: 'arp_accept' },
  { family: 'ipv4', group: 'conf', link: 'all', key: 'arp_ignore' },
  { family: 'ipv4', group: 'conf', link: 'all', key: 'route_localnet' },
];

export function observeSysctls(sysctl: Pick<Sysctl, 'read'>, links: readonly string[]): ReadonlyMap<string, string> {
  const ofLinks = links.flatMap((link): SysctlPath[] => [
    { family: 'ipv4', group: 'conf', link, key: 'forwarding' },
    { family: 'ipv4', group: 'conf', link, key: 'rp_filter' },
    { family: 'ipv6', group: 'conf', link, key: 'forwarding' },
    { family: 'ipv6', group: 'conf', link, key: 'accept_ra' },
  ]);
  const values = new Map<string, string>();
  for (const path of [...ofAll, ...ofLinks]) {
    const value = sysctl.read(path);
    if (value !== undefined) values.set(sysctlName(path), value);
  }
  return values;
}
