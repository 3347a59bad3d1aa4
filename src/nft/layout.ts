/**
 * What nftables should hold: a pure function of settings and zones, in two parts. The static part (chains, rules, sets)
 * changes with the settings only; the elements and the documented pairs come and go with each zone.
 *
 * Cost per packet: a zone's packet pays set lookups, whose cost does not depend on how many zones there are; a packet
 * that touches no zone pays comparisons of interface names, and one lookup of its source.
 */
import type { BaseHook, SetLayout } from '../host/nft-command.ts';
import { ofFamily } from '../model/address.ts';
import {
  accept,
  addressIsAmong,
  beginsConnection,
  clearMarkBit,
  type Expression,
  interfaceIn,
  interfaceIs,
  interfaceIsNot,
  jump,
  markHas,
  pairIn,
  returns,
  setMarkBit,
} from './expressions.ts';
import { hostDenialChains, hostDenials } from './layout-deny.ts';
import { egressChains, egressJump, egressLayout, policySetLayouts, takenUpJump } from './layout-egress.ts';
import { fleetChain } from './layout-elsewhere.ts';
import {
  countedDrop,
  discoveryChain,
  errorJumps,
  fragmentChain,
  guardChains,
  inputErrors,
  maxKnownSources,
  ownFragmentChain,
  zoneErrors,
} from './layout-guard.ts';
import { hostErrorChains } from './layout-host-errors.ts';
import { ofHostLinks } from './layout-host-links.ts';
import { leavingChain, leavingChains, uplinkLeakChain } from './layout-leaving.ts';
import { bandwidthRules, limitChains, limitJump, limitLayout, limitSetLayouts } from './layout-limits.ts';
import {
  anyZoneLink,
  type ChainLayout,
  dropSets,
  enabledFamilies,
  filledPerLink,
  type LayoutSettings,
} from './layout-model.ts';
import { publishChains, publishLayout } from './layout-publish.ts';
import { filledSets, sets, strayChain, unassignedChain, userInputChain, zoneErrorsChain } from './names.ts';

const filter = 0;
/** Where what zones begin with others is judged. */
const zoneBeginsChain = 'zone-begins';

export function ownSets(settings: LayoutSettings): SetLayout[] {
  const perFamily = enabledFamilies(settings).flatMap((family): SetLayout[] => {
    const type = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
    const { from, to, own, zone } = sets[family];
    return [
      { name: from, type: ['ifname', type], counted: true },
      { name: to, type: ['ifname', type], counted: true },
      { name: own, type: ['ifname', type] },
      { name: zone, type },
    ];
  });
  const drops = dropSets(settings).map((name): SetLayout => ({ name, type: 'ifname', counted: true }));
  const ofDiscovery: SetLayout[] = [
    { name: filledSets.known, type: ['ifname', 'ipv6_addr'], filled: { size: maxKnownSources, timeout: 60 } },
    { name: filledSets.discovery, type: 'ifname', filled: filledPerLink },
  ];
  const told: SetLayout = { name: filledSets.told, type: 'ifname', filled: filledPerLink };
  const filled = settings.subnets.ipv6 === undefined ? [told] : [...ofDiscovery, told];
  return [...perFamily, ...drops, ...filled, ...policySetLayouts(settings), ...limitSetLayouts(settings)];
}

/** Chains that are there with some settings only. */
export const optionalChains: readonly string[] = [
  'forward-end',
  ...hostDenialChains,
  ...egressChains,
  ...publishChains,
  ...limitChains,
  // Jumps before what they jump to: a chain that is still jumped to cannot be deleted.
  fragmentChain,
  ownFragmentChain,
  fleetChain,
  discoveryChain,
  unassignedChain,
  leavingChain,
  uplinkLeakChain,
];

