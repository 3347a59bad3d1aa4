/**
 * What keeps a zone to its own addresses: the chains at prerouting, and those that judge ICMP errors. Pure.
 *
 * They stand ahead of conntrack, so that a forged packet leaves no trace in it.
 */
import type { Family } from '../model/address.ts';
import {
  accept,
  addressInSet,
  addressNotInSet,
  counter,
  drop,
  type Expression,
  fragmentBits,
  hasFragmentHeader,
  interfaceIn,
  interfaceInSet,
  interfaceIs,
  interfaceIsNot,
  jump,
  pairIn,
  payloadIs,
  payloadIsBelow,
  payloadIsNot,
  protocolIs,
  rememberSource,
  returns,
  setAddress,
  sourceIsElsewhere,
  trace,
  trackedPairIn,
} from './expressions.ts';
import { elsewhere, fleetChains } from './layout-elsewhere.ts';
import { ofHostLinks } from './layout-host-links.ts';
import { anyZoneLink, type ChainLayout, enabledFamilies, type LayoutSettings, toldByAll } from './layout-model.ts';
import { type DropKind, dropCounts, filledSets, forgedChain, sets, unassignedChain, zoneErrorsChain } from './names.ts';
import { isBelow, linkIsBelow } from './rates.ts';

const loopbackNet = { prefix: { addr: '127.0.0.0', len: 8 } };
export const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
export const linkMulticast = { prefix: { addr: 'ff02::', len: 16 } };
/**
 * Right behind conntrack's defragmentation (-400), which may give a packet another source than its fragments were checked
 * under, and ahead of everybody's usual chains (raw -300) and conntrack (-200).
 */
const behindDefragmentation = -399;
/**
 * Ahead of it, for fragments alone: its queue does not ask by which link one came. Without a look there a forged tail is
 * put together with a sibling's genuine head, and leaves as the sibling's packet (measured at -300: 20 of 20). A look at
 * all packets at both places cost 11 % (IPv4) and 19 % (IPv6) more of a zone's packet than one, this 1 % and 5 %.
 */
const beforeDefragmentation = -450;
const prerouting = { type: 'filter', hook: 'prerouting' } as const;
const hook: ChainLayout['hook'] = { ...prerouting, prio: behindDefragmentation };
const fragmentHook: ChainLayout['hook'] = { ...prerouting, prio: beforeDefragmentation };
/** As defragmentation itself tells a fragment: more to come, or an offset (RFC 791 3.1; ip_is_fragment in the kernel). */
const isFragment: Readonly<Record<Family, Expression>> = { ipv4: fragmentBits(0x3fff), ipv6: hasFragmentHeader };
/**
 * A solicitation under a link-local source that dom0 has not seen makes an entry in its neighbour table, which holds 1024
 * for the whole machine (gc_thresh3) and gives none up before it is 5 s old: 205 new ones a second keep it full for
 * everybody. One link makes few, and all links together make at most 250 in 5 s. What has been seen within a minute costs
 * nothing new; solicitations from global addresses are the guard's to judge, and adverts make no entries.
 */
const newSources = { perSecond: 1, burst: 4 };
const newSourcesOfAll = { perSecond: 40, burst: 50 };
/** Of `newSourcesOfAll`, within the minute that they are remembered. */
export const maxKnownSources = 4096;
/** Forgeries told by `trace`, per link. */
const toldRate = { perSecond: 1, burst: 2 };

/** What looks at fragments; there while forgeries are dropped. */
export const fragmentChain = 'guard-fragments';
export const ownFragmentChain = 'own-fragments';
/** Judges neighbour discovery under link-local sources; there while zones have IPv6. */
export const discoveryChain = 'discovery';

export function guardChains(settings: LayoutSettings): ChainLayout[] {
  return [
    ...(settings.subnets.ipv6 === undefined ? [] : [{ name: discoveryChain, hook: undefined, rules: discovery }]),
    { name: forgedChain, hook: undefined, rules: toldDrop('source') },
    ...(settings.subnets.ipv6 === undefined
      ? []
      : [{ name: unassignedChain, hook: undefined, rules: toldDrop('unassigned') }]),
    { name: 'from-zone', hook: undefined, rules: fromZone(settings) },
    ...(settings.antiSpoof ? fleetChains(settings) : []),
    { name: 'guard', hook, rules: guard(settings) },
    ...(settings.antiSpoof ? fragmentChains(settings) : []),
  ];
}

