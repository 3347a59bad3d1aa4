/** Reports that events were lost: the more often in a row, the later. Reading everything anew without a pause helps nobody. */

const firstDelayMs = 20;
const longestDelayMs = 10_000;

export class Losses {
  readonly #report: (reason: string) => void;
  #count = 0;
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (reason: string) => void) {
    this.#report = report;
  }

  add(reason: string): void {
    const now = performance.now();
    this.#count = now - this.#last > longestDelayMs ? 0 : this.#count + 1;
    this.#last = now;
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#report(reason);
      },
      Math.min(longestDelayMs, firstDelayMs * 2 ** this.#count),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
