/** Who has which address now, by what the kernel holds and what is known of zones, and what policies say of a connection. Pure. */
import type { DistantZone } from '../config/fleet.ts';
import type { HeldLease } from '../explain/zone-policy.ts';
import type { Address } from '../model/address.ts';
import { PolicyBook } from '../policy/book.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import type { Place, PolicedZone } from '../policy/model.ts';
import { conflictsIn } from '../policy/publish.ts';
import { addressesNamed } from '../policy/select.ts';
import { denialOf, nameRuleFor, type Flow as PolicyFlow, ruleFor } from '../policy/verdict.ts';

export interface ZoneLease extends HeldLease {
  readonly link: string;
}

export interface Known {
  readonly config: Pick<DaemonConfig, 'policies' | 'subnets'>;
  readonly zones: readonly PolicedZone[];
  /** Of other hosts. */
  readonly distant: readonly DistantZone[];
  readonly leases: readonly ZoneLease[];
  /** Of dom0. */
  readonly hostAddresses: readonly Address[];
  /** Where the forwarder of names answers, at the gateways. */
  readonly resolverPort: number;
}

/**
 * What lets a connection pass. `none`: no policy is about whoever began it; `rule`, `lease`, `published`: what `rule` and
 * `place` name; `forwarder`: the question for a name that every policed zone may ask; `audit`: no rule, and the mode lets it
 * pass; `unruled`: no rule allows it now, so that it began before, or ends in a moment.
 */
export interface Verdict {
  readonly kind: 'none' | 'rule' | 'lease' | 'published' | 'forwarder' | 'audit' | 'unruled';
  /** As it is written. */
  readonly rule: string | undefined;
  readonly place: Place | undefined;
}

/** What began, as policies see it: who answers, and which port was asked ahead of any translation. */
export interface Begun extends Omit<PolicyFlow, 'isHost'> {
  readonly askedPort: number;
  readonly isTranslated: boolean;
}

/** Of verdicts that are remembered. */
const maxJudged = 10_000;

export class ZoneBook {
  readonly zones: readonly PolicedZone[];
  readonly #known: Known;
  readonly #byAddress: ReadonlyMap<string, PolicedZone>;
  readonly #distantNames: ReadonlyMap<string, string>;
  readonly #leases: ReadonlyMap<string, ZoneLease>;
  readonly #host: ReadonlySet<string>;
  readonly #policies: PolicyBook;
  readonly #lost: ReadonlySet<unknown>;
  readonly #judged = new Map<string, Verdict>();

  constructor(known: Known) {
    const { zones, distant, leases, config, hostAddresses } = known;
    this.#known = known;
    this.zones = zones;
    this.#byAddress = new Map(zones.flatMap((zone) => zone.addresses.map((address) => [address, zone] as const)));
    this.#distantNames = new Map(
      distant.flatMap(({ name, addresses }) => addresses.map((each) => [each, name] as const)),
    );
    this.#leases = new Map(leases.map((lease) => [leaseKey(lease.link, lease), lease]));
    const gateways = [config.subnets.ipv4, config.subnets.ipv6].flatMap((subnet) => subnet?.gateway ?? []);
    this.#host = new Set([...hostAddresses, ...gateways]);
    this.#policies = new PolicyBook(config.policies);
    this.#lost = new Set(conflictsIn(config.policies).map(({ publication }) => publication));
  }

  zoneAt(address: string): PolicedZone | undefined {
    return this.#byAddress.get(address);
  }

  /** What the zone of another host is called that has the address. */
  distantNameAt(address: string): string | undefined {
    return this.#distantNames.get(address);
  }

  isHost(address: string): boolean {
    return this.#host.has(address);
  }

  /** What the zone has asked for by name. */
  leaseOf(link: string, to: Pick<PolicyFlow, 'address' | 'transport' | 'port'>): ZoneLease | undefined {
    return this.#leases.get(leaseKey(link, to));
  }

  leasesOf(link: string): readonly ZoneLease[] {
    return this.#known.leases.filter((lease) => lease.link === link);
  }

  /** `beginner` is undefined for somebody outside, `answerer` for whoever is no zone. */
  verdictOf(beginner: PolicedZone | undefined, answerer: PolicedZone | undefined, begun: Begun): Verdict {
    const { address, transport, port, askedPort } = begun;
    const key = `${beginner?.link} ${address} ${transport} ${port} ${askedPort}`;
    const known = this.#judged.get(key);
    if (known !== undefined) return known;
    const verdict = this.#judge(beginner, answerer, begun);
    if (this.#judged.size >= maxJudged) this.#judged.clear();
    this.#judged.set(key, verdict);
    return verdict;
  }

  #judge(beginner: PolicedZone | undefined, answerer: PolicedZone | undefined, begun: Begun): Verdict {
    const egress = beginner && this.#policies.egressOf(beginner);
    if (beginner === undefined || egress === undefined) return this.#published(answerer, begun);
    const flow = { ...begun, isHost: this.isHost(begun.address) };
    if (flow.isHost && flow.port === this.#known.resolverPort && flow.transport !== 'icmp') return only('forwarder');
    if (denialOf(egress, flow.address) === undefined) {
      const rule = ruleFor(egress, flow, (name) => this.#addressesOf(name));
      if (rule !== undefined) return { kind: 'rule', rule: rule.text, place: rule.place };
      const lease = this.leaseOf(beginner.link, flow);
      if (lease !== undefined) {
        const by = nameRuleFor(egress, lease.name, flow);
        return { kind: 'lease', rule: by?.text, place: by?.place };
      }
    }
    return only(egress.mode === 'audit' ? 'audit' : 'unruled');
  }

  #published(answerer: PolicedZone | undefined, { isTranslated, transport, port, askedPort }: Begun): Verdict {
    if (answerer === undefined || !isTranslated) return only('none');
    const publication = this.#policies
      .policiesOf(answerer)
      .flatMap(({ publish }) => publish)
      .find(
        (each) => each.transport === transport && each.to === port && each.port === askedPort && !this.#lost.has(each),
      );
    return publication === undefined
      ? only('none')
      : { kind: 'published', rule: publication.text, place: publication.place };
  }

  #addressesOf(name: string): readonly Address[] {
    return addressesNamed(name, [...this.zones, ...this.#known.distant]);
  }
}

function leaseKey(
  link: string,
  { address, transport, port }: Pick<PolicyFlow, 'address' | 'transport' | 'port'>,
): string {
  return `${link} ${address} ${transport} ${port}`;
}

function only(kind: Verdict['kind']): Verdict {
  return { kind, rule: undefined, place: undefined };
}
