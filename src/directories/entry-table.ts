/**
 * What a directory says, by link. Immutable: a changed copy shares all with its original but the buckets that differ, so
 * that a change, and the comparison of any two of them, costs as much among thousands of links as among few.
 */
import type { LinkName } from '../model/link-name.ts';
import type { ZoneEntry } from './zone-entry.ts';

/** An entry and its place among the directory's: who comes first has the address. Where places are equal, links decide. */
export interface Placed {
  readonly entry: ZoneEntry;
  readonly place: number;
}

type Bucket = ReadonlyMap<LinkName, readonly Placed[]>;

/** Some 60 links a bucket at the most zones that Xen can number. */
const bucketCount = 256;
const nothing: readonly Placed[] = [];
const noLinks: Bucket = new Map();

export class EntryTable {
  static readonly empty = new EntryTable(Array.from({ length: bucketCount }, () => noLinks));
  readonly #buckets: readonly Bucket[];
  /** How many entries that can be used. */
  readonly length: number;

  private constructor(buckets: readonly Bucket[], length = 0) {
    this.#buckets = buckets;
    this.length = length;
  }

  /** In the order of `entries`. */
  static of(entries: readonly ZoneEntry[]): EntryTable {
    const byLink = new Map<LinkName, Placed[]>();
    for (const [place, entry] of entries.entries()) {
      const known = byLink.get(entry.link);
      if (known === undefined) byLink.set(entry.link, [{ entry, place }]);
      else known.push({ entry, place });
    }
    return EntryTable.empty.with(byLink);
  }

  get(link: LinkName): readonly Placed[] {
    return this.#buckets[bucketOf(link)]?.get(link) ?? nothing;
  }

  /** A copy in which each link of `changes` has these entries instead of its own; none takes the link away. */
  with(changes: Iterable<readonly [LinkName, readonly Placed[]]>): EntryTable {
    const buckets = [...this.#buckets];
    const fresh = new Map<number, Map<LinkName, readonly Placed[]>>();
    let { length } = this;
    for (const [link, placed] of changes) {
      const index = bucketOf(link);
      const bucket = fresh.get(index) ?? new Map(buckets[index]);
      fresh.set(index, bucket);
      length += usable(placed) - usable(bucket.get(link) ?? nothing);
      if (placed.length > 0) bucket.set(link, placed);
      else bucket.delete(link);
    }
    for (const [index, bucket] of fresh) buckets[index] = bucket;
    return new EntryTable(buckets, length);
  }

  /** The links about which `before` says something else, sorted. */
  differing(before: EntryTable): LinkName[] {
    const links = this.#buckets.flatMap((bucket, index) => {
      const old = before.#buckets[index] ?? noLinks;
      if (bucket === old) return [];
      const told = [...bucket].flatMap(([link, now]) => (sameEntries(old.get(link) ?? nothing, now) ? [] : [link]));
      return [...told, ...[...old.keys()].filter((link) => !bucket.has(link))];
    });
    return links.sort();
  }

  /** All entries, in their order. Sorts. */
  entries(): ZoneEntry[] {
    return inOrder(this.#buckets.flatMap((bucket) => [...bucket.values()].flat()));
  }
}

/** Sorts `placed` itself. */
export function inOrder(placed: Placed[]): ZoneEntry[] {
  placed.sort((one, other) => one.place - other.place || (one.entry.link < other.entry.link ? -1 : 1));
  return placed.map(({ entry }) => entry);
}

function usable(placed: readonly Placed[]): number {
  return placed.filter(({ entry }) => entry.unusable === undefined).length;
}

function sameEntries(some: readonly Placed[], others: readonly Placed[]): boolean {
  return (
    some.length === others.length && some.every(({ entry }, index) => sameEntry(entry, others[index]?.entry ?? entry))
  );
}

function sameEntry(one: ZoneEntry, other: ZoneEntry): boolean {
  if (one === other) return true;
  const isAlike = one.name === other.name && one.origin === other.origin && one.unusable?.why === other.unusable?.why;
  return isAlike && one.addresses.join() === other.addresses.join();
}

function bucketOf(link: LinkName): number {
  let hash = 0;
  for (let index = 0; index < link.length; index += 1) hash = (hash * 31 + link.charCodeAt(index)) | 0;
  return (hash >>> 0) % bucketCount;
}
