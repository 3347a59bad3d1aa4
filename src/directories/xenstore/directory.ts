/**
 * The zone directory kept in xenstore. Watches only say what to read again; a domain they touch is read before the rest
 * of a full re-reading, which is done in slices after every (re)connection and every 30 s.
 *
 * Watched: the vif backends (which covers `ip` nodes, their permissions and those of the folders above), krata's folder
 * of every domain with a backend, and the two announcements. Not watched: `/local/domain`, where every write of every
 * guest would wake us; so the permissions of the two folders above krata's are looked at twice a second instead.
 */
import { existsSync } from 'node:fs';
import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import { type ClientState, type Watch, type WatchPath, XenstoreClient, XenstoreError } from '../../xenstore/index.ts';
import { type DirectorySnapshot, type DirectoryState, notAskedYet, type ZoneDirectory } from '../zone-directory.ts';
import { buildSnapshot, sameReading } from './build-snapshot.ts';
import { backendFolder, type DomainReading, krataFolder, listDomains, parseDomid, readDomain } from './domain.ts';
import { isSuspicion, unlessMissing, weaknessOf } from './trust.ts';
import { WorkList } from './work-list.ts';

/** Where a xenstore leaves its mark on a host, running or not. */
const usualMarks = ['/run/xenstored', '/dev/xen'];
export const usualPaths = ['/dev/xen/xenbus', '/run/xenstored/socket', '/var/run/xenstored/socket'];
/** Milliseconds. */
const resyncInterval = 30_000;
const tickInterval = 500;
/** Domains read at once, two transactions each: oxenstored allows ten a connection. */
const concurrency = 4;
const nothing: DomainReading = { name: undefined, entries: [], problems: [], unwatched: [] };

export class XenstoreDirectory implements ZoneDirectory {
  readonly name = 'xenstore';
  readonly #client: XenstoreClient;
  readonly #isExplicit: boolean;
  readonly #work = new WorkList();
  /** Every domain with a vif backend that was read. */
  readonly #readings = new Map<number, DomainReading>();
  readonly #watches = new Map<WatchPath, Watch>();
  /** Domains whose last reading failed; tried again at the next tick. */
  readonly #failed = new Set<number>();
  /** Resolved by the first snapshot, good or bad. */
  readonly #attempted = Promise.withResolvers<void>();
  #listProblems: readonly string[] = [];
  #changed: () => void = () => undefined;
  #snapshot = notAskedYet();
  #running: Promise<void> | undefined;
  #resyncTimer: NodeJS.Timeout | undefined;
  #tickTimer: NodeJS.Timeout | undefined;

  /** `path`: a socket or device; '' for the first there is of the usual ones. */
  constructor({ path }: { readonly path: string }) {
    this.#isExplicit = path !== '';
    const paths = this.#isExplicit ? [path] : usualPaths;
    this.#client = new XenstoreClient({ paths, onState: (state) => this.#follow(state) });
  }

  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
    await this.#client.start();
    await this.#attempted.promise;
    if (this.#client.state.kind === 'closed') return;
    this.#resyncTimer = setInterval(() => this.#do(() => this.#work.addEverything()), resyncInterval);
    this.#tickTimer = setTimeout(() => void this.#tick(), tickInterval);
  }

