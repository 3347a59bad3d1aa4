/** Values that come when they come, for whoever reads them one by one. Pure. */

/** More than a reader that keeps up ever leaves; further ones are not kept. */
const maxWaiting = 10_000;

export class Feed<T> implements AsyncIterable<T> {
  #waiting: T[] = [];
  #hasEnded = false;
  #woken = Promise.withResolvers<void>();

  /** False where it is not kept. */
  push(value: T): boolean {
    if (this.#hasEnded || this.#waiting.length >= maxWaiting) return false;
    this.#waiting.push(value);
    this.#woken.resolve();
    return true;
  }

  /** What waits is still read. */
  end(): void {
    this.#hasEnded = true;
    this.#woken.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const values = this.#waiting;
      this.#waiting = [];
      yield* values;
      if (this.#waiting.length > 0) continue;
      if (this.#hasEnded) return;
      this.#woken = Promise.withResolvers<void>();
      await this.#woken.promise;
    }
  }
}
