/**
 * Following one directory that may not exist yet, or be deleted, moved away and made again: every existing directory
 * from the root down to it is watched, without recursion, and the chain is repaired when one of them changes.
 *
 * Hazards, and why this is not simply chokidar on the directory:
 * - chokidar with `depth` waits for a missing path, but loses it when two levels appear at once.
 * - Its cooked events come after it has read the directory again, 25 ms with 5,000 files. The raw event comes within
 *   a millisecond and is all we need, because truth is re-read anyway; so chokidar is told to ignore every entry.
 * - inotify can run out (ENOSPC, EMFILE) and loses events on overflow without a word. Hence the clock: each second
 *   while a watch is missing, twice a minute otherwise, everything is read again.
 */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { errnoOf, messageOf } from '../model/errors.ts';
import { say } from '../words/say.ts';
import { directoryWarnings } from '../words/warnings.ts';

/** What may have changed: entries of the directory by name, or anything at all. */
export type DirectoryChange = { readonly name: string } | 'all';

export interface DirectoryWatch {
  /** Why events cannot be relied on at the moment, for people; undefined while they can. */
  problem(): string | undefined;
  close(): Promise<void>;
}

interface Armed {
  readonly identity: string;
  readonly watcher: FSWatcher;
}

const pollMilliseconds = 1000;
const resyncMilliseconds = 30_000;
/** Passes over the chain before waiting for the next event: only a directory that flips without end needs more. */
const maxPasses = 16;

/**
 * Calls `changed` for every change in `directory` and whenever something may have been missed; never before the
 * returned promise resolves. Resolves once everything that exists is watched.
 */
export async function watchDirectory(
  directory: string,
  changed: (change: DirectoryChange) => void,
): Promise<DirectoryWatch> {
  const watching = new ChainWatch(directory, changed);
  await watching.start();
  return watching;
}

class ChainWatch implements DirectoryWatch {
  readonly #directory: string;
  readonly #changed: (change: DirectoryChange) => void;
  readonly #armed = new Map<string, Armed>();
  /** Watches that chokidar may be renewing. */
  readonly #doubtful = new Set<string>();
  #problem: string | undefined;
  #arming: Promise<void> | undefined;
  #armAgain = false;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  #closed = false;

  constructor(directory: string, changed: (change: DirectoryChange) => void) {
    this.#directory = directory;
    this.#changed = changed;
  }

  async start(): Promise<void> {
    await this.#rearm();
    this.#started = true;
    this.#schedule();
  }

  problem(): string | undefined {
    return this.#problem;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#arming;
    await Promise.all([...this.#armed.keys()].map((path) => this.#disarm(path)));
  }

  /** Brings the watches in line with the directories there are; overlapping calls become one more pass. */
  #rearm(): Promise<void> {
    this.#armAgain = true;
    this.#arming ??= this.#armUntilStable().finally(() => {
      this.#arming = undefined;
    });
    return this.#arming;
  }

  async #armUntilStable(): Promise<void> {
    for (let pass = 0; this.#armAgain && !this.#closed && pass < maxPasses; pass += 1) {
      this.#armAgain = false;
      const chain = existingChain(this.#directory);
      const isGone = (path: string, identity: string) => chain.get(path) !== identity || this.#doubtful.has(path);
      const gone = [...this.#armed].filter(([path, { identity }]) => isGone(path, identity));
      this.#doubtful.clear();
      for (const [path] of gone) await this.#disarm(path);
      const missing = [...chain].filter(([path]) => !this.#armed.has(path));
      if (gone.length + missing.length === 0) continue;
      this.#problem = undefined;
      for (const [path, identity] of missing) await this.#arm(path, identity);
      // What appeared between the look and the watch has had no event: look again, and have everything read again.
      this.#armAgain = this.#problem === undefined;
      this.#tell('all');
    }
    if (this.#problem !== undefined) this.#schedule();
  }

  async #arm(path: string, identity: string): Promise<void> {
    const watcher = watch(path, {
      depth: 0,
      ignoreInitial: true,
      atomic: false,
      backend: 'native',
      ignored: (entry) => entry !== path,
    });
    this.#armed.set(path, { identity, watcher });
    watcher.on('raw', (_event, name: unknown) => this.#heard(path, nameIn(name)));
    await new Promise<void>((resolve) => {
      watcher.on('ready', resolve);
      watcher.on('error', (error) => {
        this.#lost(path, watcher, error);
        resolve();
      });
    });
    if (this.#armed.get(path)?.watcher !== watcher) await watcher.close();
  }

  async #disarm(path: string): Promise<void> {
    const armed = this.#armed.get(path);
    this.#armed.delete(path);
    await armed?.watcher.close();
  }

  #heard(path: string, name: string | undefined): void {
    if (this.#closed) return;
    // inotify names a directory's own deletion, move and change of mode by its own name.
    const isSelf = name === undefined || basename(path) === name;
    if (path === this.#directory) this.#tell(isSelf ? 'all' : { name });
    // chokidar takes it for the directory's end, looks, and watches anew without a word: what comes meanwhile would be lost.
    if (isSelf) this.#doubtful.add(path);
    if (isSelf || this.#leadsOn(path, name)) void this.#rearm();
  }

  /** True where `name` in the directory `path` is the next one on the way to ours. */
  #leadsOn(path: string, name: string): boolean {
    const child = childOf(path, name);
    return this.#directory === child || this.#directory.startsWith(`${child}/`);
  }

  /** chokidar gave up on a directory: replaced (watch the new one at once) or out of inotify (try each second). */
  #lost(path: string, watcher: FSWatcher, error: unknown): void {
    if (this.#closed || this.#armed.get(path)?.watcher !== watcher) return;
    this.#armed.delete(path);
    if (errnoOf(error) !== undefined) {
      this.#problem = say(directoryWarnings.unwatched, { directory: path, reason: messageOf(error) });
      this.#schedule();
    } else void this.#rearm();
    void watcher.close();
  }

  #tell(change: DirectoryChange): void {
    if (this.#started && !this.#closed) this.#changed(change);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const period = this.#problem === undefined ? resyncMilliseconds : pollMilliseconds;
    this.#timer = setTimeout(() => {
      void this.#rearm().then(() => {
        this.#tell('all');
        this.#schedule();
      });
    }, period).unref();
  }
}

/** The directories that exist on the way from the root to `directory`, itself included, each with what it is. */
function existingChain(directory: string): Map<string, string> {
  const paths: string[] = [];
  for (let path = directory; ; path = dirname(path)) {
    paths.unshift(path);
    if (path === dirname(path)) break;
  }
  const chain = new Map<string, string>();
  for (const path of paths) {
    const stats = statOrUndefined(path);
    if (stats?.isDirectory() !== true) break;
    // The time of birth too: a directory made anew often gets the inode number of the one just deleted.
    chain.set(path, `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`);
  }
  return chain;
}

/** Undefined for whatever cannot be looked at: the chain ends there, and whoever reads the directory says why. */
function statOrUndefined(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** The entry an event names; undefined where it names none, or a whole path, as chokidar does when made to poll. */
function nameIn(raw: unknown): string | undefined {
  return typeof raw === 'string' && !raw.includes('/') ? raw : undefined;
}

function childOf(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
