/** What the daemon has said that the kernel holds for one zone, and until when at least. */
import type { Address } from '../model/address.ts';
import { type Clock, limits } from './limits.ts';

export class Leases {
  readonly #now: Clock;
  /** By name: addresses and the milliseconds until which they are open. The name that was leased longest ago comes first. */
  readonly #byName = new Map<string, Map<Address, number>>();
  /** The last name that led to an address. */
  readonly #names = new Map<Address, string>();
  #size = 0;

  constructor(now: Clock) {
    this.#now = now;
  }

  /** Seconds for which all of `addresses` are open at least: 0 where one is not, without end where there are none. */
  secondsLeft(name: string, addresses: readonly Address[]): number {
    if (addresses.length === 0) return Number.POSITIVE_INFINITY;
    const leased = this.#byName.get(name);
    if (leased === undefined) return 0;
    let until = Number.POSITIVE_INFINITY;
    for (const address of addresses) until = Math.min(until, leased.get(address) ?? 0);
    return Math.max(0, (until - this.#now()) / 1000);
  }

  add(name: string, addresses: readonly Address[], seconds: number): void {
    const until = this.#now() + seconds * 1000;
    const leased = this.#byName.get(name) ?? new Map<Address, number>();
    this.#byName.delete(name);
    this.#byName.set(name, leased);
    const before = leased.size;
    for (const address of addresses) {
      leased.set(address, Math.max(until, leased.get(address) ?? 0));
      this.#names.set(address, name);
    }
    this.#size += leased.size - before;
    for (const [oldest, { size }] of this.#byName) {
      if (this.#size <= limits.leasesPerZone || oldest === name) break;
      this.#drop(oldest);
      this.#size -= size;
    }
  }

  /** The name that led to `address`, while it is open. */
  nameOf(address: Address): string | undefined {
    const name = this.#names.get(address);
    return name !== undefined && this.secondsLeft(name, [address]) > 0 ? name : undefined;
  }

  clear(): void {
    this.#byName.clear();
    this.#names.clear();
    this.#size = 0;
  }

  #drop(name: string): void {
    for (const address of this.#byName.get(name)?.keys() ?? []) {
      if (this.#names.get(address) === name) this.#names.delete(address);
    }
    this.#byName.delete(name);
  }
}
