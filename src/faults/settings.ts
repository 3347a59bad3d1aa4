/** Settings of the host, and of ours, that take zones' network or its protection away, in words. Pure. */

import type { Config } from '../config/config.ts';
import { sourcesOf } from '../config/masquerade.ts';
import type { Sysctl } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import { fault, faults } from '../words/faults.ts';

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
  return [fault(faults.rpFilter, {})];
}

export function arpFaults({ sysctl, config }: SettingsFacts): Fault[] {
  const value = everywhere(sysctl, 'arp_ignore') ?? '0';
  if (config.subnets.ipv4 === undefined || value === '0') return [];
  return [fault(faults.arpIgnore, { n: value })];
}

export function ipv6Faults({ sysctl, config }: SettingsFacts): Fault[] {
  if (config.subnets.ipv6 === undefined || hasIpv6(sysctl)) return [];
  const isThere = sysctl.read({ family: 'ipv6', group: 'conf', link: 'all', key: 'disable_ipv6' }) !== undefined;
  const fix = isThere ? 'sysctl -w net/ipv6/conf/all/disable_ipv6=0' : null;
  return [{ ...fault(faults.ipv6Off, {}), fix }];
}

export function uplinkNameFaults({ config, hasLink }: SettingsFacts): Fault[] {
  return config.settings.uplink.interfaces
    .filter((name) => !hasLink(name))
    .map((name) => fault(faults.missingUplink, { name, file: fileOf(config) }));
}

/** `isOwn`: whether this host has the address. */
export function sourceFaults(config: Config, isOwn: (address: Address) => boolean): Fault[] {
  return sourcesOf(config.settings.uplink)
    .filter((address) => !isOwn(address))
    .map((address) => fault(faults.foreignSource, { address, file: fileOf(config) }));
}

function everywhere(sysctl: SettingsFacts['sysctl'], key: string): string | undefined {
  return sysctl.read({ family: 'ipv4', group: 'conf', link: 'all', key });
}

function fileOf({ origin }: Config): string {
  return origin?.paths.settings ?? 'our settings file';
}