  /** True where a xenstore must be waited for: somebody named it, or the host has one that is away. */
  get #isExpected(): boolean {
    return this.#isExplicit || usualMarks.some((mark) => existsSync(mark));
  }

  snapshot(): DirectorySnapshot {
    return this.#snapshot;
  }

  async stop(): Promise<void> {
    clearInterval(this.#resyncTimer);
    clearTimeout(this.#tickTimer);
    this.#tickTimer = undefined;
    this.#client.close();
    this.#attempted.resolve();
    await this.#running;
  }

  #follow(state: ClientState): void {
    if (state.kind === 'connected') this.#do(() => this.#work.addEverything());
    if (state.kind !== 'disconnected') return;
    const absent = state.error.code === 'vanished' && !this.#isExpected;
    const next = absent ? 'looking again every second' : `next try in ${state.retryIn} ms`;
    this.#publish(absent ? 'absent' : 'waiting', `${state.error.message}; ${next}`, false);
  }

  /** Adds work and sees to it that it is done; what one turn of the event loop adds is done together. */
  #do(addWork: () => void): void {
    addWork();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#work.empty && this.#client.state.kind === 'connected') {
      try {
        await this.#pass();
      } catch (error) {
        if (!(error instanceof XenstoreError)) throw error;
        // The list could not be read. Where the connection broke, all is read after the next; else at the next tick.
        this.#work.addEverything();
        if (this.#connected) this.#publish('waiting', `${error.message}; next try in ${tickInterval} ms`, false);
        break;
      }
    }
    this.#running = undefined;
  }

  get #connected(): boolean {
    return this.#client.state.kind === 'connected';
  }

  async #pass(): Promise<void> {
    await this.#watchFolders();
    const task = this.#work.takeList();
    let changed = task !== undefined && (await this.#list(task === 'everything'));
    const { domids, fully } = this.#work.takeDomains();
    const queue = domids.values();
    const workers = Array.from({ length: concurrency }, async () => {
      for (const domid of queue) if (await this.#read(domid, fully)) changed = true;
    });
    await Promise.all(workers);
    const { state } = this.#client;
    if (state.kind !== 'connected' || (this.#work.resyncing && this.#snapshot.state !== 'answered')) return;
    this.#publish('answered', `xenstored at ${state.path}`, changed);
  }

  /** Brings `#readings` and the watches in line with the list. True where a domain is gone or the problems changed. */
  async #list(everything: boolean): Promise<boolean> {
    const { domids, problems } = await listDomains(this.#client);
    const gone = [...this.#readings.keys()].filter((domid) => !domids.has(domid));
    for (const domid of gone) await this.#forget(domid);
    const added = [...domids].filter((domid) => !this.#readings.has(domid));
    if (everything) this.#work.resyncOf(domids);
    else for (const domid of added) this.#work.addDomain(domid);
    const same = problems.join() === this.#listProblems.join();
    this.#listProblems = problems;
    return gone.length > 0 || !same;
  }

  async #forget(domid: number): Promise<void> {
    const watch = this.#watches.get(krataFolder(domid));
    this.#readings.delete(domid);
    this.#watches.delete(krataFolder(domid));
    this.#failed.delete(domid);
    this.#work.forget(domid);
    await unlessMissing(watch?.close() ?? Promise.resolve());
  }

  /** Reads one domain; true where it says something else now. A failure keeps what was read before. */
  async #read(domid: number, fully: boolean): Promise<boolean> {
    const before = this.#readings.get(domid);
    try {
      await this.#watchKrata(domid);
      const reading = await readDomain(this.#client, domid, fully ? undefined : before?.name);
      if (reading === undefined) await this.#forget(domid);
      else this.#readings.set(domid, reading);
      return !sameReading(before, reading);
    } catch (error) {
      if (!(error instanceof XenstoreError) || !this.#connected) throw error;
      const problem = say(directoryWarnings.unreadDomain, { n: domid, reason: error.message });
      const reading = { ...(before ?? nothing), problems: [problem] };
      this.#failed.add(domid);
      this.#readings.set(domid, reading);
      return !sameReading(before, reading);
    }
  }

  async #watchFolders(): Promise<void> {
    await this.#watch(backendFolder, (path) => this.#touched(path));
    await this.#watch('@introduceDomain', () => this.#do(() => this.#work.addList()));
    await this.#watch('@releaseDomain', () => this.#do(() => this.#work.addList()));
  }

  /** The first event of a new watch says nothing: the domain is read right after. */
  #watchKrata(domid: number): Promise<void> {
    let made = false;
    return this.#watch(krataFolder(domid), () => {
      if (made) this.#do(() => this.#work.addDomain(domid));
      made = true;
    });
  }

  async #watch(path: WatchPath, listener: (path: string) => void): Promise<void> {
    if (!this.#watches.has(path)) this.#watches.set(path, await this.#client.watch(path, listener));
  }

  /** Backends write much that is nothing to us (`state`, `feature-…`): below a device only `ip` counts. */
  #touched(path: string): void {
    const [name, , key] = path.slice(backendFolder.length + 1).split('/');
    if (key !== undefined && key !== 'ip') return;
    const domid = parseDomid(name ?? '');
    this.#do(() => (domid === undefined ? this.#work.addList() : this.#work.addDomain(domid)));
  }

  /** Every half second: what failed before, and permissions that no watch tells of. */
  async #tick(): Promise<void> {
    const doubtful = this.#connected ? await this.#doubtful() : [];
    if (this.#tickTimer === undefined) return;
    if (doubtful.length > 0 || !this.#work.empty) {
      this.#do(() => {
        for (const domid of doubtful) this.#work.addDomain(domid);
      });
    }
    this.#tickTimer = setTimeout(() => void this.#tick(), tickInterval);
  }

  async #doubtful(): Promise<number[]> {
    const doubtful = [...this.#failed];
    this.#failed.clear();
    for (const [domid, { problems, unwatched }] of this.#readings) {
      if (unwatched.length === 0) continue;
      // Whether a suspicion has been cleared is as little told by watches as its reason.
      if (problems.some(isSuspicion) || !(await this.#stillTrusted(unwatched))) doubtful.push(domid);
    }
    return doubtful;
  }

  /** False also where it could not be found out: then the domain is read again, and that tells. */
  async #stillTrusted(paths: DomainReading['unwatched']): Promise<boolean> {
    const permissions = await Promise.allSettled(paths.map((path) => this.#client.permissions(path)));
    return permissions.every((result) => result.status === 'fulfilled' && weaknessOf(result.value) === undefined);
  }

  /** `state` as seen now; a directory that has answered once is `down` instead, and keeps its entries. */
  #publish(state: DirectoryState, detail: string, changed: boolean): void {
    const before = this.#snapshot;
    const served = before.state === 'answered' || before.state === 'down';
    const now = served && state !== 'answered' ? 'down' : state;
    if (!changed && now === before.state && detail === before.detail) return;
    const rebuilt = buildSnapshot(before, { state: now, detail }, this.#readings, this.#listProblems);
    // While it is being re-read after an interruption, the last whole answer stays.
    this.#snapshot =
      state === 'answered' ? rebuilt : { ...rebuilt, entries: before.entries, problems: before.problems };
    this.#attempted.resolve();
    if (changed || now !== before.state) this.#changed();
  }
}