// Duplicate address detection has no source yet (RFC 4862 5.4.2).
const elsewhereByRoute = [payloadIsNot('ip6', 'saddr', '::'), sourceIsElsewhere, counter, drop];
const fromAnyZone = interfaceIs('iifname', anyZoneLink);
/** The chains of the second layer for IPv6, which has no rp_filter; `edera` need not be there for it to hold. */
export function reversePathChains(settings: LayoutSettings): readonly ChainLayout[] {
  const known = [...fromGuestsElsewhere(settings), ...ofHostLinks(settings, 'iif', accept)];
  return [
    {
      name: fragmentChain,
      hook: fragmentHook,
      rules: [...known, [fromAnyZone, isFragment.ipv6, ...elsewhereByRoute]],
    },
    { name: 'guard', hook, rules: [...known, [fromAnyZone, ...elsewhereByRoute]] },
  ];
}

/** A drop that is counted for the zone's link where that is one of ours, and for all others together. */
export function countedDrop(kind: DropKind, ...conditions: Expression[]): Expression[][] {
  return [
    [...conditions, interfaceInSet('iifname', dropCounts[kind]), drop],
    [...conditions, counter, drop],
  ];
}

/** Nothing but its own address leaves a zone's link, and no zone's address arrives elsewhere. */
function guard(settings: LayoutSettings): Expression[][] {
  return [
    ...fromGuestsElsewhere(settings),
    [interfaceIs('iifname', anyZoneLink), jump('from-zone')],
    ...(settings.antiSpoof ? elsewhere(settings) : []),
  ];
}

/** What the guard cannot know by its name it is told of: a guest's link has no address of ours under another one. */
function fromGuestsElsewhere({ guestsElsewhere }: LayoutSettings): Expression[][] {
  return guestsElsewhere.length === 0 ? [] : [[interfaceIn('iifname', guestsElsewhere), counter, drop]];
}

/** Counts nothing that passes: the packet that fragments make does. */
function fragmentChains(settings: LayoutSettings): ChainLayout[] {
  const own = enabledFamilies(settings).map((family) => [pairIn('iifname', family, 'saddr', sets[family].own), accept]);
  const isAny = enabledFamilies(settings).map((family) => [isFragment[family], jump(ownFragmentChain)]);
  return [
    {
      name: ownFragmentChain,
      hook: undefined,
      rules: [
        ...own,
        ...fromGuestsElsewhere(settings),
        ...elsewhere(settings),
        ...ofHostLinks(settings, 'iif', accept),
        [fromAnyZone, jump(forgedChain)],
      ],
    },
    { name: fragmentChain, hook: fragmentHook, rules: isAny },
  ];
}

/**
 * Neighbour discovery has link-local sources, and the unspecified one while an address is probed (RFC 4861 4.3, RFC 4862
 * 5.4.2); a hop limit of 255 proves that it was not forwarded.
 */
function neighbourDiscovery(settings: LayoutSettings): Expression[][] {
  if (settings.subnets.ipv6 === undefined) return [];
  return [linkLocal, '::'].map((source) => [payloadIs('ip6', 'saddr', source), ...isDiscovery, jump(discoveryChain)]);
}

const isDiscovery = [
  payloadIs('ip6', 'hoplimit', 255),
  payloadIs('icmpv6', 'type', { set: ['nd-neighbor-solicit', 'nd-neighbor-advert'] }),
];

/**
 * A guest checks a sibling that it knows by a solicitation to that very address. The kernel would forward it, with a hop limit
 * that nobody believes, unless `all.proxy_ndp` made it look at every packet that it forwards: a walk through all neighbour proxies
 * of the machine, 12 µs with 9000 of them. Sent to all nodes it is dom0's to answer, as the multicast ones are. Who sends it is
 * judged behind this.
 */
function solicitedChecks(settings: LayoutSettings): Expression[][] {
  if (settings.subnets.ipv6 === undefined) return [];
  return [
    [
      payloadIs('icmpv6', 'type', 'nd-neighbor-solicit'),
      payloadIs('ip6', 'hoplimit', 255),
      addressInSet('ipv6', 'daddr', sets.ipv6.zone),
      setAddress('ipv6', 'daddr', 'ff02::1'),
    ],
  ];
}

