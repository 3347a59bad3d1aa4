/** What resolvers said, for all zones: asked once, told again while it holds, and kept for when no resolver answers. */
import type { Address } from '../model/address.ts';
import type { AddressType, Resolved } from './chain.ts';
import { type Clock, limits } from './limits.ts';

export interface Entry {
  readonly resolved: Resolved;
  /** Of its addresses, those that any rule may lead to. */
  readonly open: readonly Address[];
  /** Milliseconds. */
  readonly freshUntil: number;
}

type Ask = (name: string, type: AddressType) => Promise<Resolved>;

export class Cache {
  readonly #ask: Ask;
  readonly #isKept: (address: Address) => boolean;
  readonly #now: Clock;
  /** By type and name; the one that was used longest ago comes first. */
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<Entry>>();
  #addresses = 0;

  /** `isKept`: the address is taken out of answers. */
  constructor(ask: Ask, isKept: (address: Address) => boolean, now: Clock) {
    [this.#ask, this.#isKept, this.#now] = [ask, isKept, now];
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Seconds that the entry still holds. */
  secondsLeft({ freshUntil }: Entry): number {
    return Math.max(0, (freshUntil - this.#now()) / 1000);
  }

  /** What was said last, however long ago. */
  last(name: string, type: AddressType): Entry | undefined {
    const key = keyOf(name, type);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Asks, once for all who do so meanwhile. Rejects with what the asking throws. */
  renew(name: string, type: AddressType): Promise<Entry> {
    const key = keyOf(name, type);
    const under = this.#asking.get(key);
    if (under !== undefined) return under;
    const asking = this.#ask(name, type)
      .then((resolved) => {
        const entry = this.#entryOf(resolved);
        // What was asked before `clear` holds no longer.
        if (this.#asking.get(key) === asking) this.#put(key, entry);
        return entry;
      })
      .finally(() => {
        if (this.#asking.get(key) === asking) this.#asking.delete(key);
      });
    this.#asking.set(key, asking);
    return asking;
  }

  /** Other resolvers, or other private addresses. */
  clear(): void {
    this.#entries.clear();
    this.#asking.clear();
    this.#addresses = 0;
  }

  #entryOf(resolved: Resolved): Entry {
    const seconds = resolved.addresses.length === 0 ? limits.negativeSeconds : resolved.ttl;
    const kept = resolved.addresses.some(this.#isKept);
    return {
      resolved,
      open: kept ? resolved.addresses.filter((address) => !this.#isKept(address)) : resolved.addresses,
      freshUntil: this.#now() + seconds * 1000,
    };
  }

  #put(key: string, entry: Entry): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#addresses += entry.resolved.addresses.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= limits.cachedAnswers && this.#addresses <= limits.cachedAddresses) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#addresses -= this.#entries.get(key)?.resolved.addresses.length ?? 0;
    this.#entries.delete(key);
  }
}

function keyOf(name: string, type: AddressType): string {
  return `${type} ${name}`;
}
