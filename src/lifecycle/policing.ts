/**
 * What policies need besides what a pass puts in place: leases of names' addresses, the end of connections that no rule
 * allows any more, and what was denied.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BegunConnection, Host, HostEvent } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import type { ZoneEgress } from '../policy/model.ts';
import { denialOf, ruleFor } from '../policy/verdict.ts';
import type { Log } from '../words/log-messages.ts';
import type { Accesses } from './accesses.ts';
import { Denials } from './denials.ts';
import { type Desired, type DesiredZone, resolverPort } from './desired.ts';
import type { Lease } from './lease.ts';
import { Leases } from './leases.ts';
import { leases as clock } from './timing.ts';

/** The kernel is asked about the destination of each, in 10 to 30 µs. */
const connectionsPerTurn = 256;

export interface PolicingOptions {
  readonly host: Pick<Host, 'nft' | 'conntrack' | 'rtnetlink'>;
  readonly desired: () => Desired | undefined;
  readonly accesses: Accesses;
  readonly log: Log;
  /** Leases could not be compared, or connections not be ended: tried again after the next pass. */
  readonly failed: (error: ProtectNetworkError) => void;
}

interface Settled {
  readonly isRead: boolean;
  readonly isRemade: boolean;
  readonly mayEnd: boolean;
}

