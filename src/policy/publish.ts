/** Ports of this host that lead to zones: from text to which zone has which. Pure. */
import { quote } from '../config/toml-decode.ts';
import {
  type Address,
  contains,
  type Family,
  families,
  familyOf,
  type Prefix,
  parseAddress,
} from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { PolicedZone, Policy, Publication } from './model.ts';
import { selects } from './select.ts';

/** A publication and the zone that has it. */
export interface PublishedPort extends Pick<Publication, 'address' | 'transport' | 'port' | 'to' | 'from'> {
  /** The zone's first address of each family. */
  readonly zone: Readonly<Partial<Record<Family, Address | undefined>>>;
}

/** Of `listen`; or a sentence that says what is wrong and what was expected. */
export function parseListen(
  text: string,
  from: readonly Prefix[],
): Pick<Publication, 'address' | 'transport' | 'port'> | string {
  const [, where, digits = '', transport = ''] = /^(?:(.*):)?([^:/]*)(?:\/([^:/]*))?$/.exec(text) ?? [];
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535)
    return `${quote(text)} has no port; expected one such as "443/tcp" or "192.0.2.2:443/tcp", from 1 to 65535`;
  if (transport !== 'tcp' && transport !== 'udp')
    return `${quote(text)} does not say whether it is TCP or UDP; expected "/tcp" or "/udp" behind the port`;
  if (where === undefined) return { address: undefined, transport, port };
  const bare = /^\[(.*)\]$/.exec(where)?.[1];
  const address = parseAddress(bare ?? where);
  if (address === undefined)
    return `${quote(text)} has ${quote(where)} ahead of the port; expected an address of this host, or the port alone`;
  const family = familyOf(address);
  const right = `${family === 'ipv6' ? `[${address}]` : address}:${port}/${transport}`;
  if ((family === 'ipv6') !== (bare !== undefined))
    return `${quote(text)} has its brackets wrong; expected ${quote(right)}`;
  if (isOnlyHere(address))
    return `${quote(text)} is an address that only this host reaches; expected one that others reach, or the port alone`;
  if (from.length > 0 && !from.some((prefix) => prefix.family === family))
    return `${quote(text)} is open to nobody: no prefix in from is of its family`;
  return { address, transport, port };
}

/** Loopback, unspecified and link-local addresses. */
function isOnlyHere(address: Address): boolean {
  return /^(127\.|0\.|169\.254\.|fe[89ab].:)/.test(address) || address === '::1' || address === '::';
}

/** A publication, and the one ahead of it that has the port. */
export interface Conflict {
  readonly publication: Publication;
  readonly first: Publication;
}

/** Whatever zones there are: of two publications of a port the first has it, by the files' order. */
export function conflictsIn(policies: readonly Policy[]): Conflict[] {
  const known = new Map<string, Publication[]>();
  return policies
    .flatMap(({ publish }) => publish)
    .flatMap((publication) => {
      const key = `${publication.port}/${publication.transport}`;
      const rivals = known.get(key) ?? [];
      const first = rivals.find(({ address }) => overlap(address, publication.address));
      if (first !== undefined) return [{ publication, first }];
      known.set(key, [...rivals, publication]);
      return [];
    });
}

function overlap(one: Address | undefined, other: Address | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

/** A zone that a publication is about, though another zone has the port. */
export interface Loser {
  readonly publication: Publication;
  readonly link: LinkName;
  readonly holder: LinkName;
}

export interface Published {
  readonly ports: readonly PublishedPort[];
  readonly losers: readonly Loser[];
}

/** Who has which port: of several zones that one publication is about, the first of `zones`. */
export function publishedBy(policies: readonly Policy[], zones: Iterable<PolicedZone>): Published {
  const publishing = policies.filter(({ publish }) => publish.length > 0);
  const about = new Map(publishing.map((policy) => [policy, [] as PolicedZone[]]));
  for (const zone of publishing.length === 0 ? [] : zones)
    for (const [{ selector }, found] of about) if (selects(selector, zone)) found.push(zone);
  const lost = new Set(conflictsIn(publishing).map(({ publication }) => publication));
  const held = [...about].flatMap(([{ publish }, [holder, ...others]]) =>
    holder === undefined
      ? []
      : publish.filter((each) => !lost.has(each)).map((each) => ({ publication: each, holder, others })),
  );
  return {
    ports: held.map(({ publication: { address, transport, port, to, from }, holder }) => ({
      address,
      transport,
      port,
      to,
      from,
      zone: firstOfEach(holder.addresses),
    })),
    losers: held.flatMap(({ publication, holder, others }) =>
      others.map(({ link }) => ({ publication, link, holder: holder.link })),
    ),
  };
}

function firstOfEach(addresses: readonly Address[]): PublishedPort['zone'] {
  const found = families.map((family) => [family, addresses.find((each) => familyOf(each) === family)] as const);
  return Object.fromEntries(found.filter(([, address]) => address !== undefined));
}

/** Publications that lead nowhere, because their address is one of zones'. */
export function insideSubnets(policies: readonly Policy[], subnets: readonly Prefix[]): Publication[] {
  return policies
    .flatMap(({ publish }) => publish)
    .filter(({ address }) => address !== undefined && subnets.some((subnet) => contains(subnet, address)));
}
