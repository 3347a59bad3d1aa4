/** The static zone files as people change them: `zone set`, `zone unset` and `zone list`. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { fileError, isMissing } from '../../config/read-file.ts';
import type { Address, Ipv4Address, Ipv6Address } from '../../model/address.ts';
import { ProtectNetworkError, writingFailed } from '../../model/errors.ts';
import type { LinkName } from '../../model/link-name.ts';
import { zoneNameWords } from '../../model/zone-name.ts';
import type { ZoneEntry } from '../zone-entry.ts';
import { entriesOf, listStaticZones } from './list-files.ts';
import { isZoneFileName, zoneFileName, zoneNameSchema } from './zone-file.ts';

export interface StaticZoneContent {
  readonly ipv4?: Ipv4Address | readonly Address[] | undefined;
  readonly ipv6?: Ipv6Address | readonly Address[] | undefined;
  readonly name?: string | undefined;
}

/**
 * Writes a link's file so that a reader sees the old one or the new one and a power cut leaves either. Makes the
 * directory where there is none. Returns the file's path. Throws `usage` for content no reader would accept,
 * `permission`, or `refused` with the system's words.
 */
export function writeStaticZone(directory: string, link: LinkName, content: StaticZoneContent): string {
  const { name } = content;
  const [ipv4, ipv6] = [content.ipv4, content.ipv6].map(asWritten);
  if (ipv4 === undefined && ipv6 === undefined) throw new ProtectNetworkError('usage', `${link} needs an address`);
  if (name !== undefined && !zoneNameSchema.safeParse(name).success) {
    throw new ProtectNetworkError('usage', `${JSON.stringify(name)} is not ${zoneNameWords}`);
  }
  const path = join(directory, zoneFileName(link));
  const temporary = join(directory, `.${link}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  const text = stringify(
    Object.fromEntries(Object.entries({ ipv4, ipv6, name }).filter(([, value]) => value !== undefined)),
  );
  changing(path, () => {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    try {
      writeDurably(temporary, text);
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncDirectory(directory);
  });
  return path;
}

/** A single one without brackets; undefined where there is none. */
function asWritten(addresses: Address | readonly Address[] | undefined): unknown {
  if (addresses === undefined || typeof addresses === 'string') return addresses;
  return addresses.length > 1 ? addresses : addresses[0];
}

/** Removes a link's file; false where there was none. Throws `permission` or `refused`. */
export function removeStaticZone(directory: string, link: LinkName): boolean {
  const path = join(directory, zoneFileName(link));
  return changing(path, () => {
    try {
      // Not rmSync, which loses the errno of a file system that is read-only (Node 26).
      unlinkSync(path);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    syncDirectory(directory);
    return true;
  });
}

/** What the directory says now; nothing where it does not exist. Throws where it cannot be read. */
export async function readStaticZones(directory: string): Promise<{ entries: ZoneEntry[]; problems: string[] }> {
  const listing = await listStaticZones(directory, new Map());
  if (listing.kind === 'unreadable') throw listing.error;
  if (listing.kind === 'absent') return { entries: [], problems: [] };
  const { entries, problems } = entriesOf(listing.files);
  return { entries, problems: [...listing.problems, ...problems] };
}

/** Names of files that look as if they were meant for a zone, and are not read: `vif7.0`, `vif7.0.toml.bak`. */
export function misnamedFiles(directory: string): string[] {
  try {
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return files
      .map(({ name }) => name)
      .filter((name) => name.startsWith('vif') && !isZoneFileName(name))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileError(directory, error);
  }
}

/** The mode is set on the open file: the umask of whoever calls must not decide whether the daemon can read it. */
function writeDurably(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o644);
  try {
    fchmodSync(descriptor, 0o644);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A rename is on the disk once its directory is. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function changing<T>(path: string, change: () => T): T {
  try {
    return change();
  } catch (cause) {
    throw writingFailed(path, cause, 'nothing changed');
  }
}
