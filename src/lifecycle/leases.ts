/**
 * Addresses that names had when zones asked for them: each opens what the rules about the name allow, for a while. The kernel
 * holds them, each with its name, so that a daemon that starts knows whose they are; what is here is what it was told.
 */
import type { SetRef } from '../host/nft-command.ts';
import type { Lease as KernelLease, Nft } from '../host/port.ts';
import { type Address, familyOf, type Prefix } from '../model/address.ts';
import { hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { flowKey } from '../nft/access.ts';
import type { PortRule, Transport, ZoneEgress } from '../policy/model.ts';
import { isKeptFrom } from '../policy/private-addresses.ts';
import { denialOf, nameRules } from '../policy/verdict.ts';
import { keyOf, type Lease, leasedSets, leasesOf } from './lease.ts';

/** Seconds: what a resolver says is taken within these, and `spareSeconds` added, as clients go on using what they know. */
const [shortestSeconds, longestSeconds, spareSeconds] = [60, 3600, 600];
/** Of a zone, and of one name of it: who asks for names without end fills what is his. */
export const maxLeases = 4096;
export const maxAddressesOfName = 512;

export interface LeaseRequest {
  readonly link: LinkName;
  readonly name: string;
  readonly addresses: readonly Address[];
  /** Seconds, as the resolver said. */
  readonly ttl: number;
}

/** `addresses`: those that the zone may be told of. */
export type LeaseAnswer =
  | { readonly kind: 'leased'; readonly addresses: Address[]; readonly seconds: number }
  | { readonly kind: 'refused'; readonly reason: string };

export interface LeasesOptions {
  readonly nft: Pick<Nft, 'lease' | 'release' | 'leases'>;
  /** True for addresses of dom0. */
  readonly isOwn: (address: Address) => Promise<boolean>;
  readonly egressOf: (link: LinkName) => ZoneEgress | undefined;
  /** Zones' subnets, whose addresses a name may lead to only where its rule says `private`. */
  readonly subnets: () => readonly Prefix[];
}

export class Leases {
  readonly #options: LeasesOptions;
  /** By link and `flowKey`. */
  readonly #byLink = new Map<LinkName, Map<string, Lease>>();
  /** Names that no rule allows and audit lets pass, by link and address; the oldest first. */
  readonly #audited = new Map<LinkName, Map<Address, string>>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  count(link: LinkName): number {
    return this.#byLink.get(link)?.size ?? 0;
  }

  of(link: LinkName): Lease[] {
    return [...(this.#byLink.get(link)?.values() ?? [])];
  }

  has(link: LinkName, address: Address, transport: Transport, port: number): boolean {
    const lease = this.#byLink.get(link)?.get(flowKey(link, address, transport, port));
    return lease !== undefined && lease.until > performance.now();
  }

  /** What the zone called the address when it asked for it. */
  nameOf(link: LinkName, address: Address): string | undefined {
    const leases = this.#byLink.get(link)?.values();
    return leases?.find((lease) => lease.address === address)?.name ?? this.#audited.get(link)?.get(address);
  }

  /** Whoever asks is believed nothing but the addresses: what the zone's rules do not allow is refused. Resolves when the kernel holds them. */
  async open(request: LeaseRequest): Promise<LeaseAnswer> {
    const { link, name, addresses, ttl } = request;
    const egress = this.#options.egressOf(link);
    if (egress === undefined) return refused(`no policy is about ${link}`);
    const seconds = Math.min(Math.max(Math.ceil(ttl), shortestSeconds), longestSeconds) + spareSeconds;
    const rules = nameRules(egress, name);
    if (rules.length === 0 && egress.mode === 'audit') {
      // Where nothing is dropped, nothing needs to be opened; what is reported has a name all the same.
      for (const address of addresses) this.#remember(link, address, name);
      return { kind: 'leased', addresses: [...addresses], seconds };
    }
    if (rules.length === 0) return refused('no rule');
    const opened = await Promise.all(
      addresses.map(async (address) => ({ address, rules: await this.#rulesTo(address, egress, rules) })),
    );
    const allowed = opened.filter((each) => each.rules.length > 0);
    if (allowed.length === 0) return refused('all its addresses are private, or denied');
    const until = performance.now() + seconds * 1000;
    const leases = allowed.flatMap((each) => leasesOf(name, each.address, each.rules, until));
    try {
      const wrong = await this.#makeRoom(link, name, leases);
      if (wrong !== undefined) return refused(wrong);
      await this.#write(link, this.#use(link, leases), () => true);
      // Other rules, or another zone's, may have come meanwhile, and what the link had been judged by them.
      if (this.#options.egressOf(link) !== egress) {
        await this.judge(link);
        return await this.open(request);
      }
    } catch (error) {
      if (!(error instanceof ProtectNetworkError)) throw error;
      return refused(messageOf(error));
    }
    return { kind: 'leased', addresses: allowed.map(({ address }) => address), seconds: seconds - spareSeconds / 2 };
  }

  /** Lasts longer for those that are in use, and have not ended. */
  async renew(link: LinkName, leases: readonly Lease[]): Promise<void> {
    const now = performance.now();
    const until = now + (shortestSeconds + spareSeconds) * 1000;
    await this.#rewrite(
      link,
      leases.map((lease) => ({ ...lease, until, usedAt: now })),
    );
  }

  /** Ends what the zone's rules do not allow any more; all of it where it has none, or is gone. */
  async judge(link: LinkName): Promise<void> {
    const egress = this.#options.egressOf(link);
    if (egress?.mode !== 'audit') this.#audited.delete(link);
    const wrong: Lease[] = [];
    for (const lease of this.of(link)) if (!(await this.#isAllowed(lease, egress))) wrong.push(lease);
    await this.#end(link, wrong);
  }

  /**
   * Takes over what the kernel holds and nobody here knows, as far as rules allow it, and puts back what is not there.
   * `mayEnd`: false while nobody knows yet which zones there are.
   */
  async compare(mayEnd: boolean): Promise<void> {
    const there = new Set<string>();
    for (const { set, type } of leasedSets) {
      for (const lease of await this.#options.nft.leases(set, type)) {
        there.add(lease.key);
        await this.#adopt(set, lease, mayEnd);
      }
    }
    for (const [link, leases] of this.#byLink) {
      const missing = [...leases].filter(([key]) => !there.has(key)).map(([, lease]) => lease);
      await this.#rewrite(link, missing);
    }
  }

  /** Of links that have some: takes out what has ended, and returns what ends within `seconds`. */
  expiring(seconds: number): Map<LinkName, Lease[]> {
    const now = performance.now();
    const soon = new Map<LinkName, Lease[]>();
    for (const [link, leases] of this.#byLink) {
      for (const [key, { until }] of leases) if (until <= now) leases.delete(key);
      const some = leases
        .values()
        .filter(({ until }) => until <= now + seconds * 1000)
        .toArray();
      if (some.length > 0) soon.set(link, some);
      if (leases.size === 0) this.#byLink.delete(link);
    }
    return soon;
  }

  async #adopt(set: SetRef, { key, seconds, comment: name }: KernelLease, mayEnd: boolean): Promise<void> {
    // Nobody but us fills the set: its keys are what `keyOf` made.
    const [link, address, transport, port] = key.split(' ') as [LinkName, Address, Transport, string];
    if (this.#byLink.get(link)?.has(key) === true) return;
    const now = performance.now();
    const lease = { name, address, transport, port: Number(port), until: now + seconds * 1000, usedAt: now };
    if (await this.#isAllowed(lease, this.#options.egressOf(link))) this.#keep(link, lease);
    else if (mayEnd) await this.#options.nft.release(set, [key]);
  }

  async #isAllowed({ name, address, transport, port }: Lease, egress: ZoneEgress | undefined): Promise<boolean> {
    if (egress === undefined) return false;
    const rules = await this.#rulesTo(address, egress, nameRules(egress, name));
    return rules.some((rule) => rule.transport === transport && rule.ports.first <= port && port <= rule.ports.last);
  }

  /** The rules by which a name may lead to `address`. */
  async #rulesTo(address: Address, egress: ZoneEgress, rules: readonly PortRule[]): Promise<PortRule[]> {
    if (denialOf(egress, address) !== undefined) return [];
    const isPrivate = isKeptFrom(address, this.#options.subnets()) || (await this.#options.isOwn(address));
    return rules.filter(({ target }) => !isPrivate || (target.kind === 'name' && target.isPrivate));
  }

  /** Says why there is no room where there is none. Never ends what was used within the last minute. */
  async #makeRoom(link: LinkName, name: string, wanted: readonly Lease[]): Promise<string | undefined> {
    const leases = this.#byLink.get(link) ?? new Map<string, Lease>();
    const ofName = leases.values().filter((lease) => lease.name === name);
    const addresses = new Set([...ofName, ...wanted].map(({ address }) => address));
    if (addresses.size > maxAddressesOfName) return `${name} has had more than ${maxAddressesOfName} addresses`;
    const excess = leases.size + wanted.filter((lease) => !leases.has(keyOf(link, lease))).length - maxLeases;
    if (excess <= 0) return undefined;
    const oldest = [...leases.values()].sort((one, other) => one.usedAt - other.usedAt).slice(0, excess);
    const idleSince = performance.now() - shortestSeconds * 1000;
    if (oldest.some(({ usedAt }) => usedAt > idleSince)) return `${link} has ${maxLeases} leases, all in use`;
    await this.#end(link, oldest);
    return undefined;
  }

  /** Those that have to be written: what lasts nearly as long is not, or a name asked for each second would be each second. */
  #use(link: LinkName, leases: readonly Lease[]): Lease[] {
    return leases.filter((lease) => {
      const known = this.#byLink.get(link)?.get(keyOf(link, lease));
      if (known === undefined || known.until < lease.until - (spareSeconds / 2) * 1000) return true;
      this.#keep(link, { ...known, usedAt: lease.usedAt });
      return false;
    });
  }

  /** `isWanted` is asked by `keyOf`, just before they are written. */
  async #write(link: LinkName, leases: readonly Lease[], isWanted: (key: string) => boolean): Promise<void> {
    for (const { set, family } of leasedSets) {
      const now = performance.now();
      const own = leases.filter(({ address, until }) => familyOf(address) === family && until > now);
      const some = own.filter((lease) => isWanted(keyOf(link, lease)));
      const elements = some.map((lease) => ({
        key: keyOf(link, lease),
        seconds: (lease.until - now) / 1000,
        comment: lease.name,
      }));
      if (elements.length > 0) await this.#options.nft.lease(set, elements);
      for (const lease of some) this.#keep(link, lease);
    }
  }

  /** Writes what has not ended while others were written. */
  async #rewrite(link: LinkName, leases: readonly Lease[]): Promise<void> {
    await this.#write(link, leases, (key) => this.#byLink.get(link)?.has(key) === true);
  }

  /** What the kernel does not let go is known on, so that it is tried again. */
  async #end(link: LinkName, leases: readonly Lease[]): Promise<void> {
    for (const { set, family } of leasedSets) {
      const some = leases.filter(({ address }) => familyOf(address) === family);
      if (some.length === 0) continue;
      for (const lease of some) this.#byLink.get(link)?.delete(keyOf(link, lease));
      try {
        await this.#options.nft.release(
          set,
          some.map((lease) => keyOf(link, lease)),
        );
      } catch (error) {
        // The last policy takes the set along.
        if (hasCode(error, 'vanished')) continue;
        for (const lease of some) this.#keep(link, lease);
        throw error;
      }
    }
  }

  #remember(link: LinkName, address: Address, name: string): void {
    const names = this.#audited.get(link) ?? new Map<Address, string>();
    names.delete(address);
    const [oldest] = names.keys();
    if (oldest !== undefined && names.size >= maxLeases) names.delete(oldest);
    this.#audited.set(link, names.set(address, name));
  }

  #keep(link: LinkName, lease: Lease): void {
    const leases = this.#byLink.get(link) ?? new Map<string, Lease>();
    this.#byLink.set(link, leases.set(keyOf(link, lease), lease));
  }
}

function refused(reason: string): LeaseAnswer {
  return { kind: 'refused', reason };
}
