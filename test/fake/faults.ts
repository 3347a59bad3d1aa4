/** Faults that a test orders for the next calls of the port. */
import type { RtnetlinkChange } from '../../src/host/port.ts';
import type { ProtectNetworkError } from '../../src/model/errors.ts';

/** `rtnetlink.apply` fails the whole call; with a change's kind behind it, that one change. */
export type AsyncCall =
  | 'rtnetlink.links'
  | 'rtnetlink.routes'
  | 'rtnetlink.defaultRoutes'
  | 'rtnetlink.isOwn'
  | 'rtnetlink.shapers'
  | 'rtnetlink.foreignRoutes'
  | 'rtnetlink.proxies'
  | 'rtnetlink.apply'
  | `rtnetlink.apply ${RtnetlinkChange['kind']}`
  | 'nft.transact'
  | 'nft.refusalOf'
  | 'nft.counters'
  | 'nft.lease'
  | 'nft.release'
  | 'nft.leases'
  | 'nft.generation'
  | 'nft.tables'
  | 'nft.forwardChains'
  | 'nft.rules'
  | 'nft.table'
  | 'conntrack.purge'
  | 'conntrack.begunBy'
  | 'conntrack.countBySource'
  | 'conntrack.end'
  | 'legacyFilter'
  | 'watch';

export type Call = AsyncCall | 'sysctl.read' | 'sysctl.write';

export class Faults {
  readonly #failures = new Map<Call, ProtectNetworkError[]>();
  readonly #delays = new Map<Call, Promise<unknown>[]>();

  failNext(call: Call, error: ProtectNetworkError, times: number): void {
    this.#failures.set(call, [...(this.#failures.get(call) ?? []), ...Array<ProtectNetworkError>(times).fill(error)]);
  }

  delayNext(call: AsyncCall, gate: Promise<unknown>): void {
    this.#delays.set(call, [...(this.#delays.get(call) ?? []), gate]);
  }

  /** Waits for the gate ordered for this call, then throws the failure ordered for it, each where there is one. */
  async pass(call: AsyncCall): Promise<void> {
    await this.#delays.get(call)?.shift();
    this.passNow(call);
  }

  passNow(call: Call): void {
    const error = this.#failures.get(call)?.shift();
    if (error !== undefined) throw error;
  }

  /** Failures that no call has met: a test that ordered one in vain checks nothing. */
  unmet(): Call[] {
    return [...this.#failures].filter(([, errors]) => errors.length > 0).map(([call]) => call);
  }
}
