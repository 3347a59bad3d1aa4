/**
 * All policies, so ordered that a zone's are found without asking each: those that name it, by its name; the others, which
 * have wildcards or prefixes, one by one. Zones that the same policies are about share one value.
 */
import type { LinkName } from '../model/link-name.ts';
import type { Limits, PolicedZone, Policy, ZoneEgress, ZonePolicy } from './model.ts';
import { addUpAll, selects } from './select.ts';

export class PolicyBook {
  readonly policies: readonly Policy[];
  /** Of zones that rules lead to by `zone:NAME`: what a zone may reach changes with their addresses. */
  readonly zonesReached: ReadonlySet<string>;
  /** Some policy publishes a port. */
  readonly isPublishing: boolean;
  readonly #byName = new Map<string, number[]>();
  readonly #byLink = new Map<LinkName, number[]>();
  readonly #others: number[] = [];
  /** A zone that is the same value has the same policies. */
  readonly #known = new WeakMap<PolicedZone, readonly number[]>();
  /** By the policies' numbers, in their order. */
  #sums = new Map<string, ZonePolicy | undefined>();

  /** `before`: a policy that is the same value in both adds up to the same value. */
  constructor(policies: readonly Policy[], before?: PolicyBook) {
    this.policies = policies;
    this.isPublishing = policies.some(({ publish }) => publish.length > 0);
    this.zonesReached = new Set(policies.flatMap(namesReached));
    for (const [index, { selector }] of policies.entries()) {
      const { zones, links, addresses } = selector;
      if (addresses.length > 0 || zones.some(isGlob)) this.#others.push(index);
      else {
        for (const name of new Set(zones)) push(this.#byName, name, index);
        for (const link of new Set(links)) push(this.#byLink, link, index);
      }
    }
    if (before !== undefined) this.#take(before);
  }

  /** Some policy says what zones may reach. */
  get hasEgress(): boolean {
    return this.policies.some(({ egress }) => egress !== undefined);
  }

  /** Every policy's. */
  get limits(): Limits[] {
    return this.policies.flatMap(({ limits }) => limits ?? []);
  }

  /** Undefined where no policy says what the zone may reach. */
  egressOf(zone: PolicedZone): ZoneEgress | undefined {
    return this.policyOf(zone)?.egress;
  }

  /** Undefined where no policy says what the zone may reach or begin. */
  policyOf(zone: PolicedZone): ZonePolicy | undefined {
    const indices = this.#indicesOf(zone);
    if (indices.length === 0) return undefined;
    const key = indices.join();
    if (!this.#sums.has(key)) this.#sums.set(key, addUpAll(indices.flatMap((index) => this.policies[index] ?? [])));
    return this.#sums.get(key);
  }

  /** Those that are about the zone, in their order. */
  policiesOf(zone: PolicedZone): Policy[] {
    return this.#indicesOf(zone).flatMap((index) => this.policies[index] ?? []);
  }

  #indicesOf(zone: PolicedZone): readonly number[] {
    const known = this.#known.get(zone);
    if (known !== undefined) return known;
    const own = [...(this.#byName.get(zone.name ?? '') ?? []), ...(this.#byLink.get(zone.link) ?? [])];
    const others = this.#others.filter((index) => {
      const policy = this.policies[index];
      return policy !== undefined && selects(policy.selector, zone);
    });
    const indices = [...new Set([...own, ...others])].sort((one, other) => one - other);
    this.#known.set(zone, indices);
    return indices;
  }

  #take(before: PolicyBook): void {
    const places = new Map(this.policies.map((policy, index) => [policy, index]));
    for (const [key, sum] of before.#sums) {
      const indices = key.split(',').map((text) => {
        const policy = before.policies[Number(text)];
        return policy === undefined ? undefined : places.get(policy);
      });
      if (!indices.includes(undefined)) this.#sums.set(indices.join(), sum);
    }
  }
}

function namesReached({ egress }: Policy): string[] {
  return (egress?.allow ?? []).flatMap((rule) =>
    rule.kind === 'ports' && rule.target.kind === 'zone' ? [rule.target.name] : [],
  );
}

function isGlob(name: string): boolean {
  return /[*?]/.test(name);
}

function push<Key>(map: Map<Key, number[]>, key: Key, index: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [index]);
  else known.push(index);
}
