/** Connections the fake tracks. */
import type { BegunConnection, Conntrack, Fill } from '../../src/host/port.ts';
import type { Address } from '../../src/model/address.ts';
import type { Faults } from './faults.ts';

/** Both directions of a connection; they differ by more than order where it is translated. */
export interface Flow {
  readonly src: string;
  readonly dst: string;
  readonly replySrc: string;
  readonly replyDst: string;
  readonly transport?: BegunConnection['transport'];
  /** Of who answers, and who was asked. */
  readonly port?: number;
}

export class FakeConntrack implements Conntrack {
  #flows: Flow[] = [];
  readonly #begun = new WeakMap<BegunConnection, Flow>();
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  async purge(addresses: readonly Address[]): Promise<number> {
    await this.#faults.pass('conntrack.purge');
    const named = new Set<string>(addresses);
    const kept = this.#flows.filter(
      ({ src, dst, replySrc, replyDst }) => ![src, dst, replySrc, replyDst].some((end) => named.has(end)),
    );
    const purged = this.#flows.length - kept.length;
    this.#flows = kept;
    return purged;
  }

  /** Undefined until a test says how many can be tracked. */
  max: number | undefined;

  fill(): Fill | undefined {
    return this.max === undefined ? undefined : { count: this.#flows.length, max: this.max };
  }

  async countBySource(): Promise<Map<Address, number>> {
    await this.#faults.pass('conntrack.countBySource');
    const counts = new Map<Address, number>();
    for (const { src } of this.#flows) counts.set(src as Address, (counts.get(src as Address) ?? 0) + 1);
    return counts;
  }

  async begunBy(addresses: readonly Address[]): Promise<BegunConnection[]> {
    await this.#faults.pass('conntrack.begunBy');
    const named = new Set<string>(addresses);
    return this.#flows
      .filter(({ src }) => named.has(src))
      .map((flow) => {
        const { src, replySrc, transport = 'other', port = 0 } = flow;
        const begun = { source: src as Address, destination: replySrc as Address, transport, port, askedPort: port };
        this.#begun.set(begun, flow);
        return begun;
      });
  }

  async end(connections: readonly BegunConnection[]): Promise<void> {
    await this.#faults.pass('conntrack.end');
    const ended = new Set(connections.map((each) => this.#begun.get(each)));
    this.#flows = this.#flows.filter((flow) => !ended.has(flow));
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
