/** What we believe nftables to hold in the tables that we have something in. */
import type { HostEvent, Nft } from '../host/port.ts';
import { filterTable, ingressTable, ownTable } from '../nft/names.ts';
import { observeRuleset } from '../nft/observe.ts';
import { type Ruleset, tableKey } from '../nft/ruleset.ts';
import { takeAway } from '../nft/take-away.ts';

/** Of which an event can say all. Whoever touches the second layer's table is answered before anything is read, and a chain at an ingress goes with its link. */
const plainTables: ReadonlySet<string> = new Set([
  tableKey(ownTable.family, ownTable.name),
  tableKey('ip', filterTable),
  tableKey('ip6', filterTable),
]);

export class KnownRuleset {
  #current: Ruleset = new Map();
  /** When all of it was read last: while the kernel's is the same, so is what we hold. */
  #generation: number | undefined;
  /** That are under way. */
  #readings = 0;

  get current(): Ruleset {
    return this.#current;
  }

  async readAll(nft: Nft): Promise<void> {
    const generation = await nft.generation();
    if (generation === this.#generation) return;
    await this.#reading(() => observeRuleset(nft));
    this.#generation = generation;
  }

  /** `tables`: those to read, as `family name`. */
  read(nft: Nft, tables: ReadonlySet<string>): Promise<void> {
    return this.#reading(() => observeRuleset(nft, tables, this.#current));
  }

  /** It may be another than we think, though nobody has changed it: the next reading is of all. */
  distrust(): void {
    this.#generation = undefined;
  }

  /** Kernels before 6.16 take a chain at a link's ingress along with the link, without an event, and later ones leave it. */
  loseIngress(link: string): void {
    const chain = this.#current.get(tableKey(ingressTable.family, ingressTable.name))?.chains.get(link);
    if (chain === undefined) return;
    chain.clear();
    this.distrust();
  }

  /**
   * Takes over what an event tells, if that is all there is to know; returns whom it is about, see `takeAway` of `src/nft`. Otherwise, and
   * while rules are being read, when nobody knows which of both is newer, undefined: they must be read.
   */
  takeAway({ removals }: Extract<HostEvent, { kind: 'nft' }>): ReturnType<typeof takeAway> {
    if (removals === undefined || this.#readings > 0) return undefined;
    return removals.every(({ table }) => plainTables.has(table)) ? takeAway(this.#current, removals) : undefined;
  }

  async #reading(read: () => Promise<Ruleset>): Promise<void> {
    this.#readings += 1;
    try {
      this.#current = await read();
    } finally {
      this.#readings -= 1;
    }
  }
}
