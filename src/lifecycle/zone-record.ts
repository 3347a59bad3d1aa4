/** What is known about each zone link on the host: its state, since when, and when a failed one is tried again. */
import type { ZoneState } from '../control/status.ts';
import type { Refusal } from './claims.ts';
import type { DesiredZone } from './desired.ts';
import { nextRetry, type Retry } from './retry.ts';

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
  /** Of an unserved link. */
  readonly refusal: Refusal | undefined;
}

export class ZoneRecords {
  readonly #records = new Map<number, ZoneRecord>();
  readonly #served = new Map<number, DesiredZone>();
  readonly #open = new Set<number>();
  readonly #inForce = new Map<number, DesiredZone>();
  readonly #unsettled = new Set<number>();

  /** What each link was last given. Changes with the records, as do `open` and `unsettled`. */
  get served(): ReadonlyMap<number, DesiredZone> {
    return this.#served;
  }

  /** Links that have all that they should, whoever has taken them. */
  get open(): ReadonlySet<number> {
    return this.#open;
  }

  /** What each link had completely, and still should have, though it may have been taken away since. */
  get inForce(): ReadonlyMap<number, DesiredZone> {
    return this.#inForce;
  }

  /** Links that are not as they should be yet: opening, or failed. */
  get unsettled(): ReadonlySet<number> {
    return this.#unsettled;
  }

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
      refusal: undefined,
    };
    this.#put({ ...base, link });
  }

  /** Returns the record as it is now, and whether its state changed. */
  turn(
    ifindex: number,
    state: ZoneState,
    reason?: string,
    served?: DesiredZone,
    refusal?: Refusal,
  ): { record: ZoneRecord; changed: boolean } | undefined {
    const known = this.#records.get(ifindex);
    if (known === undefined) return undefined;
    const changed = known.state !== state || known.reason !== reason;
    const retry = state === 'failed' ? nextRetry(known.retry) : undefined;
    const record = { ...known, state, reason, retry, served, refusal, since: changed ? Date.now() : known.since };
    this.#put(record);
    return { record, changed };
  }

  /** Another name or another directory for what is served already. */
  relabel(zone: DesiredZone): void {
    const known = this.#records.get(zone.ifindex);
    if (!isSame(known?.served, zone) || known === undefined) return;
    this.#put({ ...known, served: zone });
  }

  forget(ifindex: number): void {
    this.#records.delete(ifindex);
    this.#served.delete(ifindex);
    this.#open.delete(ifindex);
    this.#inForce.delete(ifindex);
    this.#unsettled.delete(ifindex);
  }

  #put(record: ZoneRecord): void {
    const { ifindex, state, served } = record;
    this.#records.set(ifindex, record);
    if (served === undefined) this.#served.delete(ifindex);
    else this.#served.set(ifindex, served);
    enter(this.#open, ifindex, state === 'ready' || state === 'taken');
    if (served !== undefined && this.#open.has(ifindex)) this.#inForce.set(ifindex, served);
    else if (!isSame(served, this.#inForce.get(ifindex))) this.#inForce.delete(ifindex);
    enter(this.#unsettled, ifindex, state === 'opening' || state === 'failed');
  }
}

function enter(set: Set<number>, ifindex: number, isIn: boolean): void {
  if (isIn) set.add(ifindex);
  else set.delete(ifindex);
}

function isSame(one: DesiredZone | undefined, other: DesiredZone | undefined): boolean {
  const isAlike = one?.link === other?.link && one?.access?.text === other?.access?.text;
  return isAlike && one?.addresses.join() === other?.addresses.join();
}
