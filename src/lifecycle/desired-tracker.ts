/**
 * Keeps what is desired up to date at a cost that grows with what changed. Only the links that a change can concern are
 * judged anew, by the same pure function as all of them at the start (`desired.ts`), and the outcome is the same.
 *
 * A link's outcome depends on its owner, on what the directories say of it, and on those who claim one of its addresses
 * too; these are always judged anew, since who holds the address also counts. While a directory has yet to answer, what
 * is served counts as well, and everything is judged each time.
 */
import type { Config } from '../config/config.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { Link } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { Policy } from '../policy/model.ts';
import { publishedBy } from '../policy/publish.ts';
import { Accesses } from './accesses.ts';
import { Claimants } from './claimants.ts';
import type { Refusal } from './claims.ts';
import { computeDesired, type Desired, type DesiredInput, type DesiredZone, siblingsAfter } from './desired.ts';
import type { TouchedLinks } from './link-table.ts';
import type { Mirror } from './mirror.ts';
import { sameTaker } from './taken.ts';

export interface DesiredFacts {
  readonly config: Config;
  readonly hasIpv6: boolean;
  readonly mirror: Mirror;
  readonly directories: readonly AskedDirectory[];
  readonly served: ReadonlyMap<number, DesiredZone>;
  readonly policies: readonly Policy[];
  /** See `TableShares`. */
  readonly share: number | undefined;
  /** Addresses that a zone of another host has; another set where it is different. */
  readonly elsewhere?: ReadonlySet<Address>;
}

/** The maps that `computeDesired` made, which are ours from then on. */
interface Kept extends Desired {
  readonly zones: Map<number, DesiredZone>;
  readonly byLink: Map<LinkName, DesiredZone>;
  readonly addresses: Set<Address>;
  readonly unserved: Map<number, Refusal>;
  readonly problems: Map<LinkName, readonly string[]>;
}

export class DesiredTracker {
  #facts: DesiredFacts | undefined;
  #desired: Kept | undefined;
  /** Made when it is first needed: at the start it would only cost time. */
  #claimants: Claimants | undefined;
  #changed: Set<number> | 'all' = 'all';
  readonly accesses = new Accesses();

  /** Its maps change with the next `update`. Undefined before the first. */
  get desired(): Desired | undefined {
    return this.#desired;
  }

  /** The links, by ifindex, whose outcome has changed since the last call of `settled`. */
  get changed(): ReadonlySet<number> | 'all' {
    return this.#changed;
  }

  /** Everything that changed has been put in place, or its failure is on record. */
  settled(): void {
    this.#changed = new Set();
  }

