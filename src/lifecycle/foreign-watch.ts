/** Looks at other people's firewalls again a moment after they have changed, and knows what is wrong with them for zones. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Host, HostEvent } from '../host/port.ts';
import type { Fault } from '../model/fault.ts';
import { observedKeys } from '../nft/observe.ts';
import { foreignFaults, noForeignFirewalls, observeForeignFirewalls } from './foreign-firewalls.ts';
import { foreignFirewalls } from './timing.ts';

export class ForeignWatch {
  readonly #host: Host;
  readonly #config: () => Config;
  readonly #news: () => void;
  #firewalls = noForeignFirewalls;
  #judged: { readonly config: Config; readonly problems: readonly Fault[] } | undefined;
  #pauseMs: number = foreignFirewalls.shortestMs;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #isLookWanted = false;

  /** `news` is called when a look finds other problems than the one before. */
  constructor(host: Host, config: () => Config, news: () => void) {
    this.#host = host;
    this.#config = config;
    this.#news = news;
  }

  heard(event: HostEvent): void {
    if (event.kind !== 'nft' || [...event.tables].every((table) => observedKeys.has(table))) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, this.#pauseMs).unref();
  }

  /**
   * Begins to look, or to look again once the look under way is over. No pass waits for it: beside a table of 10,000 rules it
   * takes seconds, and what others' firewalls do to zones can only be reported.
   */
  look(): void {
    this.#isLookWanted = true;
    this.#underWay ??= this.#lookWhileWanted();
  }

  /** Resolves when no look is under way. */
  async idle(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay;
  }

  problems(): readonly Fault[] {
    const config = this.#config();
    if (this.#judged?.config !== config) this.#judged = { config, problems: foreignFaults(this.#firewalls, config) };
    return this.#judged.problems;
  }

  /** Resolves once the look under way is over. */
  async stop(): Promise<void> {
    this.#isLookWanted = false;
    clearTimeout(this.#timer);
    await this.idle();
  }

  async #lookWhileWanted(): Promise<void> {
    while (this.#isLookWanted) {
      this.#isLookWanted = false;
      const begun = performance.now();
      const firewalls = await observeForeignFirewalls(this.#host, this.#firewalls);
      const before = this.problems();
      this.#firewalls = firewalls;
      this.#judged = undefined;
      if (!isDeepStrictEqual(this.problems(), before)) this.#news();
      const { pausePerCost, shortestMs, longestMs } = foreignFirewalls;
      this.#pauseMs = Math.min(longestMs, Math.max(shortestMs, pausePerCost * (performance.now() - begun)));
    }
    this.#underWay = undefined;
  }
}
