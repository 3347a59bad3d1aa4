/** One static zone file: `vif1339.2.toml`, holding which addresses that link's zone has. */
import { type BigIntStats, lstatSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fileError, howToRestrict, identityOf, readBoundedFile, whyNotTrusted } from '../../config/read-file.ts';
import { decodeToml, headline } from '../../config/toml-decode.ts';
import { type Address, type Family, familyOf, parseAddress } from '../../model/address.ts';
import { errnoOf, hasCode, messageOf } from '../../model/errors.ts';
import { type LinkName, parseLinkName } from '../../model/link-name.ts';
import { zoneName, zoneNameWords } from '../../model/zone-name.ts';
import { say } from '../../words/say.ts';
import { directoryWarnings, reasons } from '../../words/warnings.ts';
import type { ZoneEntry } from '../zone-entry.ts';

/** What one file came to. `identity` is equal as long as the file is the same with the same content and owner. */
export interface StaticZone {
  readonly identity: string;
  readonly isLink: boolean;
  /** Undefined where the file's name is no link's. */
  readonly entry: ZoneEntry | undefined;
  /** What is to be told of this file besides its entry. */
  readonly problem: string | undefined;
}

const suffix = '.toml';
const maxBytes = 64 * 1024;
/** Of each family. */
export const maxAddresses = 16;

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
    return unusableZone(directory, name, { identity: '', isLink: false }, messageOf(fileError(path, error)));
  }
}

/** A file of a directory that others may write, `why`: it is not even opened. Told once, of the directory. */
export function untrustedZone(directory: string, name: string, why: string, fix: string): StaticZone {
  return { ...unusableZone(directory, name, { identity: '', isLink: false }, why, fix), problem: undefined };
}

function unusableZone(
  directory: string,
  name: string,
  seen: Pick<StaticZone, 'identity' | 'isLink'>,
  problem: string,
  fix?: string,
): StaticZone {
  const link = parseLinkName(name.slice(0, -suffix.length));
  const unusable = { why: say(reasons.unusableFile, { mistake: problem }), fix };
  const entry = link && { link, addresses: [], name: undefined, origin: join(directory, name), unusable };
  return { ...seen, entry, problem };
}

function readPresent(directory: string, name: string, stats: BigIntStats): StaticZone | undefined {
  const path = join(directory, name);
  const isLink = stats.isSymbolicLink();
  const seen = { identity: identityOf(stats), isLink };
  const unusable = (problem: string, fix?: string) => unusableZone(directory, name, seen, problem, fix);
  const link = parseLinkName(name.slice(0, -suffix.length));
  if (link === undefined) return unusable(say(directoryWarnings.badFileName, { file: path }));
  const target = isLink ? targetInside(directory, path) : path;
  if (target === undefined) return unusable(say(directoryWarnings.badSymlink, { file: path }));
  let distrust: string | undefined;
  const judge = (opened: BigIntStats) => {
    distrust = whyNotTrusted(opened);
    return distrust;
  };
  try {
    const file = readBoundedFile(target, { maxBytes, follow: false, judge });
    if (file === undefined) return undefined;
    const decoded = decodeZone(path, link, file.text);
    if (typeof decoded === 'string') return unusable(decoded);
    return { identity: identityOf(file.stats), isLink, entry: decoded, problem: undefined };
  } catch (error) {
    const fix = distrust === undefined ? undefined : howToRestrict(target);
    if (hasCode(error, 'config-invalid', 'config-unreadable', 'permission')) return unusable(messageOf(error), fix);
    throw error;
  }
}

/** What is wrong with it, where it cannot be used. */
function decodeZone(path: string, link: LinkName, text: string): ZoneEntry | string {
  const decoded = decodeToml(text, zoneSchema);
  if (!decoded.ok) return decoded.problems.map((problem) => headline(path, problem)).join('; ');
  const { ipv4 = [], ipv6 = [], name } = decoded.value;
  return { link, addresses: [...ipv4, ...ipv6], name, origin: path };
}

export const zoneNameSchema = z.string({ error: 'a name in quotes' }).regex(zoneName, { error: zoneNameWords });

export const zoneSchema = z
  .strictObject({
    ipv4: addressesSchema('ipv4', '10.75.0.3').optional().describe('An address in the IPv4 subnet, or a list of them.'),
    ipv6: addressesSchema('ipv6', 'fdd4:1476:6c7e::3')
      .optional()
      .describe('An address in the IPv6 subnet, or a list of them.'),
    name: zoneNameSchema.optional().describe('For people, and for policies.'),
  })
  .superRefine((zone, context) => {
    if (zone.ipv4 !== undefined || zone.ipv6 !== undefined) return;
    context.addIssue({ code: 'custom', message: directoryWarnings.noAddress });
  });

/** One address or a list of them; the position of a mistake is that of the very address. */
function addressesSchema(family: Family, example: string) {
  const expected = `an address in quotes without a length, such as "${example}"`;
  const error = `${expected}, or a list of them`;
  return z
    .union([z.string(), z.array(z.string())], { error })
    .refine((value) => typeof value === 'string' || (value.length > 0 && value.length <= maxAddresses), {
      error: say(directoryWarnings.addressCount, { n: maxAddresses }),
      abort: true,
    })
    .transform((value, context) => {
      const texts = typeof value === 'string' ? [value] : value;
      const addresses: Address[] = [];
      for (const [index, text] of texts.entries()) {
        const address = parseAddress(text);
        const path = typeof value === 'string' ? [] : [index];
        const complain = (message: string) => context.addIssue({ code: 'custom', path, message });
        if (address === undefined || familyOf(address) !== family)
          complain(`is ${JSON.stringify(text)}; expected ${expected}`);
        else if (addresses.includes(address))
          complain(say(directoryWarnings.repeatedAddress, { address: JSON.stringify(text) }));
        else addresses.push(address);
      }
      return addresses;
    });
}

/** What a symbolic link leads to, or undefined where that is not in the same directory or below it, or nothing. */
function targetInside(directory: string, path: string): string | undefined {
  try {
    const target = realpathSync(path);
    return `${dirname(target)}/`.startsWith(`${realpathSync(directory)}/`) ? target : undefined;
  } catch (error) {
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}