  update(facts: DesiredFacts): Desired {
    const touched = facts.mirror.takeTouched();
    const [before, desired] = [this.#facts, this.#desired];
    this.#facts = facts;
    const isNewPolicy = before?.policies !== facts.policies;
    const isNewLayout = isNewPolicy && this.accesses.enforce(facts.policies);
    if (
      desired === undefined ||
      before === undefined ||
      touched === 'all' ||
      isNewLayout ||
      mustJudgeAll(before, facts)
    ) {
      this.#claimants = undefined;
      this.#changed = 'all';
      this.#desired = judgeAll(facts, this.accesses);
    } else {
      this.#claimants ??= new Claimants(before.directories);
      // Whoever has no rival any more may have what was refused.
      const rivals = this.#claimants.rivals();
      const told = this.#claimants.take(facts.directories);
      const links = new Set([...told, ...touched.names, ...rivals, ...this.#claimants.rivals()]);
      this.#desired = this.#judge(links, touched, facts, desired);
    }
    if (this.accesses.locate(this.#desired.zones.values(), facts.config.settings.fleet.zones) || isNewPolicy)
      this.#renewAccesses(this.#desired);
    if (this.accesses.isPublishing || this.#desired.layout.published.length > 0) {
      const zones = [...this.#desired.zones.values()].sort((one, other) => one.ifindex - other.ifindex);
      const { ports: published, losers: unpublished } = publishedBy(facts.policies, zones);
      this.#desired = { ...this.#desired, layout: { ...this.#desired.layout, published }, unpublished };
    }
    return this.#desired;
  }

  /** Zones that may reach something else than before, though nothing of their own has changed. */
  #renewAccesses({ zones, byLink }: Kept): void {
    for (const [ifindex, zone] of zones) {
      const { access: before, ...rest } = zone;
      const access = this.accesses.accessOf(zone, before);
      if (access === before) continue;
      const renewed = access === undefined ? rest : { ...rest, access };
      zones.set(ifindex, renewed);
      if (byLink.get(zone.link) === zone) byLink.set(zone.link, renewed);
      if (this.#changed !== 'all') this.#changed.add(ifindex);
    }
  }

  #judge(links: ReadonlySet<LinkName>, touched: TouchedLinks, facts: DesiredFacts, desired: Kept): Kept {
    if (links.size === 0 || this.#claimants === undefined) return desired;
    const outcome = computeDesired(inputFor(links, this.#claimants, facts, this.accesses));
    const bearers = [...links].flatMap((link) => facts.mirror.namesakes(link));
    const old = [...links].flatMap((link) => desired.byLink.get(link)?.ifindex ?? []);
    const changed = replace(desired, outcome, links, new Set([...touched.indices, ...bearers, ...old]));
    if (this.#changed !== 'all') for (const ifindex of changed) this.#changed.add(ifindex);
    return { ...desired, ...siblingsAfter(desired, changed) };
  }
}

function judgeAll(facts: DesiredFacts, accesses: Accesses): Kept {
  const { config, hasIpv6, mirror, directories, served, share, elsewhere } = facts;
  const [links, holders] = [mirror.links.values(), mirror.holders()];
  const takenBy = (link: Link) => mirror.takenBy(link);
  const named = { guestsElsewhere: mirror.guestsElsewhere(), hostLinks: mirror.hostLinks() };
  const input = { config, hasIpv6, links, ...named, takenBy, directories, holders, served, share, elsewhere };
  return computeDesired({ ...input, ...policiesIn(accesses) }) as Kept;
}

function mustJudgeAll(before: DesiredFacts, now: DesiredFacts): boolean {
  if (before.config !== now.config || before.hasIpv6 !== now.hasIpv6) return true;
  if (before.share !== now.share || before.elsewhere !== now.elsewhere) return true;
  if (before.directories.length !== now.directories.length) return true;
  return [...before.directories, ...now.directories].some(({ snapshot }) => snapshot.state === 'waiting');
}

function policiesIn(accesses: Accesses): Pick<DesiredInput, 'isPoliced' | 'limits' | 'accessOf'> {
  return { isPoliced: accesses.isPoliced, limits: accesses.limits, accessOf: (zone) => accesses.accessOf(zone) };
}

/** Everything that counts for `links` and nothing else. */
function inputFor(
  links: ReadonlySet<LinkName>,
  claimants: Claimants,
  facts: DesiredFacts,
  accesses: Accesses,
): DesiredInput {
  const { config, hasIpv6, mirror } = facts;
  const indices = [...links].flatMap((link) => mirror.namesakes(link));
  const holders = new Map<Address, LinkName>();
  for (const link of links) {
    for (const address of claimants.addressesOf(link)) {
      const holder = mirror.holderNameOf(address);
      if (holder !== undefined) holders.set(address, holder);
    }
  }
  return {
    config,
    hasIpv6,
    links: indices.flatMap((ifindex) => mirror.links.get(ifindex) ?? []),
    takenBy: (link) => mirror.takenBy(link),
    ...policiesIn(accesses),
    directories: claimants.about(links),
    elsewhere: facts.elsewhere,
    holders,
    served: new Map(
      indices.flatMap((ifindex) => {
        const zone = facts.served.get(ifindex);
        return zone === undefined ? [] : [[ifindex, zone] as const];
      }),
    ),
  };
}

/** Puts `outcome` in the place of what was desired for `links`, whose links were or are `indices`. Returns what differs. */
function replace(
  desired: Kept,
  outcome: Desired,
  links: ReadonlySet<LinkName>,
  indices: ReadonlySet<number>,
): Set<number> {
  const changed = new Set<number>();
  const fresh = new Map(outcome.zones);
  for (const ifindex of indices) {
    const [before, now] = [desired.zones.get(ifindex), outcome.zones.get(ifindex)];
    const isSame = sameZone(before, now);
    if (isSame && before !== undefined) fresh.set(ifindex, before);
    if (!isSame || !sameRefusal(desired.unserved.get(ifindex), outcome.unserved.get(ifindex))) changed.add(ifindex);
    desired.zones.delete(ifindex);
    desired.unserved.delete(ifindex);
    for (const address of before?.addresses ?? []) desired.addresses.delete(address);
  }
  for (const link of links) desired.byLink.delete(link);
  for (const [ifindex, zone] of fresh) {
    desired.zones.set(ifindex, zone);
    desired.byLink.set(zone.link, zone);
    for (const address of zone.addresses) desired.addresses.add(address);
  }
  for (const [ifindex, refusal] of outcome.unserved) desired.unserved.set(ifindex, refusal);
  replaceProblems(desired.problems, outcome.problems, links);
  return changed;
}

function replaceProblems(problems: Kept['problems'], outcome: Desired['problems'], links: Iterable<LinkName>): void {
  for (const link of links) {
    const now = outcome.get(link);
    if (now === undefined) problems.delete(link);
    else problems.set(link, now);
  }
}

function sameRefusal(one: Refusal | undefined, other: Refusal | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const isSame = one.reason === other.reason && one.fix === other.fix && one.directory === other.directory;
  return isSame && one.origin === other.origin && one.addresses.join() === other.addresses.join();
}

function sameZone(one: DesiredZone | undefined, other: DesiredZone | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const isLabelledAlike = one.name === other.name && one.directory === other.directory && one.origin === other.origin;
  const isSame =
    one.link === other.link && sameTaker(one.taken, other.taken) && one.access?.text === other.access?.text;
  return isSame && isLabelledAlike && one.addresses.join() === other.addresses.join();
}
