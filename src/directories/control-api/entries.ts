/** From zones to the directory's entries: pure, so that it can be redone whenever links come and go. */
import type { Address } from '../../model/address.ts';
import { domidOf, type LinkName } from '../../model/link-name.ts';
import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import type { ZoneEntry } from '../zone-entry.ts';
import type { ControlZone, LinkClaim } from './control-zone.ts';

export interface Resolved {
  /** Sorted by link: the order of a reply means nothing. */
  readonly entries: readonly ZoneEntry[];
  readonly problems: readonly string[];
}

/**
 * A link that two zones claim is served to neither: one of the two claims is wrong, nobody can say which, and a packet
 * let through for the wrong zone is worse than one held back for the right one. `links` are the host's zone links now.
 */
export function resolveEntries(zones: Iterable<ControlZone>, links: readonly LinkName[]): Resolved {
  const problems: string[] = [];
  const claimed = new Map<LinkName, Claimed[]>();
  const refused: ZoneEntry[] = [];
  const linksByDomid = Map.groupBy(links, domidOf);
  for (const zone of zones) {
    problems.push(...zone.problems);
    const meant = ({ link, domid }: Pick<LinkClaim, 'link' | 'domid'>) =>
      link === undefined ? (linksByDomid.get(domid) ?? []) : [link];
    const refuse = (candidates: readonly LinkName[], why: string) =>
      refused.push(...candidates.map((link) => refusedEntry(link, zone, why)));
    for (const claim of zone.claims) {
      const [link, ...others] = meant(claim);
      if (link === undefined) continue;
      if (others.length === 0) addClaim(claimed, link, zone, claim.addresses);
      else refuse([link, ...others], unclear(zone, claim, [link, ...others], problems));
    }
    for (const refusal of zone.refusals) refuse(meant(refusal), refusal.why);
  }
  return { entries: entriesOf(claimed, refused, problems).sort(byLink), problems: bounded(problems.sort()) };
}

/** One link has one entry: what can be used, else the first reason. */
function entriesOf(
  claimed: ReadonlyMap<LinkName, readonly Claimed[]>,
  refused: readonly ZoneEntry[],
  problems: string[],
): ZoneEntry[] {
  const known = new Set(claimed.keys());
  return [
    ...[...claimed].flatMap(([link, claims]) => judge(link, claims, problems)),
    ...refused.filter(({ link }) => known.size < known.add(link).size),
  ];
}

function judge(link: LinkName, claims: readonly Claimed[], problems: string[]): ZoneEntry[] {
  const [first, ...others] = claims;
  if (first === undefined) return [];
  if (others.length === 0) return [entryOf(link, first)];
  const why = say(directoryWarnings.claimedTwice, { link, ids: claimants(claims) });
  problems.push(why);
  return [{ ...refusedEntry(link, first.zone, why), name: undefined, origin: `zones ${claimants(claims)}` }];
}

/** True where the two say the same in every word. Runs on each event over all zones, so it does nothing in general. */
export function sameResolved(left: Resolved, right: Resolved): boolean {
  return sameList(left.entries, right.entries, sameEntry) && sameList(left.problems, right.problems, Object.is);
}

function sameEntry(left: ZoneEntry, right: ZoneEntry | undefined): boolean {
  if (left.link !== right?.link || left.origin !== right.origin || left.name !== right.name) return false;
  if (left.unusable?.why !== right.unusable?.why) return false;
  return sameList(left.addresses, right.addresses, Object.is);
}

function sameList<T>(
  left: readonly T[],
  right: readonly T[],
  same: (left: T, right: T | undefined) => boolean,
): boolean {
  return left.length === right.length && left.every((item, index) => same(item, right[index]));
}

interface Claimed {
  readonly zone: ControlZone;
  addresses: readonly Address[];
}

/** Several interfaces of one zone on one link are one claim with all their addresses. */
function addClaim(
  claimed: Map<LinkName, Claimed[]>,
  link: LinkName,
  zone: ControlZone,
  addresses: readonly Address[],
): void {
  const claims = claimed.get(link);
  if (claims === undefined) {
    claimed.set(link, [{ zone, addresses }]);
    return;
  }
  const own = claims.find((claim) => claim.zone === zone);
  if (own === undefined) claims.push({ zone, addresses });
  else own.addresses = [...new Set([...own.addresses, ...addresses])];
}

/** krata's case: which of the domain's links is meant is not ours to guess. */
function unclear({ id }: ControlZone, { domid }: LinkClaim, links: readonly LinkName[], problems: string[]): string {
  const names = [...links].sort().slice(0, maxNamed).join(', ');
  const why = say(directoryWarnings.severalLinks, { id, n: domid, links: names });
  problems.push(why);
  return why;
}

function refusedEntry(link: LinkName, { id, name }: ControlZone, why: string): ZoneEntry {
  return { link, addresses: [], name, origin: `zone ${id}`, unusable: { why, fix: undefined } };
}

function entryOf(link: LinkName, { zone, addresses }: Claimed): ZoneEntry {
  return { link, addresses, name: zone.name, origin: `zone ${zone.id}` };
}

function claimants(claims: readonly Claimed[]): string {
  const ids = claims.map(({ zone }) => zone.id).sort();
  return ids.slice(0, maxNamed).join(' and ') + (ids.length > maxNamed ? ' and others' : '');
}

function byLink(left: ZoneEntry, right: ZoneEntry): number {
  return left.link < right.link ? -1 : 1;
}

function bounded(problems: string[]): string[] {
  if (problems.length <= maxProblems) return problems;
  return [
    ...problems.slice(0, maxProblems),
    say(directoryWarnings.moreInControlApi, { n: problems.length - maxProblems }),
  ];
}

const maxNamed = 8;
const maxProblems = 200;
