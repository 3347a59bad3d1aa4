/** All static zone files of a directory, as they are now. Reads again only what has changed since the last time. */
import { readdirSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileError, howToRestrict, isMissing, whyNotTrusted } from '../../config/read-file.ts';
import { ProtectNetworkError } from '../../model/errors.ts';
import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import type { ZoneEntry } from '../zone-entry.ts';
import { isZoneFileName, readStaticZone, type StaticZone, untrustedZone } from './zone-file.ts';

/** Bounds memory and time; half the number of domain ids that Xen has. */
export const maxZoneFiles = 16_384;
/** Files read between two turns of the event loop: about 10 ms of work. */
export const filesPerTurn = 256;

export type StaticFiles = ReadonlyMap<string, StaticZone>;

export type Listing =
  | { readonly kind: 'absent' }
  | { readonly kind: 'read'; readonly files: StaticFiles; readonly problems: readonly string[] }
  | { readonly kind: 'unreadable'; readonly error: ProtectNetworkError };

/** Reads every file whose identity is not the one in `known`; none in a directory that others may write. */
export async function listStaticZones(directory: string, known: StaticFiles): Promise<Listing> {
  try {
    const stats = statSync(directory, { bigint: true });
    if (!stats.isDirectory()) {
      const error = new ProtectNetworkError('config-unreadable', say(directoryWarnings.notADirectory, { directory }));
      return { kind: 'unreadable', error };
    }
    const names = readdirSync(directory).filter(isZoneFileName).sort();
    const problems: string[] = [];
    if (names.length > maxZoneFiles) {
      problems.push(say(directoryWarnings.tooManyFiles, { directory, n: names.length, n2: maxZoneFiles }));
      names.length = maxZoneFiles;
    }
    const distrust = whyNotTrusted(stats);
    if (distrust === undefined) return { kind: 'read', files: await readAll(directory, names, known), problems };
    const why = `${directory}: ${distrust}`;
    const fix = howToRestrict(directory);
    const files = new Map(names.map((name) => [name, untrustedZone(directory, name, why, fix)]));
    return {
      kind: 'read',
      files,
      problems: [say(directoryWarnings.distrustedDirectory, { directory, reason: distrust }), ...problems],
    };
  } catch (error) {
    return isMissing(error) ? { kind: 'absent' } : { kind: 'unreadable', error: fileError(directory, error) };
  }
}

/** The entries in the order of their file names, and the problems in that order. */
export function entriesOf(files: StaticFiles): { entries: ZoneEntry[]; problems: string[] } {
  const zones = [...files].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, zone]) => zone);
  return {
    entries: zones.flatMap(({ entry }) => (entry === undefined || entry.unusable !== undefined ? [] : [entry])),
    problems: zones.flatMap(({ problem }) => problem ?? []),
  };
}

async function readAll(directory: string, names: readonly string[], known: StaticFiles): Promise<StaticFiles> {
  const files = new Map<string, StaticZone>();
  for (const [index, name] of names.entries()) {
    if (index % filesPerTurn === filesPerTurn - 1) await nextTurn();
    const zone = readStaticZone(directory, name, known.get(name));
    if (zone !== undefined) files.set(name, zone);
  }
  return files;
}
