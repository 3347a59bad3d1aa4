/** Looks at other people's firewalls again a moment after they have changed, and knows what is wrong with them for zones. */
import type { Config } from '../config/config.ts';
import type { Host, HostEvent } from '../host/port.ts';
import { observedKeys } from '../nft/observe.ts';
import { foreignProblems, noForeignFirewalls, observeForeignFirewalls } from './foreign-firewalls.ts';

/** Changes come in bursts, and some rewrite their tables all the time: the longer a look takes, the rarer it gets. */
const leastPauseMs = 500;
const pauseFactor = 20;
/** People who have followed an advice wait no longer than this for a word about it. */
const mostPauseMs = 5000;

export class ForeignWatch {
  readonly #host: Host;
  readonly #lookSoon: () => void;
  #firewalls = noForeignFirewalls;
  #judged: { readonly config: Config; readonly problems: readonly string[] } | undefined;
  #pauseMs = leastPauseMs;
  #timer: NodeJS.Timeout | undefined;

  /** `lookSoon` is called once the pause is over; whoever is called calls `look`. */
  constructor(host: Host, lookSoon: () => void) {
    this.#host = host;
    this.#lookSoon = lookSoon;
  }

  heard(event: HostEvent): void {
    if (event.kind !== 'nft' || [...event.tables].every((table) => observedKeys.has(table))) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#lookSoon();
    }, this.#pauseMs).unref();
  }

  /** Never throws. */
  async look(): Promise<void> {
    const begun = performance.now();
    this.#firewalls = await observeForeignFirewalls(this.#host);
    this.#judged = undefined;
    this.#pauseMs = Math.min(mostPauseMs, Math.max(leastPauseMs, pauseFactor * (performance.now() - begun)));
  }

  problems(config: Config): readonly string[] {
    if (this.#judged?.config !== config) this.#judged = { config, problems: foreignProblems(this.#firewalls, config) };
    return this.#judged.problems;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
