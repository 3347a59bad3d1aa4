/** One static zone file: `vif1339.2.toml`, holding which addresses that link's zone has. */
import { type BigIntStats, lstatSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fileError, readBoundedFile, whyNotTrusted } from '../../config/read-file.ts';
import { decodeToml, headline } from '../../config/toml-decode.ts';
import { type Address, type Family, familyOf, parseAddress } from '../../model/address.ts';
import { hasCode, messageOf } from '../../model/errors.ts';
import { type LinkName, parseLinkName } from '../../model/link-name.ts';
import type { ZoneEntry } from '../zone-entry.ts';

/** What one file came to. `identity` is equal as long as the file is the same with the same content and owner. */
export type StaticZone = {
  readonly identity: string;
  readonly isLink: boolean;
} & ({ readonly entry: ZoneEntry } | { readonly problem: string });

const suffix = '.toml';
const maxBytes = 64 * 1024;

/** True for the file names that are read: not dotfiles, and not what an atomic replacement or an editor leaves beside. */
export function isZoneFileName(name: string): boolean {
  return name.endsWith(suffix) && !name.startsWith('.');
}

export function zoneFileName(link: LinkName): string {
  return `${link}${suffix}`;
}

/**
 * Reads one file; undefined where it is gone. Returns `known` where the file is the one that was read before. Never
 * throws for what a file holds or is: that is a problem, and its link has no entry.
 */
export function readStaticZone(directory: string, name: string, known?: StaticZone): StaticZone | undefined {
  const path = join(directory, name);
  try {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const isLink = stats.isSymbolicLink();
    // A link's own stats say nothing about its target, so its target is read each time.
    if (known !== undefined && !isLink && known.identity === identityOf(stats)) return known;
    return readPresent(directory, name, stats);
  } catch (error) {
    return { identity: '', isLink: false, problem: messageOf(fileError(path, error)) };
  }
}

function readPresent(directory: string, name: string, stats: BigIntStats): StaticZone | undefined {
  const path = join(directory, name);
  const isLink = stats.isSymbolicLink();
  const unusable = (problem: string): StaticZone => ({ identity: identityOf(stats), isLink, problem });
  const link = parseLinkName(name.slice(0, -suffix.length));
  if (link === undefined) return unusable(`${path}: is not a link name; expected one such as vif1339.2${suffix}`);
  const target = isLink ? targetInside(directory, path) : path;
  if (target === undefined) return unusable(`${path}: points out of its directory or to nothing; it is not used`);
  try {
    const file = readBoundedFile(target, { maxBytes, follow: false, judge: whyNotTrusted });
    if (file === undefined) return undefined;
    return { identity: identityOf(file.stats), isLink, ...decodeZone(path, link, file.text) };
  } catch (error) {
    if (hasCode(error, 'config-invalid', 'config-unreadable', 'permission')) return unusable(messageOf(error));
    throw error;
  }
}

function decodeZone(path: string, link: LinkName, text: string): { entry: ZoneEntry } | { problem: string } {
  const decoded = decodeToml(text, zoneSchema);
  if (!decoded.ok) return { problem: decoded.problems.map((problem) => headline(path, problem)).join('; ') };
  const { ipv4, ipv6, name } = decoded.value;
  const addresses = [ipv4, ipv6].filter((address) => address !== undefined);
  return { entry: { link, addresses, name, origin: path } };
}

export const zoneNameSchema = z
  .string({ error: 'a name in quotes' })
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,63}$/u, { error: 'a name of 1 to 63 printable characters' });

const zoneSchema = z
  .strictObject({
    ipv4: addressSchema('ipv4', '10.75.0.3').optional(),
    ipv6: addressSchema('ipv6', 'fdd4:1476:6c7e::3').optional(),
    name: zoneNameSchema.optional(),
  })
  .superRefine((zone, context) => {
    if (zone.ipv4 !== undefined || zone.ipv6 !== undefined) return;
    context.addIssue({ code: 'custom', message: 'has no address; expected ipv4 = "…" or ipv6 = "…", or both' });
  });

function addressSchema(family: Family, example: string) {
  const expected = `an address in quotes without a length, such as "${example}"`;
  return z.string({ error: expected }).transform((text, context): Address => {
    const address = parseAddress(text);
    if (address !== undefined && familyOf(address) === family) return address;
    context.addIssue({ code: 'custom', message: `is ${JSON.stringify(text)}; expected ${expected}` });
    return z.NEVER;
  });
}

/** Change time is part of it: a change of owner or mode changes nothing else. */
function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** What a symbolic link leads to, or undefined where that is not in the same directory or below it, or nothing. */
function targetInside(directory: string, path: string): string | undefined {
  try {
    const target = realpathSync(path);
    return `${dirname(target)}/`.startsWith(`${realpathSync(directory)}/`) ? target : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
