/** The zone directory of hosts that have no other: one TOML file per link, followed live. */
import { isDeepStrictEqual } from 'node:util';
import type { DirectorySnapshot, DirectoryState, ZoneDirectory, ZoneEntry } from '../lifecycle/directory.ts';
import { messageOf } from '../model/errors.ts';
import { type DirectoryChange, type DirectoryWatch, watchDirectory } from './directory-watch.ts';
import {
  entriesOf,
  type Listing,
  listStaticZones,
  maxZoneFiles,
  refreshStaticZones,
  type StaticFiles,
} from './static-listing.ts';
import { isZoneFileName } from './static-zone.ts';

/** A burst beyond this may have overflowed inotify's queue (16,384 events): the whole directory is read again. */
const maxNamedChanges = 1024;

/** What is to be read: nothing, these files, or everything. */
type Dirty = Set<string> | 'all';

/**
 * A missing directory is an empty one (`absent`) and may appear later. A file that cannot be used is a problem, and its
 * link has no entry: an atomic replacement never shows half a file, so there is no old content worth keeping.
 */
export class StaticDirectory implements ZoneDirectory {
  readonly name = 'static';
  readonly #path: string;
  #changed: (() => void) | undefined;
  #watch: DirectoryWatch | undefined;
  #files: StaticFiles = new Map();
  #listingProblems: readonly string[] = [];
  #snapshot: DirectorySnapshot;
  #dirty: Dirty = new Set();
  #reading: Promise<void> | undefined;
  #stopped = false;

  constructor(path: string) {
    this.#path = path;
    this.#snapshot = {
      state: 'waiting',
      entries: [],
      problems: [],
      detail: `${path} is not read yet`,
      since: Date.now(),
    };
  }

  /** Watches first and reads then, so that nothing falls between. */
  async start(changed: () => void): Promise<void> {
    this.#watch = await watchDirectory(this.#path, (change) => this.#note(change));
    this.#dirty = 'all';
    await this.#read();
    this.#changed = changed;
  }

  snapshot(): DirectorySnapshot {
    return this.#snapshot;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watch?.close();
    await this.#reading;
  }

  #note(change: DirectoryChange): void {
    if (change === 'all') this.#dirty = 'all';
    else if (this.#dirty !== 'all') {
      for (const name of this.#namesConcernedBy(change.name)) this.#dirty.add(name);
      if (this.#dirty.size > maxNamedChanges) this.#dirty = 'all';
    }
    void this.#read();
  }

  /** Any other name may be what a symbolic link leads to. */
  #namesConcernedBy(name: string): string[] {
    const links = [...this.#files].flatMap(([file, zone]) => (zone.isLink ? [file] : []));
    return isZoneFileName(name) ? [name, ...links] : links;
  }

  /** Reads until nothing is dirty. Calls while it runs join it; what they noted is read too. */
  #read(): Promise<void> {
    this.#reading ??= this.#readUntilClean().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readUntilClean(): Promise<void> {
    while (!this.#stopped && (this.#dirty === 'all' || this.#dirty.size > 0)) {
      const dirty = this.#dirty;
      this.#dirty = new Set();
      // A file more than allowed is only seen by listing; so is a directory that is not trusted.
      const named = dirty !== 'all' && this.#snapshot.state === 'answered' && this.#listingProblems.length === 0;
      if (named && this.#files.size + dirty.size <= maxZoneFiles) this.#refresh(dirty);
      else this.#accept(await listStaticZones(this.#path, this.#files));
    }
  }

  #refresh(names: ReadonlySet<string>): void {
    const files = refreshStaticZones(this.#path, names, this.#files);
    if (files === this.#files) return;
    this.#files = files;
    this.#publishFiles();
  }

  #accept(listing: Listing): void {
    if (listing.kind === 'unreadable') {
      const answered = this.#snapshot.state === 'answered' || this.#snapshot.state === 'down';
      const detail = `${messageOf(listing.error)}; trying again on the next change and within 30 s`;
      this.#publish(answered ? 'down' : 'waiting', this.#snapshot.entries, [], detail);
      return;
    }
    this.#files = listing.kind === 'read' ? listing.files : new Map();
    this.#listingProblems = listing.kind === 'read' ? listing.problems : [];
    if (listing.kind === 'read') this.#publishFiles();
    else this.#publish('absent', [], [], `${this.#path} does not exist; it is read when it appears`);
  }

  #publishFiles(): void {
    const { entries, problems } = entriesOf(this.#files);
    this.#publish(
      'answered',
      entries,
      [...this.#listingProblems, ...problems],
      `${this.#path} holds ${entries.length} zones`,
    );
  }

  #publish(state: DirectoryState, entries: readonly ZoneEntry[], problems: readonly string[], detail: string): void {
    const watchProblem = this.#watch?.problem();
    const all = watchProblem === undefined ? problems : [`${this.#path}: ${watchProblem}`, ...problems];
    const since = state === this.#snapshot.state ? this.#snapshot.since : Date.now();
    const next: DirectorySnapshot = { state, entries, problems: all, detail, since };
    if (isDeepStrictEqual(next, this.#snapshot)) return;
    this.#snapshot = next;
    this.#changed?.();
  }
}
