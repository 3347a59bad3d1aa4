/** What the faults that the daemon shares with doctor look at, from doctor's snapshot. */
import type { Config } from '../config/config.ts';
import type { SettingsFacts } from '../faults/settings.ts';
import { sysctlName } from '../host/sysctl.ts';
import type { Snapshot } from './host-snapshot.ts';

export function settingsFacts({ sysctls, links }: Snapshot, config: Config): SettingsFacts {
  return {
    sysctl: { read: (path) => sysctls.get(sysctlName(path)) },
    config,
    hasLink: (name) => links.some((link) => link.name === name),
  };
}
