/**
 * What nftables should hold: a pure function of settings and zones, in two parts. The static part (chains, rules, sets)
 * changes with the settings only; the elements and the documented pairs come and go with each zone.
 *
 * Cost per packet: a zone's packet pays set lookups, whose cost does not depend on how many zones there are; a packet
 * that touches no zone pays comparisons of interface names, and one lookup of its source.
 */
import { type Address, type Family, families, type Prefix } from '../model/address.ts';
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
  trackedSourceIn,
  trackingStateIn,
} from './expressions.ts';
import { sets, spoofedSet, userInputChain } from './names.ts';

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

const loopbackNet = { prefix: { addr: '127.0.0.0', len: 8 } };
const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
const linkMulticast = { prefix: { addr: 'ff02::', len: 16 } };
/** Every link of a zone, whoever made it. The wildcard is one prefix comparison in the kernel. */
export const anyZoneLink = 'vif*';
/**
 * Ahead of conntrack's defragmentation (-400), whose queue does not ask by which link a fragment came: behind it, a forged
 * tail is put together with a sibling's genuine head, and leaves as the sibling's packet (measured at -300: 20 of 20).
 */
const beforeDefragmentation = -450;
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
    { name: 'zone-errors', hook: undefined, rules: zoneErrors(settings) },
    { name: 'from-zone', hook: undefined, rules: fromZone(settings) },
    {
      name: 'guard',
      hook: { type: 'filter', hook: 'prerouting', prio: beforeDefragmentation },
      rules: guard(settings),
    },
    {
      name: 'forward-begin',
      hook: { type: 'filter', hook: 'forward', prio: filter - 1 },
      rules: forwardBegin(settings),
    },
    { name: 'input-errors', hook: { type: 'filter', hook: 'input', prio: filter - 1 }, rules: inputErrors(settings) },
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

/** Nothing but its own address leaves a zone's link, and no zone's address arrives elsewhere. */
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
  // Whoever set route_localnet for all links has opened dom0's loopback services to every one of them.
  const loopback = settings.subnets.ipv4 === undefined ? [] : [[payloadIs('ip', 'daddr', loopbackNet), counter, drop]];
  return [...loopback, ...own, ...neighbourDiscovery, ...(settings.antiSpoof ? chatter : []), known, [counter, drop]];
}

/**
 * Marks what `EDERA-FORWARD` may accept at once. A packet from a zone link has passed the guard by now. A packet towards
 * one is marked where link and address belong together, and carries no mark that somebody else set.
 */
function forwardBegin(settings: LayoutSettings): Expression[][] {
  const { mark } = settings;
  const families = enabledFamilies(settings);
  const marked = [
    [interfaceIs('iifname', anyZoneLink), setMarkBit(mark)],
    [interfaceIsNot('iifname', anyZoneLink), markHas(mark), clearMarkBit(mark)],
    ...families.map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), setMarkBit(mark)]),
  ];
  const counted = families.map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), accept]);
  return [
    [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), accept],
    ...families.map((family) => strayDrop(settings, family)),
    ...errorJumps(settings),
    ...(mark === 0 ? counted : marked),
  ];
}

/** An address of the subnet that no link has is nobody's: without this it would leave by the uplink, unmasqueraded. */
function strayDrop({ subnets }: LayoutSettings, family: Family): Expression[] {
  const subnet = subnets[family];
  const toSubnet = subnet === undefined ? [] : [addressIs(family, 'daddr', subnet)];
  return [interfaceIs('iifname', anyZoneLink), ...toSubnet, interfaceIsNot('oifname', anyZoneLink), counter, drop];
}

/** The errors by which a host can be told about a path (RFC 792, RFC 4443). */
const errorTypes = {
  ipv4: ['destination-unreachable', 'source-quench', 'redirect', 'time-exceeded', 'parameter-problem'],
  ipv6: ['destination-unreachable', 'packet-too-big', 'time-exceeded', 'parameter-problem'],
} as const;

function errorJumps(settings: LayoutSettings): Expression[][] {
  return enabledFamilies(settings).map((family) => [
    interfaceIs('iifname', anyZoneLink),
    payloadIs(family === 'ipv4' ? 'icmp' : 'icmpv6', 'type', { set: [...errorTypes[family]] }),
    jump('zone-errors'),
  ]);
}

/**
 * A zone may report errors of its own connections only. One packet-too-big about somebody else's would set dom0's path
 * MTU to any destination for ten minutes, for all zones.
 */
function zoneErrors(settings: LayoutSettings): Expression[][] {
  const own = enabledFamilies(settings).flatMap((family) =>
    (['original', 'reply'] as const).map((direction) => [
      trackedSourceIn(family, direction, sets[family].from),
      returns,
    ]),
  );
  return [...own, [counter, drop]];
}

function inputErrors(settings: LayoutSettings): Expression[][] {
  return [[interfaceIsNot('iifname', anyZoneLink), accept], ...errorJumps(settings)];
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
