/** Live reload: calls back when what people have decided has changed, or has become unreadable. */
import { messageOf } from '../model/errors.ts';
import { type DirectoryWatch, watchDirectory } from './directory-watch.ts';

export interface ReloadListener<T> {
  /** It is another one now, or is good again after `rejected`. */
  reloaded(value: T): void;
  /** The files cannot be used as they are; what was good last remains so. Called once per distinct error. */
  rejected(error: unknown): void;
}

/** Entries of one directory that matter. */
export interface Source {
  readonly directory: string;
  concerns(name: string): boolean;
}

/** What came of reading, and where a change of it would come from: that can change, too. */
export type Reading<T> = { readonly sources: readonly Source[] } & (
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }
);

export interface ReloadWatch {
  /** Why a change may be noticed late at the moment, for people; undefined where it is not so. */
  problem(): string | undefined;
  close(): Promise<void>;
}

/**
 * Quiet time before the files are read, in milliseconds: an editor that truncates and writes, or deletes and makes
 * anew, shows an empty or missing file for a moment, which would mean the defaults.
 */
const settleMilliseconds = 250;
/** Somebody who writes without a pause is read all the same after this long. */
const maxDelayMilliseconds = 2000;

export interface Followed<T> {
  /** Reads everything; `last` is what was good last. Never rejects. */
  read(last: T | undefined): Promise<Reading<T>>;
  isSame(one: T, other: T): boolean;
}

/** Follows all sources, missing ones included. `current` is what the caller has in force; undefined: what is there now. */
export async function watchSources<T>(
  followed: Followed<T>,
  listener: ReloadListener<T>,
  current?: T,
): Promise<ReloadWatch> {
  const watch = new SourceWatch(followed, listener, current);
  await watch.start();
  return watch;
}

class SourceWatch<T> implements ReloadWatch {
  readonly #followed: Followed<T>;
  readonly #listener: ReloadListener<T>;
  readonly #watches = new Map<string, DirectoryWatch>();
  #sources: readonly Source[] = [];
  #last: T | undefined;
  #rejection: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #deadline = 0;
  /** One after the other. */
  #queue = Promise.resolve();
  #closed = false;

  constructor(followed: Followed<T>, listener: ReloadListener<T>, current: T | undefined) {
    this.#followed = followed;
    this.#listener = listener;
    this.#last = current;
  }

  async start(): Promise<void> {
    const reading = await this.#followed.read(this.#last);
    // Where nothing good is there to compare with, the first that is good is news.
    if (this.#last === undefined && reading.ok) this.#last = reading.value;
    await this.#follow(reading.sources);
    // What changed between the caller's own reading and the watch has had no event.
    this.#schedule();
  }

  problem(): string | undefined {
    return [...this.#watches.values()].map((watch) => watch.problem()).find((problem) => problem !== undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#queue;
    await Promise.all([...this.#watches.values()].map((watch) => watch.close()));
  }

  #schedule(): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#deadline === 0) this.#deadline = now + maxDelayMilliseconds;
    clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(settleMilliseconds, this.#deadline - now));
    this.#timer = setTimeout(() => {
      this.#deadline = 0;
      this.#queue = this.#queue.then(() => this.#reload());
    }, wait);
  }

  async #reload(): Promise<void> {
    const reading = await this.#followed.read(this.#last);
    if (this.#closed) return;
    this.#tell(reading);
    if (await this.#follow(reading.sources)) this.#schedule();
  }

  #tell(reading: Reading<T>): void {
    if (!reading.ok) {
      const message = messageOf(reading.error);
      if (message === this.#rejection) return;
      this.#rejection = message;
      this.#listener.rejected(reading.error);
      return;
    }
    const last = this.#last;
    const isNews = this.#rejection !== undefined || last === undefined || !this.#followed.isSame(reading.value, last);
    this.#rejection = undefined;
    this.#last = reading.value;
    if (isNews) this.#listener.reloaded(reading.value);
  }

  /** True where a directory is watched now that was not. */
  async #follow(sources: readonly Source[]): Promise<boolean> {
    this.#sources = sources;
    const wanted = new Set(sources.map(({ directory }) => directory));
    const gone = [...this.#watches].filter(([directory]) => !wanted.has(directory));
    for (const [directory] of gone) this.#watches.delete(directory);
    const fresh = [...wanted].filter((directory) => !this.#watches.has(directory));
    await Promise.all([
      ...gone.map(([, watch]) => watch.close()),
      ...fresh.map(async (directory) => this.#watches.set(directory, await this.#watch(directory))),
    ]);
    return fresh.length > 0;
  }

  #watch(directory: string): Promise<DirectoryWatch> {
    return watchDirectory(directory, (change) => {
      const isConcerned = ({ directory: own, concerns }: Source, name: string) => own === directory && concerns(name);
      if (change === 'all' || this.#sources.some((source) => isConcerned(source, change.name))) this.#schedule();
    });
  }
}
