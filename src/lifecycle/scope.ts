/** Decides which links a pass has to look at, so that its cost grows with what changed and not with the zones. Pure. */
import type { Address } from '../model/address.ts';
import type { ForwardingChange } from '../routes/forwarding.ts';
import type { Desired, DesiredZone } from './desired.ts';
import type { Dirty } from './dirty.ts';
import { isDue } from './retry.ts';
import { sameTaker } from './taken.ts';
import type { ZoneRecords } from './zone-record.ts';

/** What a pass looks at. */
export interface PassScope {
  /** Everything is looked at, or only the links with these indices, the rest being known to be right. */
  readonly links: 'all' | ReadonlySet<number>;
  /** What is compared in nftables: all that should be there, or what belongs to `links`. */
  readonly ruleset: 'all' | 'of links';
  /** Links of which only the neighbour proxies are looked at. */
  readonly siblings: ReadonlySet<number>;
  /** False until every zone directory has answered: nothing that is there is taken away. */
  readonly prune: boolean;
  /** What each link of the scope was given last, by ifindex, for links that are gone as well. */
  readonly served: ReadonlyMap<number, DesiredZone>;
  /** Links that are known to be open: what they lack was taken from them, and their connections are their own. */
  readonly open: ReadonlySet<number>;
  /** Addresses whose old connections were forgotten for those who are given them now. */
  readonly forgotten: ReadonlySet<Address>;
  /** Links, by ifindex, whose zones have no routes for now. */
  readonly silent: ReadonlySet<number>;
  readonly forwarding: readonly ForwardingChange[];
}

export interface ScopeInput {
  readonly dirty: Dirty;
  readonly desired: Desired;
  /** Those for which something else may be desired than what was put in place last. */
  readonly changed: 'all' | ReadonlySet<number>;
  readonly records: ZoneRecords;
  readonly served: ReadonlyMap<number, DesiredZone>;
  /** Something that concerns every link: a failure of the whole, or pruning has just become possible. */
  readonly everything: boolean;
}

export function linksInScope(input: ScopeInput): 'all' | ReadonlySet<number> {
  const { dirty, desired, changed, served, records } = input;
  if (dirty.all || input.everything) return 'all';
  const links = new Set(dirty.links);
  const candidates =
    changed === 'all' ? [...desired.zones.keys(), ...served.keys()] : [...changed, ...records.unsettled];
  for (const ifindex of candidates) {
    const zone = desired.zones.get(ifindex);
    if (zone === undefined ? served.has(ifindex) : isBehind(zone, input)) links.add(ifindex);
  }
  return links;
}

/** The links to look at again because a sibling came or went: after the pass, so that the newcomer does not wait for them. */
export function siblingsToTell(before: Desired | undefined, desired: Desired): number[] {
  if (before === undefined || before.siblings === desired.siblings) return [];
  if (before.siblings.join() === desired.siblings.join()) return [];
  return [...new Set([...before.siblingLinks, ...desired.siblingLinks])];
}

/** True where the zone is not served as it should be, and a failed one's next try is due. */
function isBehind(zone: DesiredZone, { records, served }: ScopeInput): boolean {
  const given = served.get(zone.ifindex);
  const record = records.get(zone.ifindex);
  if (given !== undefined && record?.state !== 'opening') return !sameZone(given, zone);
  return record?.retry === undefined || isDue(record.retry);
}

function sameZone(a: DesiredZone, b: DesiredZone): boolean {
  const isSame = a.link === b.link && a.access?.text === b.access?.text;
  return isSame && sameAddresses(a.addresses, b.addresses) && sameTaker(a.taken, b.taken);
}

function sameAddresses(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address, index) => address === b[index]);
}
