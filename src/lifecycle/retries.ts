/** What failed for the host as a whole and when it is tried again; one timer for whatever is due first. */
import { earliest, isDue, nextRetry, type Retry, remainingMs } from './retry.ts';
import type { ZoneRecords } from './zone-record.ts';

export interface HostFailure {
  readonly error: Error;
  readonly retry: Retry;
}

export class Retries {
  readonly #records: ZoneRecords;
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  failure: HostFailure | undefined;
  #gateways: Retry | undefined;

  constructor(records: ZoneRecords, wake: () => void) {
    this.#records = records;
    this.#wake = wake;
  }

  /** Everything, or nothing, of the host's own could be put in place. */
  settle(error: Error | undefined): HostFailure | undefined {
    this.failure = error === undefined ? undefined : { error, retry: nextRetry(this.failure?.retry) };
    this.schedule();
    return this.failure;
  }

  /** Whether the host could not be made to answer for a gateway. */
  settleGateways(isMissing: boolean): void {
    this.#gateways = isMissing ? nextRetry(this.#gateways) : undefined;
  }

  /** True where everything has to be looked at again now. */
  isHostDue(): boolean {
    return this.#general().some(isDue);
  }

  schedule(): void {
    clearTimeout(this.#timer);
    const due = earliest([...this.#general(), ...this.#ofLinks()]);
    if (due !== undefined) this.#timer = setTimeout(this.#wake, Math.max(1, remainingMs(due)));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #ofLinks(): (Retry | undefined)[] {
    return [...this.#records.unsettled].map((ifindex) => this.#records.get(ifindex)?.retry);
  }

  #general(): (Retry | undefined)[] {
    return [this.failure?.retry, this.#gateways];
  }
}
