/** Settings of the host, and of ours, that take zones' network or its protection away, in words. Pure. */

import type { Config } from '../config/config.ts';
import { sourcesOf } from '../config/masquerade.ts';
import { missingUplinks } from '../config/uplink-names.ts';
import type { Sysctl } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { bad, type Fault, warning } from '../model/fault.ts';
import { hasIpv6 } from '../routes/forwarding.ts';

export interface SettingsFacts {
  readonly sysctl: Pick<Sysctl, 'read'>;
  readonly config: Config;
  readonly hasLink: (name: string) => boolean;
}

export function settingsFaults(facts: SettingsFacts): Fault[] {
  return [...spoofFaults(facts), ...arpFaults(facts), ...ipv6Faults(facts), ...uplinkNameFaults(facts)];
}

export function spoofFaults({ sysctl, config }: SettingsFacts): Fault[] {
  // The settings' own warning tells of that.
  if (!config.settings.isolation.antiSpoof) return [];
  if (everywhere(sysctl, 'rp_filter') !== '2') return [];
  const why =
    'the kernel uses the larger value: on zone links only the guard in inet edera blocks spoofed IPv4 sources';
  return [warning('net/ipv4/conf/all/rp_filter is 2', why, 'sysctl -w net/ipv4/conf/all/rp_filter=0')];
}

export function arpFaults({ sysctl, config }: SettingsFacts): Fault[] {
  const value = everywhere(sysctl, 'arp_ignore') ?? '0';
  if (config.subnets.ipv4 === undefined || value === '0') return [];
  const why =
    "dom0 answers ARP for an address only on the link that has it: zones find no gateway, and have no IPv4; kube-proxy's IPVS mode sets it";
  return [bad(`net/ipv4/conf/all/arp_ignore is ${value}`, why, 'sysctl -w net/ipv4/conf/all/arp_ignore=0')];
}

export function ipv6Faults({ sysctl, config }: SettingsFacts): Fault[] {
  if (config.subnets.ipv6 === undefined || hasIpv6(sysctl)) return [];
  const isThere = sysctl.read({ family: 'ipv6', group: 'conf', link: 'all', key: 'disable_ipv6' }) !== undefined;
  const fix = isThere ? 'sysctl -w net/ipv6/conf/all/disable_ipv6=0' : null;
  return [warning('IPv6 is switched off on this host', 'zones get their IPv4 addresses only', fix)];
}

export function uplinkNameFaults({ config, hasLink }: SettingsFacts): Fault[] {
  const why = `what zones send via another interface is not masqueraded, and gets no answers; correct it in ${fileOf(config)}`;
  return missingUplinks(config.settings.uplink.interfaces, hasLink).map((what) => bad(what, why, null));
}

/** `isOwn`: whether this host has the address. */
export function sourceFaults(config: Config, isOwn: (address: Address) => boolean): Fault[] {
  const why = `what zones send is answered only where the network routes that address to this host; correct it in ${fileOf(config)}`;
  return sourcesOf(config.settings.uplink)
    .filter((address) => !isOwn(address))
    .map((address) => warning(`uplink.source names ${address}, and this host has no such address`, why, null));
}

function everywhere(sysctl: SettingsFacts['sysctl'], key: string): string | undefined {
  return sysctl.read({ family: 'ipv4', group: 'conf', link: 'all', key });
}

function fileOf({ origin }: Config): string {
  return origin?.paths.settings ?? 'our settings file';
}
