/** What zones can cause as often as they like is told at once and then at most once in a while, with how often it was. */
import { type Clock, limits } from './limits.ts';

interface Count {
  times: number;
  toldAt: number;
}

export class Seldom<Key extends string = string> {
  readonly #now: Clock;
  readonly #counts = new Map<Key, Count>();

  constructor(now: Clock) {
    this.#now = now;
  }

  /** How often since it was told last, where it is to be told now; undefined where it is not, or too much else is remembered. */
  count(key: Key): number | undefined {
    const count = this.#counts.get(key);
    const now = this.#now();
    if (count === undefined) {
      if (this.#counts.size >= limits.reportsRemembered) return undefined;
      this.#counts.set(key, { times: 0, toldAt: now });
      return 1;
    }
    count.times += 1;
    if (now - count.toldAt < limits.reportEveryMs) return undefined;
    const { times } = count;
    [count.times, count.toldAt] = [0, now];
    return times;
  }

  /** To be called now and then: what was counted and its time has come, and forgets what has not happened again. */
  due(): [key: Key, times: number][] {
    const now = this.#now();
    const due: [Key, number][] = [];
    for (const [key, count] of this.#counts) {
      if (now - count.toldAt < limits.reportEveryMs) continue;
      if (count.times === 0) this.#counts.delete(key);
      else {
        due.push([key, count.times]);
        [count.times, count.toldAt] = [0, now];
      }
    }
    return due;
  }
}
