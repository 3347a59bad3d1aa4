/**
 * Who claims which address in the zone directories, kept up to date by what they changed. Links that claim no address in
 * common are judged independently of each other: this knows which do.
 */
import { EntryTable, inOrder } from '../directories/entry-table.ts';
import type { AskedDirectory, DirectorySnapshot } from '../directories/zone-directory.ts';
import type { Address } from '../model/address.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { LinkName } from '../model/link-name.ts';

interface Indexed {
  readonly snapshot: DirectorySnapshot;
  readonly table: EntryTable;
}

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
      const table = snapshot.table ?? EntryTable.of(snapshot.entries);
      this.#directories.set(name, { snapshot, table });
      for (const link of table.differing(before?.table ?? EntryTable.empty)) changed.add(link);
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
    return [...this.#directories].map(([name, { snapshot, table }]) => {
      const { state, problems, detail, since } = snapshot;
      const entries = inOrder([...links].flatMap((link) => table.get(link)));
      return { name, snapshot: { state, entries, problems, detail, since } };
    });
  }

  #claim(link: LinkName): void {
    const entries = [...this.#directories.values()].flatMap(({ table }) => table.get(link));
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
