/**
 * A zone directory says which address belongs to which link. There are three (control API, xenstore, static files);
 * they are asked in the configured order, and nothing outside this folder knows them apart.
 */
import type { DirectoryName } from '../model/directory-name.ts';
import type { EntryTable } from './entry-table.ts';
import type { ZoneEntry } from './zone-entry.ts';

/**
 * - `absent`: this host has no such directory; it is skipped.
 * - `waiting`: it should be there and has not answered yet; nothing may be pruned until it has.
 * - `answered`: `entries` is what it says now.
 * - `down`: it answered before and does not now; `entries` is the last answer and stays served.
 */
export type DirectoryState = 'absent' | 'waiting' | 'answered' | 'down';

export interface DirectorySnapshot {
  readonly state: DirectoryState;
  readonly entries: readonly ZoneEntry[];
  /** The same as `entries`, from a directory that may hold thousands: with it, a change of a few costs as much as those few. */
  readonly table?: EntryTable;
  /** Entries that could not be used, for people: one sentence each, with its place. Stable order. */
  readonly problems: readonly string[];
  /** One sentence on the directory itself, e.g. why it is down and when the next try is. */
  readonly detail: string;
  /** Unix time in milliseconds of the last change of `state`. */
  readonly since: number;
}

/** Before its first answer. */
export function notAskedYet(): DirectorySnapshot {
  return { state: 'waiting', entries: [], problems: [], detail: 'not asked yet', since: Date.now() };
}

export interface ZoneDirectory {
  readonly name: DirectoryName;
  /** Begins to follow the directory; resolves after the first attempt to read it. `changed` says only "look again". */
  start(changed: () => void): Promise<void>;
  /** The latest answer. Cheap, synchronous, the same object while nothing has changed. */
  snapshot(): DirectorySnapshot;
  /** Told when zone links came or went, by those that have to find a zone's link by its domain. */
  linksChanged?(): void;
  stop(): Promise<void>;
}

export interface AskedDirectory {
  readonly name: DirectoryName;
  readonly snapshot: DirectorySnapshot;
}
