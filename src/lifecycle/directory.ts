/**
 * A zone directory says which address belongs to which link. There are three (control API, xenstore, static files);
 * `claims.ts` asks them in the configured order, and nothing else knows them apart.
 */
import type { Address } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

export type DirectoryName = 'control-api' | 'xenstore' | 'static';

/** One link's entry in a directory, parsed but not yet judged: subnet and conflict rules are `claims.ts`'s. */
export interface ZoneEntry {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
  /** The zone's name for people, where the directory has one. */
  readonly name: string | undefined;
  /** Where exactly it says so, for logs and `status`: a file, a xenstore path, a zone id. */
  readonly origin: string;
}

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
  /** Entries that could not be used, for people: one sentence each, with its place. Stable order. */
  readonly problems: readonly string[];
  /** One sentence on the directory itself, e.g. why it is down and when the next try is. */
  readonly detail: string;
  /** Unix time in milliseconds of the last change of `state`. */
  readonly since: number;
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