export function ownChains(settings: LayoutSettings): ChainLayout[] {
  const chains: ChainLayout[] = [
    { name: zoneErrorsChain, hook: undefined, rules: zoneErrors(settings) },
    ...guardChains(settings),
    { name: strayChain, hook: undefined, rules: countedDrop('stray') },
    {
      name: zoneBeginsChain,
      hook: undefined,
      rules: [...limitJump(settings), ...errorJumps(settings), ...egressJump(settings)],
    },
    { name: 'forward-from-zone', hook: undefined, rules: forwardFromZone(settings) },
    {
      name: 'forward-begin',
      hook: { type: 'filter', hook: 'forward', prio: filter - 1 },
      rules: forwardBegin(settings),
    },
    { name: 'input-errors', hook: { type: 'filter', hook: 'input', prio: filter - 1 }, rules: inputErrors(settings) },
    { name: 'output-count', hook: { type: 'filter', hook: 'output', prio: filter }, rules: countToZone(settings) },
    ...hostErrorChains(settings),
    ...leavingChains(settings),
    ...egressLayout(settings),
    ...publishLayout(settings),
    ...limitLayout(settings),
    { name: userInputChain, hook: undefined, rules: [], operators: true },
  ];
  if (settings.mark !== 0) {
    const hook: BaseHook = { type: 'filter', hook: 'forward', prio: filter + 1 };
    chains.push({ name: 'forward-end', hook, rules: [[markHas(settings.mark), clearMarkBit(settings.mark)]] });
  }
  return [...chains, ...hostDenials(settings)];
}

/**
 * Marks what `EDERA-FORWARD` may accept at once. A packet from a zone link has passed the guard by now. A packet towards
 * one is marked where link and address belong together, and carries no mark that somebody else set.
 */
function forwardBegin(settings: LayoutSettings): Expression[][] {
  const { mark } = settings;
  const families = enabledFamilies(settings);
  const marked = [
    [interfaceIsNot('iifname', anyZoneLink), markHas(mark), clearMarkBit(mark)],
    ...families.map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), setMarkBit(mark)]),
  ];
  const counted = families.map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), accept]);
  return [
    [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), accept],
    [interfaceIs('iifname', anyZoneLink), jump('forward-from-zone')],
    ...takenUpJump(settings),
    ...(mark === 0 ? counted : marked),
  ];
}

/**
 * An address of the subnet that no link has is nobody's: without this it would leave by the uplink, unmasqueraded. By links to
 * other hosts of a fleet it is another host's, and what belongs to those leaves by no other. A packet of an open connection pays one
 * look at its state for all that is asked of what begins one; errors about connections are none of theirs.
 */
function forwardFromZone(settings: LayoutSettings): Expression[][] {
  const strays = enabledFamilies(settings).flatMap((family) => {
    const [subnet, remote] = [settings.subnets[family], ofFamily(settings.fleet?.prefixes ?? [], family)];
    const links = remote.length === 0 ? [] : [interfaceIn('oifname', settings.fleet?.uplinks ?? [], '!=')];
    const ways = [[interfaceIsNot('oifname', anyZoneLink), ...links], ...ofHostLinks(settings, 'oif')];
    const inner = subnet === undefined ? [] : addressIsAmong(family, 'daddr', [subnet, ...remote]);
    return ways.map((way) => [inner, ...way, jump(strayChain)].flat());
  });
  const others = [
    ...(settings.mark === 0 ? [] : ofHostLinks(settings, 'iif', markHas(settings.mark), clearMarkBit(settings.mark))),
    ...ofHostLinks(settings, 'iif', returns),
  ];
  const mark = settings.mark === 0 ? [] : [[setMarkBit(settings.mark)]];
  const begins = [beginsConnection, jump(zoneBeginsChain)];
  return [...others, ...bandwidthRules(settings), ...strays, begins, ...mark];
}

/** The lookup counts by itself: each element has a counter. */
function countToZone(settings: LayoutSettings): Expression[][] {
  return [
    [interfaceIsNot('oifname', anyZoneLink), accept],
    ...enabledFamilies(settings).map((family) => [pairIn('oifname', family, 'daddr', sets[family].to), accept]),
  ];
}
