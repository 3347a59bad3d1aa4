/** What a layout is made of: the settings that shape it, and chains and sets as values. */
import { type Address, type Family, families, type Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { Expression } from './expressions.ts';

/** The part of the settings that shapes the ruleset. */
export interface LayoutSettings {
  readonly subnets: { readonly ipv4: Prefix | undefined; readonly ipv6: Prefix | undefined };
  readonly uplinkInterfaces: readonly string[];
  readonly placement: 'auto' | 'first';
  /** One bit, or 0 for none. */
  readonly mark: number;
  readonly antiSpoof: boolean;
  readonly denyZoneToZone: boolean;
  /** Empty where metadata is allowed. */
  readonly deniedMetadata: readonly (Address | Prefix)[];
  readonly denyHost: boolean;
}

/** A link and the addresses it may use. */
export interface ZonePair {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
}

export interface BaseHook {
  readonly type: 'filter' | 'nat';
  readonly hook: string;
  /** nft's numeric priority: raw -300, filter 0, srcnat 100. */
  readonly prio: number;
}

export interface ChainLayout {
  readonly name: string;
  readonly hook: BaseHook | undefined;
  readonly rules: readonly (readonly Expression[])[];
  /** The operator's chain: its rules are never ours to compare. */
  readonly operators?: true;
}

export interface SetLayout {
  readonly name: string;
  readonly type: string | readonly string[];
  readonly counted?: true;
  /** Filled by packets: at most `size` elements, each forgotten `timeout` seconds after its last packet. */
  readonly filled?: { readonly size: number; readonly timeout: number };
}

/** Every link of a zone, whoever made it. The wildcard is one prefix comparison in the kernel. */
export const anyZoneLink = 'vif*';

export function enabledFamilies(settings: LayoutSettings): readonly Family[] {
  return families.filter((family) => settings.subnets[family] !== undefined);
}
