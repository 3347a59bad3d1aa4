/** The zone directory of hosts that have no other: one TOML file per link, followed live. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DirectoryChange, type DirectoryWatch, watchDirectory } from '../../config/directory-watch.ts';
import { messageOf } from '../../model/errors.ts';
import { EntryTable } from '../entry-table.ts';
import type { DirectorySnapshot, DirectoryState, ZoneDirectory } from '../zone-directory.ts';
import { filesPerTurn, type Listing, listStaticZones, maxZoneFiles } from './list-files.ts';
import { isZoneFileName, readStaticZone } from './zone-file.ts';
import { ZoneFiles } from './zone-files.ts';

/**
 * More events than these at once, and inotify's queue may have overflowed, of which nothing is said: the whole directory is
 * read again. The queue holds 16,384 (fs.inotify.max_queued_events), and other watches of this process share it.
 */
const maxEventsAtOnce = 8192;

/** What is to be read: nothing, these files, or everything. */
type Dirty = Set<string> | 'all';

/**
 * A missing directory is an empty one (`absent`) and may appear later. A file that cannot be used is a problem, and its
 * link has no entry: an atomic replacement never shows half a file, so there is no old content worth keeping.
 *
 * Events are gathered for one turn of the event loop, and files read in pieces between turns: thousands that come at once
 * must hold up neither the control socket nor the watchdog.
 */
export class StaticDirectory implements ZoneDirectory {
  readonly name = 'static';
  readonly #path: string;
  #changed: (() => void) | undefined;
  #watch: DirectoryWatch | undefined;
  readonly #files = new ZoneFiles();
  #listingProblems: readonly string[] = [];
  #snapshot: DirectorySnapshot;
  #dirty: Dirty = new Set();
  /** Something changed, and any name may be what a symbolic link leads to. */
  #mayBeLedTo = false;
  /** Events of this turn. */
  #events = 0;
  #reading: Promise<void> | undefined;
  #stopped = false;

  constructor(path: string) {
    this.#path = path;
    this.#snapshot = snapshotOf('waiting', EntryTable.empty, [], `${path} is not read yet`, Date.now());
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
    if (this.#events === 0) setImmediate(() => (this.#events = 0));
    this.#events += 1;
    if (change === 'all' || this.#events > maxEventsAtOnce) this.#dirty = 'all';
    else if (this.#dirty !== 'all') {
      if (isZoneFileName(change.name)) this.#dirty.add(change.name);
      this.#mayBeLedTo = true;
    }
    void this.#read();
  }

  /** Reads until nothing is dirty. Calls while it runs join it; what they noted is read too. */
  #read(): Promise<void> {
    this.#reading ??= this.#readUntilClean().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readUntilClean(): Promise<void> {
    while (!this.#stopped && (this.#dirty === 'all' || this.#dirty.size > 0 || this.#mayBeLedTo)) {
      await nextTurn();
      const dirty = this.#dirty;
      if (this.#mayBeLedTo && dirty !== 'all') for (const name of this.#files.symbolicLinks) dirty.add(name);
      this.#mayBeLedTo = false;
      // A file more than allowed is only seen by listing; so is a directory that is not trusted.
      const named = dirty !== 'all' && this.#snapshot.state === 'answered' && this.#listingProblems.length === 0;
      if (named && this.#files.zones.size + dirty.size <= maxZoneFiles) this.#refresh(dirty);
      else {
        this.#dirty = new Set();
        this.#accept(await listStaticZones(this.#path, this.#files.zones));
      }
    }
  }

  /** Reads some of `names` and takes them out; the others are left for the next turn. */
  #refresh(names: Set<string>): void {
    const some = [...names.values().take(filesPerTurn)];
    for (const name of some) names.delete(name);
    // Read even if its identity is unchanged: times are coarse, and an event said that something happened.
    this.#files.take(some.map((name) => [name, readStaticZone(this.#path, name)] as const));
    this.#publishFiles();
  }

  #accept(listing: Listing): void {
    if (listing.kind === 'unreadable') {
      const answered = this.#snapshot.state === 'answered' || this.#snapshot.state === 'down';
      const detail = `${messageOf(listing.error)}; trying again on the next change and within 30 s`;
      this.#publish(answered ? 'down' : 'waiting', [], detail);
      return;
    }
    this.#files.replace(listing.kind === 'read' ? listing.files : new Map());
    this.#listingProblems = listing.kind === 'read' ? listing.problems : [];
    if (listing.kind === 'read') this.#publishFiles();
    else this.#publish('absent', [], `${this.#path} does not exist; it is read when it appears`);
  }

  #publishFiles(): void {
    const { table, problems } = this.#files;
    const all = this.#listingProblems.length === 0 ? problems : [...this.#listingProblems, ...problems];
    this.#publish('answered', all, `${this.#path} holds ${table.length} zones`);
  }

  #publish(state: DirectoryState, problems: readonly string[], detail: string): void {
    const watchProblem = this.#watch?.problem();
    const all = watchProblem === undefined ? problems : [`${this.#path}: ${watchProblem}`, ...problems];
    const before = this.#snapshot;
    const { table } = this.#files;
    const isSame = before.state === state && before.detail === detail && before.table === table;
    if (isSame && sameList(before.problems, all)) return;
    this.#snapshot = snapshotOf(state, table, all, detail, state === before.state ? before.since : Date.now());
    this.#changed?.();
  }
}

function snapshotOf(
  state: DirectoryState,
  table: EntryTable,
  problems: readonly string[],
  detail: string,
  since: number,
): DirectorySnapshot {
  let entries: DirectorySnapshot['entries'] | undefined;
  return {
    state,
    // Sorted when somebody wants all of them, which a change of a few does not.
    get entries() {
      entries ??= table.entries();
      return entries;
    },
    table,
    problems,
    detail,
    since,
  };
}

function sameList(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((text, index) => text === others[index]));
}
