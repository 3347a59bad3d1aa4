/** What failed for the host as a whole and when it is tried again; one timer for whatever is due first. */
import type { Dirty } from './dirty.ts';
import { earliest, isDue, nextRetry, type Retry, remainingMs } from './retry.ts';
import type { ZoneRecords } from './zone-record.ts';

export interface HostFailure {
  readonly error: Error;
  readonly retry: Retry;
}

export class Retries {
  readonly #records: ZoneRecords;
  readonly #wake: (due: 'all' | readonly number[]) => void;
  #timer: NodeJS.Timeout | undefined;
  failure: HostFailure | undefined;
  #hostRoutes: Retry | undefined;
  /** Somebody asked for what no pass has put in force yet. */
  isAsked = false;

  /** `wake` is told which links are due, or that everything is. */
  constructor(records: ZoneRecords, wake: (due: 'all' | readonly number[]) => void) {
    this.#records = records;
    this.#wake = wake;
  }

  /** What failed is done again with `dirty`. */
  renew(dirty: Dirty): void {
    if (this.failure !== undefined) dirty.all = true;
    this.isAsked ||= dirty.isAsked;
    dirty.isAsked = this.isAsked;
  }

  /** `error`: why the host as a whole could not be set up; undefined where it was. */
  settle(error: Error | undefined): HostFailure | undefined {
    this.failure = error === undefined ? undefined : { error, retry: nextRetry(this.failure?.retry) };
    this.schedule();
    return this.failure;
  }

  /** Whether a route that is no link's could not be made. */
  settleHostRoutes(isMissing: boolean): void {
    this.#hostRoutes = isMissing ? nextRetry(this.#hostRoutes) : undefined;
  }

  schedule(): void {
    clearTimeout(this.#timer);
    const due = earliest([...this.#general(), ...this.#ofLinks()]);
    if (due !== undefined) this.#timer = setTimeout(() => this.#wake(this.#due()), Math.max(1, remainingMs(due)));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #due(): 'all' | readonly number[] {
    if (this.#general().some(isDue)) return 'all';
    return [...this.#records.unsettled].filter((ifindex) => isDue(this.#records.get(ifindex)?.retry));
  }

  #ofLinks(): (Retry | undefined)[] {
    return [...this.#records.unsettled].map((ifindex) => this.#records.get(ifindex)?.retry);
  }

  #general(): (Retry | undefined)[] {
    return [this.failure?.retry, this.#hostRoutes];
  }
}
