/**
 * Notices that another program reverts our repairs as fast as we make them, and says how long to wait before the next one. Two
 * managers that repair against each other would otherwise keep the host busy, and help nobody.
 */

import { logMessages } from '../words/log-messages.ts';
import { say } from '../words/say.ts';
import { quarrels } from './timing.ts';

/** What the status tells of it. */
export interface QuarrelStatus {
  readonly reason: string;
  /** Repairs since it began. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly nextTryAt: number;
}

const { quarrel, quarrelOfSeveral } = logMessages;
const { tolerated, windowMs, shortestWaitMs, longestWaitMs, peaceMs } = quarrels;

export class Quarrel {
  /** performance.now() milliseconds of the repairs within the window. */
  #recent: number[] = [];
  #rounds = 0;
  #waitMs = 0;
  #last = Number.NEGATIVE_INFINITY;
  #parties: ReadonlySet<string> = new Set();

  /** A repair was made at `now` (performance.now()); returns the milliseconds to wait before the next, mostly 0. */
  repaired(now: number, culprits: readonly string[]): number {
    if (now - this.#last >= peaceMs) this.#end();
    this.#last = now;
    this.#recent = [...this.#recent.filter((time) => now - time < windowMs), now];
    if (this.#waitMs === 0 && this.#recent.length < tolerated) {
      this.#parties = new Set(culprits);
      return 0;
    }
    this.#rounds = this.#rounds === 0 ? this.#recent.length : this.#rounds + 1;
    this.#waitMs = this.#waitMs === 0 ? shortestWaitMs : Math.min(longestWaitMs, this.#waitMs * 2);
    // Whoever is called often enough gets another process id each time: the latest few will do.
    this.#parties = new Set([...this.#parties, ...culprits].slice(-3));
    return this.#waitMs;
  }

  status(now: number): QuarrelStatus | undefined {
    if (this.#waitMs === 0 || now - this.#last >= peaceMs) return undefined;
    const parties =
      this.#parties.size === 0 ? 'another program (the kernel does not say which)' : [...this.#parties].join(', ');
    return {
      reason: say(this.#parties.size > 1 ? quarrelOfSeveral.words : quarrel.words, {
        who: parties,
        n: this.#rounds,
        n2: this.#waitMs / 1000,
        n3: peaceMs / 1000,
      }),
      attempts: this.#rounds,
      nextTryAt: Date.now() + Math.max(0, this.#last + this.#waitMs - now),
    };
  }

  #end(): void {
    this.#recent = [];
    this.#rounds = 0;
    this.#waitMs = 0;
    this.#parties = new Set();
  }
}
