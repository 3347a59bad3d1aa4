/**
 * What nftables should hold: a pure function of settings and zones, in two parts. The static part (chains, rules, sets)
 * changes with the settings only; the elements and the documented pairs come and go with each zone.
 *
 * Cost per packet: a zone's packet pays set lookups, whose cost does not depend on how many zones there are; a packet
 * that touches no zone pays comparisons of interface names, and one lookup of its source.
 */
import type { NftFamily } from '../host/port.ts';
import { type Address, type Family, families, familyOf, type Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import {
  accept,
  addressInSet,
  addressIs,
  addressIsNot,
  clearMarkBit,
  counter,
  drop,
  type Expression,
  interfaceIn,
  interfaceInSet,
  interfaceIs,
  interfaceIsNot,
  jump,
  markHas,
  masquerade,
  pairIn,
  payloadIs,
  protocolIs,
  returns,
  setMarkBit,
  trackingStateIn,
} from './expressions.ts';
import { sets, spoofedSet, userChain, userInputChain } from './names.ts';

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
  readonly counted: boolean;
}

const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
const linkMulticast = { prefix: { addr: 'ff02::', len: 16 } };
/** Every link of a zone, whoever made it. The wildcard is one prefix comparison in the kernel. */
const anyZoneLink = 'vif*';
const raw = -300;
const filter = 0;
const sourceNat = 100;

export function enabledFamilies(settings: LayoutSettings): readonly Family[] {
  return families.filter((family) => settings.subnets[family] !== undefined);
}

export function ownSets(settings: LayoutSettings): SetLayout[] {
  const perFamily = enabledFamilies(settings).flatMap((family): SetLayout[] => {
    const type = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
    const { from, to, zone } = sets[family];
    return [
      { name: from, type: ['ifname', type], counted: true },
      { name: to, type: ['ifname', type], counted: true },
      { name: zone, type, counted: false },
    ];
  });
  return [...perFamily, { name: spoofedSet, type: 'ifname', counted: true }];
}

/** Chains that are there with some settings only. */
export const optionalChains: readonly string[] = ['forward-end', 'input-guard'];

export function ownChains(settings: LayoutSettings): ChainLayout[] {
  const chains: ChainLayout[] = [
    { name: 'from-zone', hook: undefined, rules: fromZone(settings) },
    { name: 'guard', hook: { type: 'filter', hook: 'prerouting', prio: raw }, rules: guard(settings) },
    {
      name: 'forward-begin',
      hook: { type: 'filter', hook: 'forward', prio: filter - 1 },
      rules: forwardBegin(settings),
    },
    { name: 'output-count', hook: { type: 'filter', hook: 'output', prio: filter }, rules: countToZone(settings) },
    { name: 'uplink-nat', hook: { type: 'nat', hook: 'postrouting', prio: sourceNat }, rules: uplinkNat(settings) },
    { name: userInputChain, hook: undefined, rules: [], operators: true },
  ];
  if (settings.mark !== 0) {
    const hook: BaseHook = { type: 'filter', hook: 'forward', prio: filter + 1 };
    chains.push({ name: 'forward-end', hook, rules: [[markHas(settings.mark), clearMarkBit(settings.mark)]] });
  }
  if (settings.denyHost) {
    chains.push({ name: 'input-guard', hook: { type: 'filter', hook: 'input', prio: filter }, rules: inputGuard });
  }
  return chains;
}

/** Nothing but its own address leaves a zone's link, and no zone's address arrives elsewhere. Before conntrack. */
function guard(settings: LayoutSettings): Expression[][] {
  const elsewhere = enabledFamilies(settings).map((family) => [
    interfaceIsNot('iifname', 'lo'),
    addressInSet(family, 'saddr', sets[family].zone),
    counter,
    drop,
  ]);
  return [[interfaceIs('iifname', anyZoneLink), jump('from-zone')], ...(settings.antiSpoof ? elsewhere : [])];
}

/**
 * Ends with a drop for every zone link, known or not. Neighbour discovery has link-local sources, and the unspecified one
 * while an address is probed (RFC 4861 4.3, RFC 4862 5.4.2); a hop limit of 255 proves that it was not forwarded.
 */
