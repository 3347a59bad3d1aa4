/**
 * What was seen of a host, as one serialisable value, and the questions that came up while a packet's way was computed.
 * Computing asks only what is noted here; what is missing is collected, observed, and all is computed again.
 */
import type { DistantZone } from '../config/fleet.ts';
import type { Masquerade } from '../config/masquerade.ts';
import type { InspectedLink, Neighbour, RouteDecision, RouteQuestion } from '../host/inspection.ts';
import type { NftObject, SysctlPath } from '../host/port.ts';
import type { PolicyRule, TableRoute } from '../host/routing-tables.ts';
import type { TrafficFilter } from '../host/traffic-filters.ts';
import type { Address, Family } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import type { Policy } from '../policy/model.ts';

/** One zone link as the directories, and the daemon where it runs, see it. */
export interface ZoneFacts {
  readonly link: string;
  /** Addresses that count. */
  readonly addresses: readonly Address[];
  /** What a directory says, also where it does not count. */
  readonly claimed: readonly Address[];
  readonly name: string | null;
  readonly directory: string | null;
  readonly origin: string | null;
  /** Why its entry does not count, or that there is none. */
  readonly refused: string | null;
}

export interface DaemonFacts {
  readonly answers: boolean;
  /** Its state, or why it does not answer. */
  readonly detail: string;
  /** What it says about the zone link in question. */
  readonly zones: readonly { readonly link: string; readonly state: string; readonly reason: string | null }[];
  readonly faults: readonly Fault[];
  /** Whether the forwarder of names is connected to it; null where that is not known, or there are no policies. */
  readonly forwarder: boolean | null;
}

export interface Snapshot {
  readonly subnets: Readonly<Record<Family, { readonly prefix: string; readonly gateway: Address } | null>>;
  readonly uplinkInterfaces: readonly string[];
  /** What the settings say of the source that zones leave under. */
  readonly masquerade: Readonly<Record<Family, Masquerade>>;
  readonly noMasquerade: readonly string[];
  /** The prefixes of all hosts of the fleet, the links to the others, and zones of theirs by name; none on a host by itself. */
  readonly fleet: {
    readonly prefixes: readonly string[];
    readonly uplinks: readonly string[];
    readonly zones: readonly DistantZone[];
  };
  readonly zones: readonly ZoneFacts[];
  /** Guests' links under other names: `links` has that name, and the one that Xen gave it where it is known. */
  readonly renamed: readonly Fault[];
  /** As their files say now. */
  readonly policies: readonly Policy[];
  /** Directories that have not answered or hold mistakes, one sentence each. */
  readonly directoryProblems: readonly string[];
  readonly daemon: DaemonFacts;
  readonly links: readonly InspectedLink[];
  readonly neighbours: readonly Neighbour[];
  readonly proxies: readonly Neighbour[];
  readonly rules: Readonly<Record<Family, readonly PolicyRule[]>>;
  readonly routes: Readonly<Record<Family, readonly TableRoute[]>>;
  readonly ruleset: readonly NftObject[];
  /** `nft -a -s -t list ruleset`. */
  readonly rulesetText: string;
  /** iptables-save of what nft holds, where something in it is an extension of iptables. */
  readonly saved: Readonly<Record<Family, string>>;
  /** iptables-legacy-save; null: there are such tables and they cannot be read. */
  readonly legacy: Readonly<Record<Family, string | null>>;
  /** See `Inspection.legacyArpRules`; null: there are some that cannot be read. */
  readonly arpRules: readonly string[] | null;
  readonly connections: { readonly count: number; readonly max: number } | null;
  /** Answers so far, by `keyOf`. */
  readonly sysctls: Readonly<Record<string, string | null>>;
  readonly decisions: Readonly<Record<string, RouteDecision>>;
  /** By link; null: tc is not installed. */
  readonly filters: Readonly<Record<string, readonly TrafficFilter[] | null>>;
}

export type Question =
  | { readonly kind: 'sysctl'; readonly path: SysctlPath }
  | { readonly kind: 'route'; readonly question: RouteQuestion }
  | { readonly kind: 'filters'; readonly link: string };

export function keyOf(question: Question): string {
  if (question.kind === 'filters') return question.link;
  return JSON.stringify(question.kind === 'sysctl' ? question.path : question.question);
}
