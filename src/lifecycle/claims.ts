/**
 * Which address belongs to which link: what the zone directories say, in their order, judged. Pure.
 *
 * The first directory that knows a link wins; another that disagrees is reported. An address counts inside its subnet,
 * once, and never where it is the subnet's, the gateway's or the host's. A link with an address that does not count has
 * no network at all: half a zone would hide the mistake.
 */
import { type Subnets, whyNotUsable } from '../config/subnet.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { ZoneEntry } from '../directories/zone-entry.ts';
import { type Address, familyOf } from '../model/address.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { LinkName } from '../model/link-name.ts';
import { say } from '../words/say.ts';
import { directoryWarnings, reasons } from '../words/warnings.ts';

export interface Claim {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
  readonly name: string | undefined;
  /** Undefined for what a daemon before us left, and nobody has confirmed yet. */
  readonly directory: DirectoryName | undefined;
  readonly origin: string;
}

export interface Claims {
  readonly granted: ReadonlyMap<LinkName, Claim>;
  readonly refused: ReadonlyMap<LinkName, Refusal>;
  /** What people should know of a link, in a stable order. */
  readonly problems: ReadonlyMap<LinkName, readonly string[]>;
}

/** Why a link on the host has no network though a directory knows it. */
export interface Refusal {
  /** One sentence, behind "LINK has no network:". */
  readonly reason: string;
  /** A command, where one is sure to help. */
  readonly fix: string | undefined;
  readonly directory: DirectoryName | undefined;
  readonly origin: string;
  /** What the directory calls the zone. */
  readonly name?: string | undefined;
  /** What was claimed, whether or not it counts. */
  readonly addresses: readonly Address[];
  /** False where the directory gives the link no address, and means it. */
  readonly isWanted: boolean;
}

export interface ClaimsInput {
  readonly directories: readonly AskedDirectory[];
  readonly subnets: Subnets;
  /** Those on the host: a leftover entry for a link that is gone claims nothing. */
  readonly links: ReadonlySet<LinkName>;
  /** Who has which address now, so that a newcomer's duplicate never takes it from a zone that is being served. */
  readonly holders: ReadonlyMap<Address, LinkName>;
  /** What is served now; it stays so while the directory that said it (or any, where that is unknown) has yet to answer. */
  readonly served: readonly Claim[];
  /** Those that a zone of another host has. */
  readonly elsewhere?: ReadonlySet<Address> | undefined;
}

export function judgeClaims({ directories, subnets, links, holders, served, elsewhere }: ClaimsInput): Claims {
  const { claims, problems, unusable } = firstWins(directories, links, served);
  const granted = new Map<LinkName, Claim>();
  const refused = new Map<LinkName, Refusal>();
  const owners = new Map<Address, LinkName>();
  for (const claim of claims.values()) {
    const ownerOf = (address: Address) => owners.get(address) ?? incumbent(address, claims, holders);
    const reason = whyRefused(claim, subnets, ownerOf) ?? whyElsewhere(claim, elsewhere);
    if (reason === undefined) {
      const addresses = claim.addresses.filter((address) => subnets[familyOf(address)] !== undefined);
      for (const address of addresses) owners.set(address, claim.link);
      granted.set(claim.link, addresses.length === claim.addresses.length ? claim : { ...claim, addresses });
    } else {
      const { directory, origin, name, addresses } = claim;
      const isWanted = addresses.length > 0 && !addresses.some((address) => elsewhere?.has(address) === true);
      refused.set(claim.link, { reason, fix: undefined, directory, origin, name, addresses, isWanted });
    }
  }
  for (const [link, refusal] of unusable) if (!claims.has(link)) refused.set(link, refusal);
  return { granted, refused, problems };
}

function firstWins(
  directories: readonly AskedDirectory[],
  links: ReadonlySet<LinkName>,
  served: readonly Claim[],
): { claims: Map<LinkName, Claim>; problems: Map<LinkName, string[]>; unusable: Map<LinkName, Refusal> } {
  const claims = new Map<LinkName, Claim>();
  const unusable = new Map<LinkName, Refusal>();
  const problems = new Map<LinkName, string[]>();
  const asked = new Set<DirectoryName | undefined>(directories.map(({ name }) => name));
  for (const { name, snapshot } of directories) {
    // A directory that has not answered yet is taken to say what it said last, and what nobody else can say any more.
    const isKept = ({ directory }: Claim) => directory === name || !asked.has(directory);
    if (snapshot.state === 'waiting') keepServed(claims, links, served.filter(isKept));
    for (const entry of snapshot.entries.filter(({ link }) => links.has(link))) {
      const refusal = refusalOf(entry, name);
      if (refusal !== undefined) {
        if (!unusable.has(entry.link)) unusable.set(entry.link, refusal);
        continue;
      }
      const problem = hear(claims, entry, name);
      if (problem !== undefined) tell(problems, entry.link, problem);
    }
  }
  return { claims, problems, unusable };
}

