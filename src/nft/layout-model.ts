/** What a layout is made of: the settings that shape it, and chains and sets as values. */
import type { BaseHook } from '../host/nft-command.ts';
import { type Address, type Family, families, familyOf, type Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { PublishedPort } from '../policy/publish.ts';
import type { Expression } from './expressions.ts';
import type { LinkLimit } from './limits.ts';
import { dropCounts } from './names.ts';

/** The part of the settings that shapes the ruleset. */
export interface LayoutSettings {
  readonly subnets: { readonly ipv4: Prefix | undefined; readonly ipv6: Prefix | undefined };
  readonly uplinkInterfaces: readonly string[];
  /** What zones leave under where that is not their own address: one of the host's, which the kernel chooses, or this one. */
  readonly masquerade: Readonly<Record<Family, 'kernel' | Address | 'off'>>;
  /** Destinations that see zones' own addresses. */
  readonly notMasqueraded: readonly Prefix[];
  /** The zones of other hosts, and the links to those; undefined: there are none. */
  readonly fleet: { readonly prefixes: readonly Prefix[]; readonly uplinks: readonly string[] } | undefined;
  /** Links of guests that are called unlike zones', sorted: nothing that comes by them passes. */
  readonly guestsElsewhere: readonly string[];
  /** The host's own links that are called like zones', sorted by name: they are left alone. */
  readonly hostLinks: readonly HostLink[];
  readonly placement: 'auto' | 'first';
  /** One bit, or 0 for none. */
  readonly mark: number;
  readonly antiSpoof: boolean;
  readonly denyZoneToZone: boolean;
  /** Empty where metadata is allowed. */
  readonly deniedMetadata: readonly (Address | Prefix)[];
  readonly denyHost: boolean;
  /** Where zones' questions for names are answered, on the gateways; undefined while no policy says what zones may reach. */
  readonly egress: { readonly resolverPort: number } | undefined;
  /** Ports of this host that lead to zones. */
  readonly published: readonly PublishedPort[];
  /** Every limit that policies have, each a set of links. */
  readonly limits: readonly LinkLimit[];
  /** Connections that one zone may have begun, of all that this host can track; undefined where that is not known. */
  readonly share: number | undefined;
  readonly gateways: Readonly<Record<Family, Address | undefined>>;
}

/** Equal for layouts that differ in nothing but the configuration: of all else that shapes one, a pass has to be told. */
export function shapeOf({ guestsElsewhere, hostLinks, egress, published, limits, share }: LayoutSettings): string {
  return JSON.stringify([guestsElsewhere, hostLinks, egress !== undefined, published, limits, share]);
}

/** `kind`: rtnetlink's word, e.g. `bridge`. */
export interface HostLink {
  readonly name: string;
  readonly kind: string;
}

/** A link and the addresses it may use. */
export interface ZonePair {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
  /** What its policies allow; undefined where none names it. */
  readonly access?: Access | undefined;
}

/** What a zone's policies come to in the kernel: keys of elements by set. `text` is equal for equal ones. */
export interface Access {
  /** Undefined where it may reach everything. */
  readonly mode: 'enforce' | 'audit' | undefined;
  readonly elements: ReadonlyMap<string, readonly string[]>;
  /** Bits a second that it is sent at most; undefined for no bound. */
  readonly receive: number | undefined;
  readonly text: string;
}

export interface ChainLayout {
  readonly name: string;
  readonly hook: BaseHook | undefined;
  readonly rules: readonly (readonly Expression[])[];
  /** The operator's chain: its rules are never ours to compare. */
  readonly operators?: true;
}

/** For sets with an element for each link: more than a host can have; a zone cannot make elements, only its link's name is one. */
export const filledPerLink = { size: 65_535, timeout: 60 };

/** Packets of one reason that are reported, of all links together. What the log prints is bounded again by its reader. */
export const toldByAll = { perSecond: 20, burst: 20 };

/** Every link of a zone, whoever made it. The wildcard is one prefix comparison in the kernel. */
export const anyZoneLink = 'vif*';

/** The sets that count what zones' links drop; what policies deny or limit is counted while there are such, and of links with one. */
export function dropSets({ egress, limits, share }: LayoutSettings): string[] {
  return Object.values(dropCounts).filter((name) => {
    if (name === dropCounts.denied) return egress !== undefined;
    if (name === dropCounts.bandwidth) return limits.some(({ kind }) => kind === 'send');
    return name !== dropCounts.limit || limitsConnections({ limits, share });
  });
}

/** Something bounds the connections of some zone. */
export function limitsConnections({ limits, share }: Pick<LayoutSettings, 'limits' | 'share'>): boolean {
  return share !== undefined || limits.some(({ kind }) => kind !== 'send');
}

/** The metadata addresses of a family that zones are denied. */
export function metadataOf({ deniedMetadata }: LayoutSettings, family: Family): (Address | Prefix)[] {
  return deniedMetadata.filter((target) => (typeof target === 'string' ? familyOf(target) : target.family) === family);
}

export function enabledFamilies(settings: Pick<LayoutSettings, 'subnets'>): readonly Family[] {
  return families.filter((family) => settings.subnets[family] !== undefined);
}
