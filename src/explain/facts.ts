/** A snapshot made ready for questions: parsed once, looked up by name, and remembering what was asked and is not known yet. */
import type { InspectedLink, RouteDecision, RouteQuestion } from '../host/inspection.ts';
import type { SysctlPath } from '../host/port.ts';
import type { PolicyRule, RoutingTables } from '../host/routing-tables.ts';
import type { TrafficFilter } from '../host/traffic-filters.ts';
import { type Address, contains, type Family, families, familyOf, parsePrefix } from '../model/address.ts';
import { legacyTables, withExtensions } from '../rules/iptables-tables.ts';
import { parseNftText } from '../rules/listing.ts';
import { parseRuleset, type Ruleset } from '../rules/ruleset.ts';
import type { FibHost } from '../rules/view.ts';
import { withinLimits } from './own-rules.ts';
import { keyOf, type Question, type Snapshot } from './snapshot.ts';

interface Prepared {
  readonly links: ReadonlyMap<string, InspectedLink>;
  readonly routing: Readonly<Record<Family, RoutingTables>>;
  readonly ruleset: Ruleset;
}

export class Facts implements FibHost {
  readonly snapshot: Snapshot;
  readonly links: Prepared['links'];
  readonly routing: Prepared['routing'];
  readonly ruleset: Ruleset;
  readonly #missing = new Map<string, Question>();

  /** `before`: facts of the same host that lacked answers; what they have parsed is not parsed again. */
  constructor(snapshot: Snapshot, before?: Facts) {
    const { links, routing, ruleset } = before ?? prepare(snapshot);
    this.snapshot = snapshot;
    this.links = links;
    this.routing = routing;
    this.ruleset = ruleset;
  }

  /** What has been asked and must be observed before the result counts. */
  get missing(): readonly Question[] {
    return [...this.#missing.values()];
  }

  /** Undefined where there is no such sysctl, or it is not known yet. */
  sysctl(family: Family, group: SysctlPath['group'], link: string, key: string): string | undefined {
    const question: Question = { kind: 'sysctl', path: { family, group, link, key } };
    const name = keyOf(question);
    const answer = this.snapshot.sysctls[name];
    if (answer === undefined) this.#missing.set(name, question);
    return answer ?? undefined;
  }

  /** The larger of the link's value and that of all links: how the kernel reads most switches of a link. */
  largest(family: Family, link: string, key: string): number {
    return Math.max(...[link, 'all'].map((name) => Number(this.sysctl(family, 'conf', name, key) ?? 0)));
  }

  /** Undefined where tc is not installed, or they are not known yet. */
  filters(link: string): readonly TrafficFilter[] | undefined {
    const question: Question = { kind: 'filters', link };
    const answer = this.snapshot.filters[keyOf(question)];
    if (answer === undefined) this.#missing.set(`filters ${link}`, question);
    return answer ?? undefined;
  }

  /** True for an address of the zones' subnet. */
  isOfZones(address: Address): boolean {
    const prefix = parsePrefix(this.snapshot.subnets[familyOf(address)]?.prefix ?? '');
    return prefix !== undefined && contains(prefix, address);
  }

  /** The kernel's routing decision. A placeholder that passes until it is known. */
  decide(question: RouteQuestion): RouteDecision {
    const asked: Question = { kind: 'route', question };
    const name = keyOf(asked);
    const answer = this.snapshot.decisions[name];
    if (answer === undefined) this.#missing.set(name, asked);
    return answer ?? { ok: true, type: 'unicast', device: undefined, gateway: undefined };
  }
}

function prepare(snapshot: Snapshot): Prepared {
  const { rules, routes, saved, legacy } = snapshot;
  const native = withinLimits(parseRuleset(snapshot.ruleset, parseNftText(snapshot.rulesetText)));
  const extended = families.reduce((tables, family) => withExtensions(tables, family, saved[family]), native);
  return {
    links: new Map(snapshot.links.map((link) => [link.ifname, link])),
    routing: {
      ipv4: { rules: byRealName(rules.ipv4, snapshot), routes: routes.ipv4 },
      ipv6: { rules: byRealName(rules.ipv6, snapshot), routes: routes.ipv6 },
    },
    ruleset: [...extended, ...families.flatMap((family) => legacyTables(family, legacy[family] ?? ''))],
  };
}

/** A policy rule keeps the alternative name of a link that it was made with, and fits the link all the same. */
function byRealName(rules: readonly PolicyRule[], { links }: Snapshot): PolicyRule[] {
  const names = new Map(links.flatMap(({ ifname, altnames = [] }) => altnames.map((name) => [name, ifname] as const)));
  return rules.map(({ input, ...rule }) =>
    input === undefined ? rule : { ...rule, input: names.get(input) ?? input },
  );
}
