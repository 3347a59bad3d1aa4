/**
 * Has links look at their siblings again, once the coming and going has come to rest: in a burst of births each pass would
 * otherwise go over all of them, and every newcomer wait for that.
 */
import { siblings } from './timing.ts';

export class SiblingNews {
  readonly #tell: (links: readonly number[]) => void;
  readonly #links = new Set<number>();
  /** When the first of `#links` came, in performance.now() milliseconds. */
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (links: readonly number[]) => void) {
    this.#tell = tell;
  }

  add(links: readonly number[]): void {
    if (links.length === 0) return;
    if (this.#links.size === 0) this.#since = performance.now();
    for (const ifindex of links) this.#links.add(ifindex);
    clearTimeout(this.#timer);
    const left = siblings.longestMs - (performance.now() - this.#since);
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, Math.min(siblings.restMs, left)));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    const links = [...this.#links];
    this.#links.clear();
    this.#tell(links);
  }
}
