/**
 * The control API of Edera's daemon, or of krata's, as a zone directory. Follows the socket through its life: it may
 * appear, vanish and be replaced while we run, and a daemon that is away is not an empty one: what it said last stays.
 */
import { messageOf } from '../../model/errors.ts';
import type { LinkName } from '../../model/link-name.ts';
import { type DirectorySnapshot, type DirectoryState, notAskedYet, type ZoneDirectory } from '../zone-directory.ts';
import { resolveEntries, sameResolved } from './entries.ts';
import { ederaTarget, krataTarget, locateSocket, type Place, socketPathOf } from './locate-socket.ts';
import type { ServiceName } from './messages.ts';
import type { Zones } from './session.ts';
import { backoff, pause } from './waiting.ts';

export interface ControlApiOptions {
  /** `unix:///absolute/path`. */
  readonly target: string;
  /** Asked where `target` does not exist; by default krata's socket where `target` is Edera's, else none. */
  readonly fallbackTarget?: string;
  /** The zone links on the host right now: krata names no interface. */
  readonly links: () => readonly LinkName[];
}

export class ControlApiDirectory implements ZoneDirectory {
  readonly name = 'control-api';
  readonly #paths: readonly [string, ...string[]];
  readonly #links: () => readonly LinkName[];
  readonly #stopping = new AbortController();
  readonly #attempted = Promise.withResolvers<void>();
  #changed: () => void = () => undefined;
  #running: Promise<void> | undefined;
  #zones: Zones = new Map();
  #answered = false;
  #attempt = 0;
  #snapshot = notAskedYet();

  /** Throws `config-invalid` for a target that is no Unix socket's. */
  constructor({ target, fallbackTarget, links }: ControlApiOptions) {
    const fallback = fallbackTarget ?? (target === ederaTarget ? krataTarget : undefined);
    this.#paths = [socketPathOf(target), ...(fallback === undefined ? [] : [socketPathOf(fallback)])];
    this.#links = links;
  }

  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
    this.#running ??= this.#run(this.#stopping.signal);
    await this.#attempted.promise;
  }

  snapshot(): DirectorySnapshot {
    return this.#snapshot;
  }

  /** To be called when zone links come or go: with krata, a zone's link is whichever its domain has. */
  linksChanged(): void {
    // Edera names each link itself: there is nothing to find for it.
    const isAsked = this.#zones
      .values()
      .some(({ claims, refusals }) => [...claims, ...refusals].some(({ link }) => link === undefined));
    if (this.#answered && isAsked) this.#publish(this.#snapshot.state, this.#snapshot.detail);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Never rejects: whatever goes wrong is this directory's state, and is tried again. */
  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const place = await locateSocket(this.#paths);
      if (place.kind === 'socket') await this.#try(place.path, place.identity, signal);
      else await this.#away(place, signal);
    }
    this.#attempted.resolve();
  }

  async #try(path: string, identity: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#follow(path, identity, signal);
    } catch (error) {
      const delay = backoff(this.#attempt++);
      this.#lost(`${messageOf(error)}; next try in ${(delay / 1000).toFixed(1)} s`);
      // A daemon that has restarted need not wait out the backoff of the one before it.
      await this.#untilReplaced(identity, signal, delay);
    }
  }

  /** Follows the socket until it is replaced or `signal` aborts; rejects once the daemon no longer answers. */
  async #follow(path: string, identity: string, signal: AbortSignal): Promise<void> {
    // Loaded where there is a daemon to talk to: gRPC takes a third of the time that the daemon's modules take to load.
    const { follow } = await import('./session.ts');
    const ended = new AbortController();
    const scope = AbortSignal.any([signal, ended.signal]);
    let trouble: string | undefined;
    const detailOf = (service: ServiceName) =>
      `${service} at ${path}${trouble === undefined ? '' : `, asked every 5 s because there are no events: ${trouble}`}`;
    const listener = {
      onZones: (service: ServiceName, zones: Zones) => this.#answer(zones, detailOf(service)),
      onWatch: (service: ServiceName, now: string | undefined) => {
        trouble = now;
        this.#publish('answered', detailOf(service));
      },
    };
    const results = await Promise.allSettled([
      follow(path, listener, scope).finally(() => ended.abort()),
      this.#untilReplaced(identity, scope).finally(() => ended.abort()),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Resolves once another socket is there, and after `milliseconds` at the latest. */
  async #untilReplaced(identity: string, signal: AbortSignal, milliseconds = Number.POSITIVE_INFINITY): Promise<void> {
    const end = performance.now() + milliseconds;
    while (!signal.aborted && performance.now() < end) {
      await pause(Math.min(lookInterval, end - performance.now()), signal);
      const place = await locateSocket(this.#paths);
      if (place.kind === 'socket' && place.identity !== identity) return;
    }
  }

  async #away(place: Exclude<Place, { kind: 'socket' }>, signal: AbortSignal): Promise<void> {
    this.#attempt = 0;
    if (place.kind === 'absent' && !this.#answered) {
      this.#publish('absent', `no Edera on this host: neither ${this.#paths.join(' nor ')} nor its directory exists`);
      this.#attempted.resolve();
      await pause(absentInterval, signal);
      return;
    }
    this.#lost(place.kind === 'hidden' ? place.reason : `${place.path} does not exist; checked continuously`);
    await pause(lookInterval, signal);
  }

  #answer(zones: Zones, detail: string): void {
    this.#zones = zones;
    this.#answered = true;
    this.#attempt = 0;
    this.#publish('answered', detail);
    this.#attempted.resolve();
  }

  #lost(detail: string): void {
    this.#publish(
      this.#answered ? 'down' : 'waiting',
      this.#answered ? `${detail}; its last answer stays in force` : detail,
    );
    this.#attempted.resolve();
  }

  /** A change of detail alone is shown and not announced: nothing on the host depends on it. */
  #publish(state: DirectoryState, detail: string): void {
    const before = this.#snapshot;
    const resolved = resolveEntries(this.#zones.values(), this.#links());
    const same = before.state === state && sameResolved(before, resolved);
    if (same && before.detail === detail) return;
    const { entries, problems } = same ? before : resolved;
    const since = before.state === state ? before.since : Date.now();
    this.#snapshot = { state, entries, problems, detail, since };
    if (!same) this.#changed();
  }
}

/** Milliseconds between looks at the socket, where there is a daemon and where there is none. */
const lookInterval = 250;
const absentInterval = 1_000;