export class Policing {
  readonly leases: Leases;
  readonly denials: Denials;
  readonly #options: PolicingOptions;
  /** What each policed link was allowed when its leases and connections were judged last. */
  readonly #judged = new Map<LinkName, string>();
  /** Whether all that the kernel holds is known to be right. */
  #isCompared = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PolicingOptions) {
    this.#options = options;
    const { host, desired } = options;
    this.denials = new Denials(options.log);
    this.leases = new Leases({
      nft: host.nft,
      isOwn: this.isOwn,
      egressOf: (link) => this.#egressOf(link),
      subnets: () => Object.values(desired()?.subnets ?? {}).flatMap((subnet) => subnet?.prefix ?? []),
    });
  }

  get desired(): () => Desired | undefined {
    return this.#options.desired;
  }

  /** True for addresses of dom0. */
  readonly isOwn = (address: Address): Promise<boolean> => this.#options.host.rtnetlink.isOwn(address);

  get accesses(): Accesses {
    return this.#options.accesses;
  }

  /** A name that no rule of the zone allows. */
  heardName(link: LinkName, name: string, times: number): void {
    const egress = this.#egressOf(link);
    if (egress !== undefined) this.denials.heardName(link, this.#zone(link)?.name ?? link, egress.mode, name, times);
  }

  /** A packet that no rule allowed. */
  heard(packet: Extract<HostEvent, { kind: 'traced' }>): void {
    const zone = this.#zone(packet.link as LinkName);
    if (zone === undefined) return;
    const name = this.leases.nameOf(zone.link, packet.destination as Address);
    this.denials.heardPacket(zone.link, zone.name ?? zone.link, name, packet);
  }

  /**
   * After each pass. `isRead`: what the kernel holds was read or made anew; `isRemade`: for a while nothing kept zones to their
   * policies, and what they began then ends; `mayEnd`: it is known which zones there are.
   * Takes next to nothing where no policy has changed and no zone with one has come or gone.
   */
  async settled({ isRead, isRemade, mayEnd }: Settled): Promise<void> {
    const { accesses, failed } = this.#options;
    if (isRead) this.#isCompared = false;
    if (isRemade) this.#judged.clear();
    if (!accesses.isPoliced && this.#judged.size === 0) return;
    try {
      const changed = this.#changed();
      for (const link of changed) await this.#judge(link);
      if (!this.#isCompared && accesses.isPoliced) {
        await this.leases.compare(mayEnd);
        this.#isCompared = mayEnd;
      }
      await this.#cut(changed);
    } catch (error) {
      if (!(error instanceof ProtectNetworkError)) throw error;
      failed(error);
    }
    this.#timer ??= setInterval(() => void this.#renew(), clock.lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #zone(link: LinkName): DesiredZone | undefined {
    return this.#options.desired()?.byLink.get(link);
  }

  #egressOf(link: LinkName): ZoneEgress | undefined {
    const zone = this.#zone(link);
    return zone && this.#options.accesses.egressOf(zone);
  }

  /**
   * Links whose rules are others than when they were judged, and those that are gone. Not whose zone no directory has confirmed since
   * the start: its name is not known, and may be what its policies go by.
   */
  #changed(): LinkName[] {
    const byLink = this.#options.desired()?.byLink ?? new Map<LinkName, DesiredZone>();
    const textOf = ({ access }: DesiredZone) => (access?.mode === undefined ? undefined : access.text);
    const known = [...byLink.values()].filter(({ directory }) => directory !== undefined);
    const changed = known.filter((zone) => textOf(zone) !== this.#judged.get(zone.link));
    const gone = [...this.#judged.keys()].filter((link) => !byLink.has(link));
    return [...changed.map(({ link }) => link), ...gone];
  }

  async #judge(link: LinkName): Promise<void> {
    await this.leases.judge(link);
    if (this.#zone(link) === undefined) this.denials.forget(link);
  }

  /** Ends what zones have begun and no rule allows now. What they were allowed when that began is not asked. */
  async #cut(changed: readonly LinkName[]): Promise<void> {
    const { conntrack } = this.#options.host;
    const owners = this.#owners(changed);
    const wrong: BegunConnection[] = [];
    // One walk over the table for all of them.
    for (const [index, each] of (await conntrack.begunBy([...owners.keys()])).entries()) {
      if (index % connectionsPerTurn === connectionsPerTurn - 1) await nextTurn();
      const owner = owners.get(each.source);
      if (owner !== undefined && (await this.#mustEnd(owner.zone.link, owner.egress, each))) wrong.push(each);
    }
    if (wrong.length > 0) await conntrack.end(wrong);
    for (const link of changed) {
      const access = this.#zone(link)?.access;
      if (access?.mode === undefined) this.#judged.delete(link);
      else this.#judged.set(link, access.text);
    }
  }

  /** Who has which address, of those that a policy is about. */
  #owners(links: readonly LinkName[]): Map<Address, { readonly zone: DesiredZone; readonly egress: ZoneEgress }> {
    const owned = links.flatMap((link) => {
      const [zone, egress] = [this.#zone(link), this.#egressOf(link)];
      if (zone === undefined || egress === undefined) return [];
      return zone.addresses.map((address) => [address, { zone, egress }] as const);
    });
    return new Map(owned);
  }

  async #mustEnd(link: LinkName, egress: ZoneEgress, connection: BegunConnection): Promise<boolean> {
    const { destination: address, transport, port, askedPort } = connection;
    const isHost = await this.isOwn(address);
    if (isHost && port === resolverPort) return false;
    // Its destination was chosen before there was a policy, and would stay.
    if (askedPort === 53 && transport !== 'icmp') return true;
    if (egress.mode === 'audit') return false;
    if (denialOf(egress, address) !== undefined || transport === 'other') return true;
    const isAllowed = ruleFor(egress, { address, transport, port, isHost }, (name) =>
      this.#options.accesses.addressesOf(name),
    );
    return isAllowed === undefined && (transport === 'icmp' || !this.leases.has(link, address, transport, port));
  }

  /** What is in use does not end: whoever keeps a connection may open another one to the same place. */
  async #renew(): Promise<void> {
    try {
      const expiring = [...this.leases.expiring(clock.aheadSeconds)];
      const addressesOf = (link: LinkName) => this.#zone(link)?.addresses ?? [];
      // One walk over the table for all of them.
      const begun = await this.#options.host.conntrack.begunBy(expiring.flatMap(([link]) => addressesOf(link)));
      const used = new Set(
        begun.map(({ source, destination, transport, port }) => `${source} ${destination} ${transport} ${port}`),
      );
      for (const [link, leases] of expiring) {
        const isUsed = ({ address, transport, port }: Lease) =>
          addressesOf(link).some((source) => used.has(`${source} ${address} ${transport} ${port}`));
        const kept = leases.filter(isUsed);
        if (kept.length > 0) await this.leases.renew(link, kept);
      }
    } catch (error) {
      if (!(error instanceof ProtectNetworkError)) throw error;
      this.#options.failed(error);
    }
  }
}
