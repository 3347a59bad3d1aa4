/**
 * Who claims which address in the zone directories, kept up to date by what they changed. Links that claim no address in
 * common are judged independently of each other: this knows which do.
 */
import type { Address } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { AskedDirectory } from './claims.ts';
import type { DirectoryName, DirectorySnapshot, ZoneEntry } from './directory.ts';

/** An entry and its place among the directory's: who comes first has the address. */
interface Placed {
  readonly entry: ZoneEntry;
  readonly place: number;
}

interface Indexed {
  readonly snapshot: DirectorySnapshot;
  readonly byLink: ReadonlyMap<LinkName, readonly Placed[]>;
}

const nothing: readonly Placed[] = [];

export class Claimants {
  readonly #directories = new Map<DirectoryName, Indexed>();
  readonly #addresses = new Map<LinkName, ReadonlySet<Address>>();
  readonly #links = new Map<Address, Set<LinkName>>();
  readonly #contested = new Set<Address>();

  constructor(directories: readonly AskedDirectory[]) {
    this.take(directories);
  }

  /** Returns the links about which one of them now says something else. */
  take(directories: readonly AskedDirectory[]): Set<LinkName> {
    const changed = new Set<LinkName>();
    for (const { name, snapshot } of directories) {
      const before = this.#directories.get(name);
      if (before?.snapshot === snapshot) continue;
      const byLink = indexOf(snapshot.entries);
      this.#directories.set(name, { snapshot, byLink });
      for (const link of differing(before?.byLink ?? new Map<LinkName, readonly Placed[]>(), byLink)) changed.add(link);
    }
    for (const link of changed) this.#claim(link);
    return changed;
  }

  /** Everybody who contests an address now. */
  rivals(): LinkName[] {
    return [...this.#contested].flatMap((address) => [...(this.#links.get(address) ?? [])]);
  }

  addressesOf(link: LinkName): ReadonlySet<Address> {
    return this.#addresses.get(link) ?? new Set();
  }

  /** The directories as if they knew no other links. */
  about(links: ReadonlySet<LinkName>): AskedDirectory[] {
    return [...this.#directories].map(([name, { snapshot, byLink }]) => {
      const placed = [...links].flatMap((link) => byLink.get(link) ?? nothing);
      placed.sort((one, other) => one.place - other.place);
      return { name, snapshot: { ...snapshot, entries: placed.map(({ entry }) => entry) } };
    });
  }

  #claim(link: LinkName): void {
    const entries = [...this.#directories.values()].flatMap(({ byLink }) => byLink.get(link) ?? nothing);
    const addresses = new Set(entries.flatMap(({ entry }) => entry.addresses));
    for (const address of this.addressesOf(link)) if (!addresses.has(address)) this.#give(address, link, false);
    for (const address of addresses) this.#give(address, link, true);
    if (addresses.size > 0) this.#addresses.set(link, addresses);
    else this.#addresses.delete(link);
  }

  #give(address: Address, link: LinkName, claims: boolean): void {
    const links = this.#links.get(address) ?? new Set<LinkName>();
    if (claims) links.add(link);
    else links.delete(link);
    if (links.size > 0) this.#links.set(address, links);
    else this.#links.delete(address);
    if (links.size > 1) this.#contested.add(address);
    else this.#contested.delete(address);
  }
}

function indexOf(entries: readonly ZoneEntry[]): Map<LinkName, Placed[]> {
  const byLink = new Map<LinkName, Placed[]>();
  for (const [place, entry] of entries.entries()) {
    const known = byLink.get(entry.link);
    if (known === undefined) byLink.set(entry.link, [{ entry, place }]);
    else known.push({ entry, place });
  }
  return byLink;
}

function differing(before: Indexed['byLink'], now: Indexed['byLink']): LinkName[] {
  const told = [...now].flatMap(([link, entries]) => (sameEntries(before.get(link) ?? nothing, entries) ? [] : [link]));
  return [...told, ...[...before.keys()].filter((link) => !now.has(link))];
}

function sameEntries(some: readonly Placed[], others: readonly Placed[]): boolean {
  return (
    some.length === others.length && some.every(({ entry }, index) => sameEntry(entry, others[index]?.entry ?? entry))
  );
}

function sameEntry(one: ZoneEntry, other: ZoneEntry): boolean {
  if (one === other) return true;
  const isAlike = one.name === other.name && one.origin === other.origin;
  return isAlike && one.addresses.join() === other.addresses.join();
}
