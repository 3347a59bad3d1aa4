/** The zone files that were read, and what follows from them, kept up to date at a cost that grows with what changes. */
import { isDeepStrictEqual } from 'node:util';
import type { LinkName } from '../../model/link-name.ts';
import { EntryTable, type Placed } from '../entry-table.ts';
import type { StaticFiles } from './list-files.ts';
import type { StaticZone } from './zone-file.ts';

export class ZoneFiles {
  readonly #zones = new Map<string, StaticZone>();
  readonly #symbolicLinks = new Set<string>();
  readonly #problems = new Map<string, string>();
  #table = EntryTable.empty;
  /** Of `#problems`, in the order of their files. */
  #sortedProblems: readonly string[] = [];

  /** By file name. Changes with `take`. */
  get zones(): StaticFiles {
    return this.#zones;
  }

  /** Names of those that are symbolic links. */
  get symbolicLinks(): ReadonlySet<string> {
    return this.#symbolicLinks;
  }

  /** What they say of links: another table whenever that changes. */
  get table(): EntryTable {
    return this.#table;
  }

  /** What is wrong with them, in the order of their names: another list whenever that changes. */
  get problems(): readonly string[] {
    return this.#sortedProblems;
  }

  /** Each file as it is now, undefined where it is gone. */
  take(changes: Iterable<readonly [string, StaticZone | undefined]>): void {
    const links = new Map<LinkName, readonly Placed[]>();
    let areProblemsNew = false;
    for (const [name, now] of changes) {
      const before = this.#zones.get(name);
      if (before === now || isDeepStrictEqual(before, now)) continue;
      if (now === undefined) this.#zones.delete(name);
      else this.#zones.set(name, now);
      if (now?.isLink === true) this.#symbolicLinks.add(name);
      else this.#symbolicLinks.delete(name);
      const [said, saysNow] = [before?.entry, now?.entry];
      // A file is named after its link. Places are equal: the order of links is that of their files.
      if (said !== undefined) links.set(said.link, []);
      if (saysNow !== undefined) links.set(saysNow.link, [{ entry: saysNow, place: 0 }]);
      areProblemsNew = this.#note(name, now?.problem) || areProblemsNew;
    }
    if (links.size > 0) this.#table = this.#table.with(links);
    if (areProblemsNew) {
      const sorted = [...this.#problems].sort(([one], [other]) => (one < other ? -1 : 1));
      this.#sortedProblems = sorted.map(([, problem]) => problem);
    }
  }

  /** True where that is new. */
  #note(name: string, problem: string | undefined): boolean {
    if (this.#problems.get(name) === problem) return false;
    if (problem === undefined) this.#problems.delete(name);
    else this.#problems.set(name, problem);
    return true;
  }

  /** All files as they are now. */
  replace(files: StaticFiles): void {
    const gone = [...this.#zones.keys()].filter((name) => !files.has(name));
    this.take([...gone.map((name) => [name, undefined] as const), ...files]);
  }
}
