/**
 * Forgets the connections of addresses beside the passes: with hundreds of thousands of tracked connections that takes
 * seconds, in which other zones must not wait. The order is what makes the reuse of an address safe: nobody is given one
 * before all of it that was begun after its previous owner was cut off has succeeded.
 */
import type { Conntrack } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { passes } from './timing.ts';

/** What came of it while the pass waited. */
export interface PurgeResult {
  /** Not yet forgotten, and nobody's until they are. */
  readonly pending: ReadonlySet<Address>;
  readonly error: ProtectNetworkError | undefined;
}

export interface Forgetting {
  /** Of addresses that are about to be opened. */
  before(addresses: readonly Address[]): Promise<PurgeResult>;
  /** Of addresses that were just closed; some of them are `wanted` by others. */
  after(addresses: readonly Address[], wanted: ReadonlySet<Address>): Promise<PurgeResult>;
}

/** Waits for all of it, however long it takes. */
export function forgetAll(conntrack: Conntrack): Forgetting {
  const purge = async (addresses: readonly Address[]): Promise<PurgeResult> => ({
    pending: new Set(),
    error: await purgeOrSay(conntrack, addresses),
  });
  return { before: purge, after: purge };
}

export interface ConntrackPurgesOptions {
  readonly conntrack: Conntrack;
  /** An address that somebody waits for is ready, or has failed: a pass is due. */
  readonly news: () => void;
  /** Connections of an address that nobody waits for could not be forgotten, when the pass had gone on already. */
  readonly failed: (error: ProtectNetworkError) => void;
}

export class ConntrackPurges implements Forgetting {
  readonly #options: ConntrackPurgesOptions;
  /** The youngest job on each address, while it runs. */
  readonly #running = new Map<Address, Promise<unknown>>();
  /** Links wait for these. */
  readonly #awaited = new Set<Address>();
  readonly #forgotten = new Set<Address>();
  readonly #errors = new Map<Address, ProtectNetworkError>();
  /** Those of `#errors` that an earlier pass could have asked for. */
  #unasked = new Set<Address>();

  constructor(options: ConntrackPurgesOptions) {
    this.#options = options;
  }

  /**
   * At the start of each pass: addresses for which somebody waited and may go on, once: whoever fails to opens anew. An error
   * that the pass before did not ask for is forgotten: the zone that waited is gone, and a later one must not fail because of it.
   */
  take(): ReadonlySet<Address> {
    for (const address of this.#unasked) this.#errors.delete(address);
    this.#unasked = new Set(this.#errors.keys());
    const forgotten = new Set(this.#forgotten);
    this.#forgotten.clear();
    return forgotten;
  }

  async before(addresses: readonly Address[]): Promise<PurgeResult> {
    const error = addresses.map((address) => this.#errors.get(address)).find((each) => each !== undefined);
    for (const address of addresses) this.#errors.delete(address);
    if (error !== undefined) return { pending: new Set(), error };
    // What runs was begun when its previous owner had been cut off, or by an earlier pass of the same opening.
    const pending = addresses.filter((address) => this.#running.has(address));
    for (const address of pending) this.#awaited.add(address);
    const fresh = addresses.filter((address) => !this.#running.has(address));
    const begun = await this.#begin(fresh, new Set(fresh));
    return { pending: begun.pending.union(new Set(pending)), error: begun.error };
  }

  after(addresses: readonly Address[], wanted: ReadonlySet<Address>): Promise<PurgeResult> {
    return this.#begin(addresses, wanted);
  }

  async #begin(addresses: readonly Address[], wanted: ReadonlySet<Address>): Promise<PurgeResult> {
    if (addresses.length === 0) return { pending: new Set(), error: undefined };
    const earlier = addresses.flatMap((address) => this.#running.get(address) ?? []);
    const job = Promise.all(earlier).then(() => purgeOrSay(this.#options.conntrack, addresses));
    for (const address of addresses) {
      this.#running.set(address, job);
      this.#forgotten.delete(address);
    }
    let isLate = false;
    const ended = job.then((error) => {
      this.#ended(job, addresses, error, isLate);
      return { pending: new Set<Address>(), error };
    });
    const patience = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => patience.resolve(undefined), passes.purgeMs);
    const purged = await Promise.race([ended, patience.promise]);
    clearTimeout(timer);
    if (purged !== undefined) return purged;
    isLate = true;
    for (const address of addresses) if (wanted.has(address)) this.#awaited.add(address);
    return { pending: new Set(addresses), error: undefined };
  }

  #ended(
    job: Promise<unknown>,
    addresses: readonly Address[],
    error: ProtectNetworkError | undefined,
    isLate: boolean,
  ): void {
    const last = addresses.filter((address) => this.#running.get(address) === job);
    const awaited = last.filter((address) => this.#awaited.delete(address));
    for (const address of last) this.#running.delete(address);
    for (const address of awaited) {
      if (error === undefined) this.#forgotten.add(address);
      else this.#errors.set(address, error);
    }
    if (awaited.length > 0) this.#options.news();
    else if (error !== undefined && isLate) this.#options.failed(error);
  }
}

/** Anything but an error of the family is a mistake of ours, and thrown. */
async function purgeOrSay(
  conntrack: Conntrack,
  addresses: readonly Address[],
): Promise<ProtectNetworkError | undefined> {
  try {
    await conntrack.purge(addresses);
    return undefined;
  } catch (error) {
    if (error instanceof ProtectNetworkError) return error;
    throw error;
  }
}
