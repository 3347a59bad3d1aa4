/** The words by which a log line can be about a zone: its link, name, addresses and id. Pure. */
import type { Status } from '../control/status.ts';
import { type Address, familyOf } from '../model/address.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { JournalEntry } from './journal-entry.ts';

export type IsAbout = (entry: Pick<JournalEntry, 'message' | 'zones'>) => boolean;

/** Undefined where no zone has `wanted` for its link or its name. */
export function aboutZone(wanted: string, zones: Status['zones']): IsAbout | undefined {
  const meant = zones.filter(({ link, name }) => link === wanted || name === wanted);
  if (meant.length === 0) return undefined;
  const patterns = meant.flatMap(({ link, name, addresses, origin }) => [
    linkPattern(link),
    ...(name === null ? [] : [wordPattern(name)]),
    ...addresses.map(addressPattern),
    ...(origin?.match(uuid) ?? []).map(wordPattern),
  ]);
  const own = new Set(meant.flatMap(({ link, name }) => [link, ...(name === null ? [] : [name])]));
  return isAbout(own, patterns);
}

/** A zone of which nothing is known but its link or its name: it may be long gone. */
export function aboutWord(wanted: string): IsAbout {
  const pattern = parseLinkName(wanted) === undefined ? wordPattern(wanted) : linkPattern(wanted);
  return isAbout(new Set([wanted]), [pattern]);
}

/** By the entry's own fields, or by its words: a line about one zone may be about another, too. */
function isAbout(own: ReadonlySet<string>, patterns: readonly RegExp[]): IsAbout {
  return ({ message, zones }) =>
    zones.some((zone) => own.has(zone)) || patterns.some((pattern) => pattern.test(message));
}

const uuid = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi;

/** `vif7.0` is neither in `vif7.01` nor in `xvif7.0`, but in `vif7.0.toml` and at the end of a sentence. */
function linkPattern(link: string): RegExp {
  return new RegExp(`(?<![\\w.-])${escaped(link)}(?!\\d)`);
}

/** A port may follow, `10.75.0.7:443`; a longer address may not. */
function addressPattern(address: Address): RegExp {
  const further = familyOf(address) === 'ipv4' ? '\\.\\d' : ':[\\da-f:]';
  return new RegExp(`(?<![\\w.:])${escaped(address)}(?!\\w|${further})`, 'i');
}

function wordPattern(word: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}_-])${escaped(word)}(?![\\p{L}\\p{N}_-])`, 'u');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
