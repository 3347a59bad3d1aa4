/** Connections the fake tracks. */
import type { Conntrack } from '../../src/host/port.ts';
import type { Address } from '../../src/model/address.ts';
import type { Faults } from './faults.ts';

/** Both directions of a connection; they differ by more than order where it is translated. */
export interface Flow {
  readonly src: string;
  readonly dst: string;
  readonly replySrc: string;
  readonly replyDst: string;
}

export class FakeConntrack implements Conntrack {
  #flows: Flow[] = [];
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  async purge(addresses: readonly Address[]): Promise<number> {
    await this.#faults.pass('conntrack.purge');
    const named = new Set<string>(addresses);
    const kept = this.#flows.filter((flow) => !Object.values(flow).some((end) => named.has(end)));
    const purged = this.#flows.length - kept.length;
    this.#flows = kept;
    return purged;
  }

  add(flow: Flow): void {
    this.#flows.push({ ...flow });
  }

  flows(): readonly Flow[] {
    return [...this.#flows];
  }

  render(): string[] {
    return this.#flows
      .map(({ src, dst, replySrc, replyDst }) => `flow ${src} > ${dst} reply ${replySrc} > ${replyDst}`)
      .sort();
  }
}