function refusalOf({ unusable, origin }: ZoneEntry, directory: DirectoryName): Refusal | undefined {
  if (unusable === undefined) return undefined;
  return { reason: unusable.why, fix: unusable.fix, directory, origin, addresses: [], isWanted: true };
}

function tell(problems: Map<LinkName, string[]>, link: LinkName, problem: string): void {
  const known = problems.get(link);
  if (known === undefined) problems.set(link, [problem]);
  else known.push(problem);
}

/** Returns what there is to report about the entry. */
function hear(claims: Map<LinkName, Claim>, entry: ZoneEntry, directory: DirectoryName): string | undefined {
  const first = claims.get(entry.link);
  const isSame = first === undefined || sameAddresses(first, entry);
  // What was found on the host is confirmed by the first that says the same.
  if (isSame && first?.directory === undefined) claims.set(entry.link, claimOf(entry, directory));
  // Policies go by names: one that only the second knows counts.
  else if (isSame && first?.name === undefined) claims.set(entry.link, { ...first, name: entry.name });
  return isSame ? undefined : disagreement(first, entry, directory);
}

function keepServed(claims: Map<LinkName, Claim>, links: ReadonlySet<LinkName>, kept: readonly Claim[]): void {
  for (const claim of kept) if (links.has(claim.link) && !claims.has(claim.link)) claims.set(claim.link, claim);
}

function claimOf(entry: ZoneEntry, directory: DirectoryName): Claim {
  const { link, addresses, name, origin } = entry;
  return { link, addresses: [...new Set(addresses)], name, directory, origin };
}

function sameAddresses(
  a: { readonly addresses: readonly Address[] },
  b: { readonly addresses: readonly Address[] },
): boolean {
  return [...new Set(a.addresses)].sort().join(' ') === [...new Set(b.addresses)].sort().join(' ');
}

function disagreement(first: Claim, second: ZoneEntry, directory: DirectoryName): string {
  const winner = first.directory ?? 'what was found';
  const [addresses, addresses2] = [first, second].map((each) => each.addresses.join(', ') || 'no address');
  return say(directoryWarnings.disagreement, {
    link: first.link,
    directory: winner,
    addresses: `${addresses}`,
    origin: first.origin,
    directory2: directory,
    addresses2: `${addresses2}`,
    origin2: second.origin,
    directory3: winner,
  });
}

/** The link that has the address now and goes on claiming it. */
function incumbent(
  address: Address,
  claims: ReadonlyMap<LinkName, Claim>,
  holders: ReadonlyMap<Address, LinkName>,
): LinkName | undefined {
  const holder = holders.get(address);
  if (holder === undefined) return undefined;
  return claims.get(holder)?.addresses.includes(address) === true ? holder : undefined;
}

function whyElsewhere({ addresses }: Claim, elsewhere: ReadonlySet<Address> | undefined): string | undefined {
  const address = addresses.find((each) => elsewhere?.has(each) === true);
  return address && say(reasons.elsewhere, { address });
}

function whyRefused(
  claim: Claim,
  subnets: Subnets,
  ownerOf: (address: Address) => LinkName | undefined,
): string | undefined {
  // A family that is switched off is no mistake of whoever gave the address.
  const inUse = claim.addresses.filter((address) => subnets[familyOf(address)] !== undefined);
  const [first] = claim.addresses;
  if (first === undefined) return reasons.noAddressAssigned;
  if (inUse.length === 0) return whyNotUsable(subnets, first);
  for (const address of inUse) {
    const reason = whyNotUsable(subnets, address);
    if (reason !== undefined) return reason;
    const owner = ownerOf(address);
    if (owner !== undefined && owner !== claim.link) return say(reasons.alreadyTaken, { address, link: owner });
  }
  return undefined;
}
