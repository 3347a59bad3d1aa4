/**
 * What keeps a zone to its own addresses: the chains at prerouting, and those that judge ICMP errors. Pure.
 *
 * They stand ahead of conntrack, so that a forged packet leaves no trace in it.
 */
import type { Family } from '../model/address.ts';
import {
  accept,
  addressInSet,
  counter,
  drop,
  type Expression,
  interfaceInSet,
  interfaceIs,
  interfaceIsNot,
  isBelow,
  jump,
  linkIsBelow,
  pairIn,
  payloadIs,
  payloadIsBelow,
  payloadIsNot,
  protocolIs,
  rememberSource,
  returns,
  sourceIsElsewhere,
  trace,
  trackedSourceIn,
} from './expressions.ts';
import { anyZoneLink, type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';
import { type DropKind, dropCounts, filledSets, forgedChain, sets } from './names.ts';

const loopbackNet = { prefix: { addr: '127.0.0.0', len: 8 } };
const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
const linkMulticast = { prefix: { addr: 'ff02::', len: 16 } };
/**
 * Ahead of conntrack's defragmentation (-400), whose queue does not ask by which link a fragment came: behind it, a forged
 * tail is put together with a sibling's genuine head, and leaves as the sibling's packet (measured at -300: 20 of 20).
 */
const beforeDefragmentation = -450;
const hook: ChainLayout['hook'] = { type: 'filter', hook: 'prerouting', prio: beforeDefragmentation };
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
/** Forgeries told by `trace`, per link and in all. What the log prints is bounded again by its reader. */
const toldRate = { perSecond: 1, burst: 2 };
const toldByAll = { perSecond: 20, burst: 20 };

/** Judges neighbour discovery under link-local sources; there while zones have IPv6. */
export const discoveryChain = 'discovery';

export function guardChains(settings: LayoutSettings): ChainLayout[] {
  return [
    ...(settings.subnets.ipv6 === undefined ? [] : [{ name: discoveryChain, hook: undefined, rules: discovery }]),
    { name: forgedChain, hook: undefined, rules: forged },
    { name: 'from-zone', hook: undefined, rules: fromZone(settings) },
    { name: 'guard', hook, rules: guard(settings) },
  ];
}

/** The chain of the second layer for IPv6, which has no rp_filter; `edera` need not be there for it to hold. */
export const reversePathChain: ChainLayout = {
  name: 'guard',
  hook,
  rules: [
    // Duplicate address detection has no source yet (RFC 4862 5.4.2).
    [interfaceIs('iifname', anyZoneLink), payloadIsNot('ip6', 'saddr', '::'), sourceIsElsewhere, counter, drop],
  ],
};

/** A drop that is counted for the zone's link where that is one of ours, and for all others together. */
export function countedDrop(kind: DropKind, ...conditions: Expression[]): Expression[][] {
  return [
    [...conditions, interfaceInSet('iifname', dropCounts[kind]), drop],
    [...conditions, counter, drop],
  ];
}

/** Nothing but its own address leaves a zone's link, and no zone's address arrives elsewhere. */
function guard(settings: LayoutSettings): Expression[][] {
  const elsewhere = enabledFamilies(settings).flatMap((family) => [
    [interfaceIsNot('iifname', 'lo'), addressInSet(family, 'saddr', sets[family].zone), jump(forgedChain)],
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
  const isDiscovery = [
    payloadIs('ip6', 'hoplimit', 255),
    payloadIs('icmpv6', 'type', { set: ['nd-neighbor-solicit', 'nd-neighbor-advert'] }),
    jump(discoveryChain),
  ];
  const neighbourDiscovery =
    settings.subnets.ipv6 === undefined
      ? []
      : [
          [payloadIs('ip6', 'saddr', linkLocal), ...isDiscovery],
          [payloadIs('ip6', 'saddr', '::'), ...isDiscovery],
        ];
  // Multicast listener reports and router solicitations: every guest sends them, none of them is a forgery.
  const chatter =
    settings.subnets.ipv6 === undefined
      ? [[protocolIs('ipv6'), drop]]
      : [
          [payloadIs('ip6', 'saddr', linkLocal), payloadIs('ip6', 'daddr', linkMulticast), drop],
          [payloadIs('ip6', 'saddr', '::'), payloadIs('ip6', 'daddr', linkMulticast), drop],
        ];
  const rest = settings.antiSpoof
    ? [...chatter, [jump(forgedChain)]]
    : [[interfaceInSet('iifname', dropCounts.source), accept], [jump(forgedChain)]];
  // Whoever set route_localnet for all links has opened dom0's loopback services to every one of them.
  const loopback = settings.subnets.ipv4 === undefined ? [] : [[payloadIs('ip', 'daddr', loopbackNet), counter, drop]];
  return [...loopback, ...own, ...neighbourDiscovery, ...rest];
}

const discovery: Expression[][] = [
  [payloadIs('icmpv6', 'type', 'nd-neighbor-advert'), accept],
  [payloadIs('ip6', 'saddr', '::'), accept],
  [pairIn('iifname', 'ipv6', 'saddr', filledSets.known), accept],
  [linkIsBelow(filledSets.discovery, newSources), isBelow(newSourcesOfAll), rememberSource(filledSets.known), accept],
  ...countedDrop('flood'),
];

/** Told now and then, counted always. */
const forged: Expression[][] = [
  [isBelow(toldByAll), linkIsBelow(filledSets.told, toldRate), trace],
  ...countedDrop('source'),
];

/** The errors by which a host can be told about a path (RFC 792). */
const ipv4Errors = ['destination-unreachable', 'source-quench', 'redirect', 'time-exceeded', 'parameter-problem'];

/** Of IPv6, all types below 128, the first that is no error: Linux hands also those that it does not know to connections. */
export function errorJumps(settings: LayoutSettings): Expression[][] {
  const tests: Readonly<Record<Family, readonly Expression[]>> = {
    ipv4: [payloadIs('icmp', 'type', { set: ipv4Errors })],
    ipv6: [payloadIsBelow('icmpv6', 'type', 'echo-request'), payloadIs('icmpv6', 'type', 'nd-redirect')],
  };
  return enabledFamilies(settings).flatMap((family) =>
    tests[family].map((test) => [interfaceIs('iifname', anyZoneLink), test, jump('zone-errors')]),
  );
}

/**
 * A zone may report errors of its own connections only. One packet-too-big about somebody else's would set dom0's path
 * MTU to any destination for ten minutes, for all zones.
 */
export function zoneErrors(settings: LayoutSettings): Expression[][] {
  const own = enabledFamilies(settings).flatMap((family) =>
    (['original', 'reply'] as const).map((direction) => [
      trackedSourceIn(family, direction, sets[family].from),
      returns,
    ]),
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
    ...(settings.antiSpoof ? [[payloadIs('udp', 'dport', { set: tunnelPorts }), counter, drop]] : []),
    ...errorJumps(settings),
  ];
}