/** Ends with a drop for every zone link, known or not; the host's own go on as any other. */
function fromZone(settings: LayoutSettings): Expression[][] {
  const own = enabledFamilies(settings).map((family) => [
    pairIn('iifname', family, 'saddr', sets[family].from),
    accept,
  ]);
  // A guest's second address is nobody's: only one that is a zone's makes it a forgery.
  const unassigned =
    settings.subnets.ipv6 === undefined
      ? []
      : [[...isDiscovery, addressNotInSet('ipv6', 'saddr', sets.ipv6.zone), jump(unassignedChain)]];
  // Multicast listener reports and router solicitations: every guest sends them, none of them is a forgery.
  const chatter =
    settings.subnets.ipv6 === undefined
      ? [[protocolIs('ipv6'), drop]]
      : [
          [payloadIs('ip6', 'saddr', linkLocal), payloadIs('ip6', 'daddr', linkMulticast), drop],
          [payloadIs('ip6', 'saddr', '::'), payloadIs('ip6', 'daddr', linkMulticast), drop],
        ];
  const rest = settings.antiSpoof
    ? [...unassigned, ...chatter, [jump(forgedChain)]]
    : [[interfaceInSet('iifname', dropCounts.source), accept], [jump(forgedChain)]];
  // Whoever set route_localnet for all links has opened dom0's loopback services to every one of them.
  const loopback = settings.subnets.ipv4 === undefined ? [] : [[payloadIs('ip', 'daddr', loopbackNet), counter, drop]];
  return [
    ...ofHostLinks(settings, 'iif', returns),
    ...loopback,
    ...solicitedChecks(settings),
    ...own,
    ...neighbourDiscovery(settings),
    ...rest,
  ];
}

const discovery: Expression[][] = [
  [payloadIs('icmpv6', 'type', 'nd-neighbor-advert'), accept],
  [payloadIs('ip6', 'saddr', '::'), accept],
  [pairIn('iifname', 'ipv6', 'saddr', filledSets.known), accept],
  [linkIsBelow(filledSets.discovery, newSources), isBelow(newSourcesOfAll), rememberSource(filledSets.known), accept],
  ...countedDrop('flood'),
];

/** Told now and then, counted always. */
function toldDrop(kind: DropKind): Expression[][] {
  return [[isBelow(toldByAll), linkIsBelow(filledSets.told, toldRate), trace], ...countedDrop(kind)];
}

/** The errors by which a host can be told about a path (RFC 792). */
const ipv4Errors = ['destination-unreachable', 'source-quench', 'redirect', 'time-exceeded', 'parameter-problem'];

/** Of IPv6, all types below 128, the first that is no error: Linux hands also those that it does not know to connections. */
const errorTests: Readonly<Record<Family, readonly Expression[]>> = {
  ipv4: [payloadIs('icmp', 'type', { set: ipv4Errors })],
  ipv6: [payloadIsBelow('icmpv6', 'type', 'echo-request'), payloadIs('icmpv6', 'type', 'nd-redirect')],
};

/** For packets from zone links. */
export function errorJumps(settings: LayoutSettings): Expression[][] {
  return everyError(settings).map((test) => [test, jump(zoneErrorsChain)]);
}

export function everyError(settings: LayoutSettings): Expression[] {
  return enabledFamilies(settings).flatMap((family) => errorTests[family]);
}

/**
 * A zone may report errors of its own connections only. One packet-too-big about somebody else's would set dom0's path
 * MTU to any destination for ten minutes, for all zones.
 */
export function zoneErrors(settings: LayoutSettings): Expression[][] {
  const own = enabledFamilies(settings).flatMap((family) =>
    (['original', 'reply'] as const).map((direction) => [trackedPairIn(family, direction, sets[family].own), returns]),
  );
  return [...own, ...countedDrop('error')];
}

/**
 * VXLAN (IANA's port and Linux's own) and Geneve: a device of dom0's takes them from whoever sends them, and what is inside
 * comes in by that device, where no guard knows which zone it is of. Tunnels over IP have a remote address, which no zone
 * can forge.
 */
const tunnelPorts = [4789, 6081, 8472];

export function inputErrors(settings: LayoutSettings): Expression[][] {
  return [
    [interfaceIsNot('iifname', anyZoneLink), accept],
    ...ofHostLinks(settings, 'iif', accept),
    ...(settings.antiSpoof ? [[payloadIs('udp', 'dport', { set: tunnelPorts }), counter, drop]] : []),
    ...errorJumps(settings),
  ];
}
