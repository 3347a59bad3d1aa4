/**
 * What nftables should hold: a pure function of settings and zones, in two parts. The static part (chains, rules, sets)
 * changes with the settings only; the elements and the documented pairs come and go with each zone.
 *
 * Cost per packet: a zone's packet pays set lookups, whose cost does not depend on how many zones there are; a packet
 * that touches no zone pays comparisons of interface names, and one lookup of its source.
 */
import type { Family } from '../model/address.ts';
import {
  accept,
  addressIs,
  addressIsNot,
  clearMarkBit,
  counter,
  drop,
  type Expression,
  interfaceIn,
  interfaceIs,
  interfaceIsNot,
  jump,
  markHas,
  masquerade,
  pairIn,
  payloadIs,
  setMarkBit,
  trackingStateIn,
} from './expressions.ts';
import {
  countedDrop,
  discoveryChain,
  errorJumps,
  guardChains,
  inputErrors,
  maxKnownSources,
  zoneErrors,
} from './layout-guard.ts';
import {
  anyZoneLink,
  type BaseHook,
  type ChainLayout,
  enabledFamilies,
  type LayoutSettings,
  type SetLayout,
} from './layout-model.ts';
import { dropCounts, filledSets, sets, userInputChain } from './names.ts';

/** More links than a host can have; a zone cannot make elements, only its link's name is one. */
const perLink = { size: 65_535, timeout: 60 };
const filter = 0;
const sourceNat = 100;

export function ownSets(settings: LayoutSettings): SetLayout[] {
  const perFamily = enabledFamilies(settings).flatMap((family): SetLayout[] => {
    const type = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
    const { from, to, zone } = sets[family];
    return [
      { name: from, type: ['ifname', type], counted: true },
      { name: to, type: ['ifname', type], counted: true },
      { name: zone, type },
    ];
  });
  const drops = Object.values(dropCounts).map((name): SetLayout => ({ name, type: 'ifname', counted: true }));
  const ofDiscovery: SetLayout[] = [
    { name: filledSets.known, type: ['ifname', 'ipv6_addr'], filled: { size: maxKnownSources, timeout: 60 } },
    { name: filledSets.discovery, type: 'ifname', filled: perLink },
  ];
  const told: SetLayout = { name: filledSets.told, type: 'ifname', filled: perLink };
  const filled = settings.subnets.ipv6 === undefined ? [told] : [...ofDiscovery, told];
  return [...perFamily, ...drops, ...filled];
}

/** Chains that are there with some settings only. */
export const optionalChains: readonly string[] = ['forward-end', 'input-guard', discoveryChain];

export function ownChains(settings: LayoutSettings): ChainLayout[] {
  const chains: ChainLayout[] = [
    { name: 'zone-errors', hook: undefined, rules: zoneErrors(settings) },
    ...guardChains(settings),
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
    ...families.flatMap((family) => strayDrop(settings, family)),
    ...errorJumps(settings),
    ...(mark === 0 ? counted : marked),
  ];
}

/** An address of the subnet that no link has is nobody's: without this it would leave by the uplink, unmasqueraded. */
function strayDrop({ subnets }: LayoutSettings, family: Family): Expression[][] {
  const subnet = subnets[family];
  const toSubnet = subnet === undefined ? [] : [addressIs(family, 'daddr', subnet)];
  return countedDrop('stray', interfaceIs('iifname', anyZoneLink), ...toSubnet, interfaceIsNot('oifname', anyZoneLink));
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
