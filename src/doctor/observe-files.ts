/** Owners and modes of the files that decide about zones, and which of ours lie with the network managers. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, ConfigPaths } from '../config/config.ts';
import { whyLinkNotTrusted } from '../config/read-file.ts';
import { isZoneFileName } from '../directories/static/zone-file.ts';
import type { FileFacts, FileRole, ManagerName } from './host-snapshot.ts';

export function observeFiles(paths: ConfigPaths, config: Config | undefined): FileFacts[] {
  const staticDir = config?.settings.zones.staticDir;
  const socket = config?.settings.control.socket;
  const isRead = config?.settings.zones.directories.includes('static') === true;
  return [
    ...factsOf('daemon.toml', paths.config),
    ...factsOf('settings', paths.settings),
    ...(staticDir === undefined || !isRead ? [] : [...factsOf('static-dir', staticDir), ...zoneFiles(staticDir)]),
    ...(socket === undefined ? [] : [...factsOf('socket-dir', dirname(socket)), ...factsOf('socket', socket)]),
  ];
}

function zoneFiles(directory: string): FileFacts[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter(isZoneFileName)
    .flatMap((name) => factsOf('zone', join(directory, name)));
}

/** Nothing where there is no such file, or where it goes while we look. */
function factsOf(role: FileRole, path: string): FileFacts[] {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return [];
  return [{ role, path, stats: { mode: stats.mode, uid: stats.uid }, linkDistrust: whyLinkNotTrusted(path) }];
}

/** Where either manager reads its files from, and what ours are called there (systemd/ of this repository). */
const dropIns: Record<ManagerName, { readonly directories: readonly string[]; readonly file: string }> = {
  'systemd-networkd': {
    directories: [
      '/etc/systemd/network',
      '/run/systemd/network',
      '/usr/local/lib/systemd/network',
      '/usr/lib/systemd/network',
    ],
    file: '05-protect-network.network',
  },
  NetworkManager: {
    directories: ['/etc/NetworkManager/conf.d', '/run/NetworkManager/conf.d', '/usr/lib/NetworkManager/conf.d'],
    file: '05-protect-network.conf',
  },
};

export function observeDropIns(): ReadonlySet<ManagerName> {
  const installed = Object.entries(dropIns).filter(([, { directories, file }]) =>
    directories.some((directory) => existsSync(join(directory, file))),
  );
  return new Set(installed.map(([name]) => name as ManagerName));
}
