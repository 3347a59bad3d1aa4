/** What each zone's policies allow it, by all policies and the addresses of the zones that rules lead to. */
import type { DistantZone } from '../config/fleet.ts';
import type { Address } from '../model/address.ts';
import { type AccessTemplate, accessOf, accessTemplate } from '../nft/access.ts';
import type { Access } from '../nft/layout-model.ts';
import { type LinkLimit, linkLimits } from '../nft/limits.ts';
import { PolicyBook } from '../policy/book.ts';
import type { PolicedZone, Policy, ZoneEgress, ZonePolicy } from '../policy/model.ts';

export class Accesses {
  #limits: readonly LinkLimit[] = [];
  #book = new PolicyBook([]);
  #templates = new WeakMap<ZonePolicy, AccessTemplate>();
  /** Addresses by the name of a zone that rules lead to. */
  #reached = new Map<string, readonly Address[]>();

  /** Some policy says what zones may reach. */
  get isPoliced(): boolean {
    return this.#book.hasEgress;
  }

  /** Every limit that some policy has. */
  get limits(): readonly LinkLimit[] {
    return this.#limits;
  }

  /** Some policy publishes a port. */
  get isPublishing(): boolean {
    return this.#book.isPublishing;
  }

  get policies(): readonly Policy[] {
    return this.#book.policies;
  }

  get book(): PolicyBook {
    return this.#book;
  }

  /** Returns whether the layout is another one by that, whatever zones there are. */
  enforce(policies: readonly Policy[]): boolean {
    const { isPoliced: wasPoliced, limits: before } = this;
    this.#book = new PolicyBook(policies, this.#book);
    this.#limits = linkLimits(this.#book.limits);
    return wasPoliced !== this.isPoliced || JSON.stringify(before) !== JSON.stringify(this.#limits);
  }

  /** Takes note of where zones are, of other hosts too. Returns whether that changes what others may reach. */
  locate(zones: Iterable<PolicedZone>, distant: readonly DistantZone[]): boolean {
    const { zonesReached } = this.#book;
    const reached = new Map<string, readonly Address[]>();
    if (zonesReached.size > 0) {
      for (const { name, addresses } of [...zones, ...distant]) {
        if (name !== undefined && zonesReached.has(name))
          reached.set(name, [...(reached.get(name) ?? []), ...addresses]);
      }
    }
    const isSame = textOf(reached) === textOf(this.#reached);
    this.#reached = reached;
    if (!isSame) this.#templates = new WeakMap();
    return !isSame;
  }

  egressOf(zone: PolicedZone): ZoneEgress | undefined {
    return this.#book.egressOf(zone);
  }

  /** Where the zones of a name are that some rule leads to. */
  addressesOf(name: string): readonly Address[] {
    return this.#reached.get(name) ?? [];
  }

  /** `known`: what the zone has now, which is returned where nothing is different. */
  accessOf(zone: PolicedZone, known?: Access): Access | undefined {
    const policy = this.#book.policyOf(zone);
    if (policy === undefined) return undefined;
    let template = this.#templates.get(policy);
    if (template === undefined) {
      template = accessTemplate(policy, (name) => this.addressesOf(name));
      this.#templates.set(policy, template);
    }
    return known?.text === template.text ? known : accessOf(zone.link, template);
  }
}

function textOf(reached: ReadonlyMap<string, readonly Address[]>): string {
  return JSON.stringify([...reached].sort(([one], [other]) => (one < other ? -1 : 1)));
}