function fromZone(settings: LayoutSettings): Expression[][] {
  const own = enabledFamilies(settings).map((family) => [
    pairIn('iifname', family, 'saddr', sets[family].from),
    accept,
  ]);
  const discovery = [
    payloadIs('ip6', 'hoplimit', 255),
    payloadIs('icmpv6', 'type', { set: ['nd-neighbor-solicit', 'nd-neighbor-advert'] }),
    accept,
  ];
  const neighbourDiscovery =
    settings.subnets.ipv6 === undefined
      ? []
      : [
          [payloadIs('ip6', 'saddr', linkLocal), ...discovery],
          [payloadIs('ip6', 'saddr', '::'), ...discovery],
        ];
  // Multicast listener reports and router solicitations: every guest sends them, none of them is a forgery.
  const chatter =
    settings.subnets.ipv6 === undefined
      ? [[protocolIs('ipv6'), drop]]
      : [
          [payloadIs('ip6', 'saddr', linkLocal), payloadIs('ip6', 'daddr', linkMulticast), drop],
          [payloadIs('ip6', 'saddr', '::'), payloadIs('ip6', 'daddr', linkMulticast), drop],
        ];
  const known = [interfaceInSet('iifname', spoofedSet), settings.antiSpoof ? drop : accept];
  return [...own, ...neighbourDiscovery, ...(settings.antiSpoof ? chatter : []), known, [counter, drop]];
}

/**
 * Marks what `EDERA-FORWARD` may accept at once. A packet from a zone link has passed the guard by now. A packet towards
 * one is marked where link and address belong together, and carries no mark that somebody else set.
 */
function forwardBegin(settings: LayoutSettings): Expression[][] {
  const { mark } = settings;
  if (mark === 0) return countToZone(settings);
  return [
    [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), accept],
    [interfaceIs('iifname', anyZoneLink), setMarkBit(mark)],
    [interfaceIsNot('iifname', anyZoneLink), markHas(mark), clearMarkBit(mark)],
    ...enabledFamilies(settings).map((family) => [
      pairIn('oifname', family, 'daddr', sets[family].to),
      setMarkBit(mark),
    ]),
  ];
}

/** The lookup counts by itself: each element has a counter. */
function countToZone(settings: LayoutSettings): Expression[][] {
  return [
    [interfaceIsNot('oifname', anyZoneLink), accept],
    ...enabledFamilies(settings).map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), accept]),
  ];
}

/** Zone to zone keeps its addresses; so does what leaves by an interface that is not an uplink. */
function uplinkNat(settings: LayoutSettings): Expression[][] {
  const { subnets, uplinkInterfaces } = settings;
  const leaving =
    uplinkInterfaces.length > 0
      ? [interfaceIn('oifname', uplinkInterfaces)]
      : [interfaceIsNot('oifname', anyZoneLink), interfaceIsNot('oifname', 'lo')];
  return enabledFamilies(settings).flatMap((family) => {
    const subnet = subnets[family];
    if (subnet === undefined) return [];
    return [
      [addressIs(family, 'saddr', subnet), addressIsNot(family, 'daddr', subnet), ...leaving, counter, masquerade],
    ];
  });
}

/** Answers to what dom0 itself asked, and neighbour discovery, without which the link is dead, stay possible. */
const inputGuard: Expression[][] = [
  [interfaceIsNot('iifname', anyZoneLink), accept],
  [trackingStateIn(['established', 'related']), accept],
  [payloadIs('icmpv6', 'type', { set: ['nd-neighbor-solicit', 'nd-neighbor-advert'] }), accept],
  [jump(userInputChain)],
  [counter, drop],
];

/** The head of `EDERA-FORWARD`, in `ip filter` and `ip6 filter` alike. Only what iptables can read back. */
export function forwardHead(settings: LayoutSettings, family: Family): Expression[][] {
  const metadata = settings.deniedMetadata.filter(
    (target) => (typeof target === 'string' ? familyOf(target) : target.family) === family,
  );
  return [
    [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), returns],
    [jump(userChain)],
    ...(settings.denyZoneToZone
      ? [[interfaceIs('iifname', anyZoneLink), interfaceIs('oifname', anyZoneLink), counter, drop]]
      : []),
    ...metadata.map((target) => [
      interfaceIs('iifname', anyZoneLink),
      addressIs(family, 'daddr', target),
      counter,
      drop,
    ]),
    ...(settings.mark === 0 ? [] : [[markHas(settings.mark), counter, accept]]),
  ];
}

/** The documented pair: what lets a zone through where the mark or our own table is gone. */
export function forwardPair(link: LinkName): [out: Expression[], into: Expression[]] {
  return [
    [interfaceIs('oifname', link), counter, accept],
    [interfaceIs('iifname', link), counter, accept],
  ];
}

export type FilterFamily = Exclude<NftFamily, 'inet'>;
