/** What is known about each zone link on the host: its state, since when, and when a failed one is tried again. */
import type { ZoneState } from '../control/status.ts';
import { nextRetry, type Retry } from './backoff.ts';
import type { DesiredZone } from './desired.ts';

export interface ZoneRecord {
  readonly ifindex: number;
  readonly link: string;
  readonly state: ZoneState;
  /** Unix milliseconds of the last change of state. */
  readonly since: number;
  readonly reason: string | undefined;
  readonly retry: Retry | undefined;
  /** What the kernel may have been given for this link, completely or not; undefined where nothing was. */
  readonly served: DesiredZone | undefined;
}

export class ZoneRecords {
  readonly #records = new Map<number, ZoneRecord>();

  get(ifindex: number): ZoneRecord | undefined {
    return this.#records.get(ifindex);
  }

  values(): ZoneRecord[] {
    return [...this.#records.values()];
  }

  /** A link that is there; a new one starts as `opening`. */
  see(ifindex: number, link: string): void {
    const known = this.#records.get(ifindex);
    if (known?.link === link) return;
    const base = known ?? {
      ifindex,
      state: 'opening' as const,
      since: Date.now(),
      reason: undefined,
      retry: undefined,
      served: undefined,
    };
    this.#records.set(ifindex, { ...base, link });
  }

  /** Returns the record as it is now, and whether its state changed. */
  turn(
    ifindex: number,
    state: ZoneState,
    reason?: string,
    served?: DesiredZone,
  ): { record: ZoneRecord; changed: boolean } | undefined {
    const known = this.#records.get(ifindex);
    if (known === undefined) return undefined;
    const changed = known.state !== state || known.reason !== reason;
    const retry = state === 'failed' ? nextRetry(known.retry) : undefined;
    const record = { ...known, state, reason, retry, served, since: changed ? Date.now() : known.since };
    this.#records.set(ifindex, record);
    return { record, changed };
  }

  /** Another name or another directory for what is served already. */
  relabel(zone: DesiredZone): void {
    const known = this.#records.get(zone.ifindex);
    if (known?.served?.addresses.join() !== zone.addresses.join()) return;
    this.#records.set(zone.ifindex, { ...known, served: zone });
  }

  /** Links that are served completely. */
  open(): Set<number> {
    return new Set(this.values().flatMap(({ ifindex, state }) => (state === 'ready' ? [ifindex] : [])));
  }

  forget(ifindex: number): void {
    this.#records.delete(ifindex);
  }

  /** What each link was last given. */
  served(): Map<number, DesiredZone> {
    const served = new Map<number, DesiredZone>();
    for (const { ifindex, served: zone } of this.#records.values()) {
      if (zone !== undefined) served.set(ifindex, zone);
    }
    return served;
  }
}
