/** Who has which address, kept true while somebody watches: read again after changes to nftables, and only then. */
import type { ConfigPaths } from '../config/config.ts';
import type { Traffic } from '../host/traffic.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { type DaemonConfig, loadDaemonConfig } from '../policy/daemon-config.ts';
import type { PolicedZone } from '../policy/model.ts';
import { readBook } from '../traffic/read-book.ts';
import type { ZoneBook } from '../traffic/zone-book.ts';
import { knownZones } from './known-zones.ts';

/** Between two readings, so that they take at most a twentieth of the time, whatever changes: not less than `leastMs`. */
const restTimes = 20;
const leastMs = 50;
/** Between two questions about names, and for changed files. */
const namesMs = 1000;

export class LiveBook {
  readonly #traffic: Traffic;
  readonly #paths: ConfigPaths;
  readonly #stop: () => void;
  #config: DaemonConfig;
  #told: readonly PolicedZone[];
  #book: ZoneBook;
  #isStale = false;
  #nextAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(traffic: Traffic, paths: ConfigPaths, config: DaemonConfig, told: readonly PolicedZone[]) {
    this.#traffic = traffic;
    this.#paths = paths;
    this.#config = config;
    this.#told = told;
    // Ahead of the first reading: nothing may change unseen in between.
    this.#stop = traffic.followRules(() => this.#changed());
    this.#book = this.#read();
  }

  get current(): ZoneBook {
    if (this.#isStale && performance.now() >= this.#nextAt) this.#book = this.#read();
    return this.#book;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stop();
  }

  #changed(): void {
    this.#isStale = true;
    this.#timer ??= setTimeout(() => void this.#askAgain(), namesMs);
  }

  #read(): ZoneBook {
    const begun = performance.now();
    this.#isStale = false;
    const book = readBook(this.#traffic, this.#config, this.#told);
    const now = performance.now();
    this.#nextAt = now + Math.max(leastMs, restTimes * (now - begun));
    return book;
  }

  /** The daemon only for zones that it has not told of. What cannot be read now stays as it was. */
  async #askAgain(): Promise<void> {
    try {
      this.#config = await loadDaemonConfig(this.#paths, this.#config);
      const known = new Set(this.#told.map(({ link }) => link));
      if (this.current.zones.some(({ link }) => !known.has(link))) {
        const { zones, doubt } = await knownZones(this.#config);
        if (doubt === undefined) this.#told = zones;
      }
    } catch (error) {
      if (!(error instanceof ProtectNetworkError)) throw error;
    } finally {
      this.#timer = undefined;
      this.#isStale = true;
    }
  }
}
