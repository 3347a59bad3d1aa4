/**
 * No zone takes the table of tracked connections from all others: whoever has begun a quarter of what this host can track begins no
 * more until some of it is over. The kernel is told for some seconds at a time, so that nobody stays shut out by a daemon that ended.
 */
import type { SetRef } from '../host/nft-command.ts';
import type { Fill, Host } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { ownTable, shareSets } from '../nft/names.ts';
import { tableShares } from './timing.ts';

export interface TableSharesOptions {
  readonly host: Pick<Host, 'nft' | 'conntrack'>;
  readonly zones: () => Iterable<{ readonly link: LinkName; readonly addresses: readonly Address[] }>;
  /** The table has another size, and the layout follows from it. */
  readonly resized: () => void;
  readonly failed: (error: ProtectNetworkError) => void;
}

const zonesInATable = 4;
const exceeded: SetRef = { family: ownTable.family, table: ownTable.name, set: shareSets.exceeded };

/** Undefined while nothing is tracked, and where there is no bound to have a share of. */
export function shareOf(fill: Fill | undefined): number | undefined {
  return fill === undefined || fill.max === 0 ? undefined : Math.max(1, Math.floor(fill.max / zonesInATable));
}

export class TableShares {
  readonly #options: TableSharesOptions;
  #share: number | undefined;
  /** Links that the kernel holds as having their share, with when they were told of last in performance.now() milliseconds. */
  readonly #held = new Map<LinkName, number>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: TableSharesOptions) {
    this.#options = options;
    this.#share = shareOf(options.host.conntrack.fill());
  }

  /** Connections that one zone may have begun; undefined while this host tracks none. */
  get share(): number | undefined {
    return this.#share;
  }

  start(): void {
    this.#wait(tableShares.lookMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Returns how long it took, in milliseconds. */
  async look(): Promise<number> {
    const begun = performance.now();
    const fill = this.#options.host.conntrack.fill();
    const share = shareOf(fill);
    if (share !== this.#share) {
      this.#share = share;
      this.#options.resized();
    }
    try {
      await this.#enforce(share, fill?.count ?? 0);
    } catch (error) {
      if (!(error instanceof ProtectNetworkError)) throw error;
      // The set comes with the next pass.
      if (!hasCode(error, 'vanished')) this.#options.failed(error);
    }
    return performance.now() - begun;
  }

  async #enforce(share: number | undefined, count: number): Promise<void> {
    const { nft } = this.#options.host;
    const having = share === undefined || count < share ? [] : await this.#having(share);
    const now = performance.now();
    const { heldSeconds } = tableShares;
    const isOld = (link: LinkName) => now - (this.#held.get(link) ?? Number.NEGATIVE_INFINITY) > heldSeconds * 500;
    const told = having.filter(([link]) => isOld(link));
    const leases = told.map(([key, begun]) => ({ key, seconds: heldSeconds, comment: `${begun} connections` }));
    if (leases.length > 0) await nft.lease(exceeded, leases);
    for (const [link] of told) this.#held.set(link, now);
    const free = [...this.#held.keys()].filter((link) => !having.some(([other]) => other === link));
    if (free.length > 0) await nft.release(exceeded, free);
    for (const link of free) this.#held.delete(link);
  }

  /** With how many they have begun. */
  async #having(share: number): Promise<(readonly [LinkName, number])[]> {
    const counts = await this.#options.host.conntrack.countBySource();
    return [...this.#options.zones()].flatMap(({ link, addresses }) => {
      const begun = addresses.reduce((sum, address) => sum + (counts.get(address) ?? 0), 0);
      return begun < share ? [] : [[link, begun] as const];
    });
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.look().then((tookMs) => {
        if (!this.#isStopped) this.#wait(Math.max(tableShares.lookMs, tookMs * tableShares.pausePerCost));
      });
    }, ms).unref();
  }
}
