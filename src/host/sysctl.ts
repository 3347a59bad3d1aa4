/**
 * Sysctls by their file: `sysctl -w net.ipv4.conf.vif7.0.x` reads the dot in the link's name as a slash and fails.
 * /proc/sys/net shows the network namespace of whoever opens it, so there is nothing to mount.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ProtectNetworkError } from '../model/errors.ts';
import { readKept } from './kept-file.ts';
import type { Sysctl, SysctlPath } from './port.ts';

export const procSysctl: Pick<Sysctl, 'read' | 'write'> = {
  read(path) {
    try {
      const file = fileOf(path);
      return (isOfHost(path) ? readKept(file) : readFileSync(file, 'utf8')).trimEnd();
    } catch (error) {
      if (isGone(error)) return undefined;
      throw refused(path, error);
    }
  },

  write(path, value) {
    try {
      writeFileSync(fileOf(path), value);
    } catch (error) {
      throw refused(path, error);
    }
  },
};

function isOfHost({ group, link }: SysctlPath): boolean {
  return group === 'top' || link === 'all';
}

/** `net/ipv4/conf/vif7.0/proxy_arp`, as people type it below /proc/sys. */
export function sysctlName(path: SysctlPath): string {
  return path.group === 'top'
    ? `net/${path.family}/${path.key}`
    : `net/${path.family}/${path.group}/${path.link}/${path.key}`;
}

function fileOf(path: SysctlPath): string {
  // A link name comes from the kernel, where `/` is not allowed in one; this keeps it true for whoever calls.
  if (path.link.includes('/') || path.link === '..' || path.link === '.' || !/^[a-z0-9_]+$/.test(path.key)) {
    throw new ProtectNetworkError('unexpected', `${path.link}/${path.key} is no sysctl`);
  }
  return `/proc/sys/${sysctlName(path)}`;
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO';
}

function refused(path: SysctlPath, error: unknown): ProtectNetworkError {
  const code = (error as NodeJS.ErrnoException).code;
  const kind = isGone(error) ? 'vanished' : code === 'EACCES' || code === 'EPERM' ? 'permission' : 'refused';
  return new ProtectNetworkError(kind, `${sysctlName(path)}: ${code ?? String(error)}`, { cause: error });
}
