/**
 * Runs passes one after the other while something is dirty. A lone event is served at once; what arrives within a few
 * milliseconds of a pass is gathered into the next, so that a burst of links costs a handful of transactions. What marks
 * something dirty, and when: `timing.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Urgency } from './describe-event.ts';
import { Dirty } from './dirty.ts';
import { passes } from './timing.ts';

export class Loop {
  readonly #pass: (dirty: Dirty) => Promise<void>;
  #dirty = new Dirty();
  #running: Promise<void> | undefined;
  #lastPassEnd = Number.NEGATIVE_INFINITY;
  /** What may wait does so until then, in performance.now() milliseconds. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  #isUrgent = false;
  #timer: NodeJS.Timeout | undefined;
  /** Until `begin`, marks are only gathered. */
  #isBegun = false;
  #stopped = false;
  /** Who wants to know that the loop comes by. */
  #waiting: (() => void)[] = [];

  /** `pass` must not throw. */
  constructor(pass: (dirty: Dirty) => Promise<void>) {
    this.#pass = pass;
  }

  /** The only thing an event may do. What is held back goes along with what is not. */
  mark(how: (dirty: Dirty) => void, cause: string, urgency: Urgency = 'now'): void {
    how(this.#dirty.because(cause));
    if (urgency === 'now') this.#isUrgent = true;
    // Not again and again: links that go down without end must not hold back everything for ever.
    if (urgency === 'in a moment' && performance.now() >= this.#heldUntil) this.hold(passes.momentMs);
    this.#wake();
  }

  hold(milliseconds: number): void {
    this.#heldUntil = performance.now() + milliseconds;
  }

  /** Resolves when the loop comes by, between passes: proof that it neither hangs in one nor sleeps through marks. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#wake();
    });
  }

  begin(): void {
    this.#isBegun = true;
    this.#wake();
  }

  #wake(): void {
    if (!this.#isBegun || this.#stopped || this.#running !== undefined || !this.#hasWork) return;
    const waitMs = this.#heldUntil - performance.now();
    if (this.#isUrgent || waitMs <= 0 || this.#waiting.length > 0) this.#running = this.#run();
    else this.#timer ??= setTimeout(() => this.#wakeLater(), waitMs);
  }

  #wakeLater(): void {
    this.#timer = undefined;
    this.#wake();
  }

  get #hasWork(): boolean {
    return !this.#dirty.isEmpty || this.#waiting.length > 0;
  }

  #mayPass(): boolean {
    return !this.#dirty.isEmpty && !this.#stopped && (this.#isUrgent || performance.now() >= this.#heldUntil);
  }

  /** Resolves when nothing is dirty and no pass is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Ends after the pass under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.idle();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 || this.#mayPass()) {
      for (const resolve of this.#waiting.splice(0)) resolve();
      if (!this.#mayPass()) {
        // An end in the very step of its call would be overwritten by the call's own assignment to `#running`.
        await Promise.resolve();
        continue;
      }
      if (performance.now() - this.#lastPassEnd < passes.gatherMs) await delay(passes.gatherMs);
      const dirty = this.#dirty;
      this.#dirty = new Dirty();
      this.#isUrgent = false;
      await this.#pass(dirty);
      this.#lastPassEnd = performance.now();
    }
    // In the same step as the look at `dirty`: a mark that comes now starts a new run.
    this.#running = undefined;
    this.#wake();
  }
}
