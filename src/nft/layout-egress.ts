/**
 * What policies let zones reach: chains and sets. Pure.
 *
 * Asked of what begins a connection only: an established packet pays one test. Ahead of the mark by which `EDERA-FORWARD`
 * accepts, and a drop there is final, so that the operator's own rules can restrict further and not open.
 */
import type { NftCommand, SetLayout } from '../host/nft-command.ts';
import { type Address, families, familyOf } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { addChain, addRule, addTable, flushChain } from './commands.ts';
import {
  accept,
  addressIs,
  beginsConnection,
  counter,
  destinationPortIs,
  drop,
  type Expression,
  flowIn,
  flowIsNew,
  goTo,
  hasPorts,
  interfaceIn,
  interfaceInSet,
  interfaceIsNot,
  isIcmp,
  isRelated,
  isToMany,
  jump,
  layer4Is,
  pairIn,
  payloadIs,
  payloadIsAbove,
  protocolIs,
  rejectAsProhibited,
  rejectByReset,
  returns,
  serviceIn,
  takesUpConnection,
  trace,
  translateDestination,
} from './expressions.ts';
import {
  anyZoneLink,
  type ChainLayout,
  enabledFamilies,
  filledPerLink,
  type LayoutSettings,
  toldByAll,
} from './layout-model.ts';
import { auditedChain, deniedChain, dropCounts, egressKeyType, egressSets, ownTable, policySets } from './names.ts';
import { isBelow, linkIsBelow } from './rates.ts';

export const egressChain = 'egress';
export const egressHostChain = 'egress-host';
const egressInputChain = 'egress-input';
const egressOutputChain = 'egress-output';
const takenUpChain = 'egress-taken-up';
const resolverChain = 'resolver';
const closedChains = [
  ['egress-closed', 'forward', ['iifname', 'oifname']],
  ['egress-closed-host', 'input', ['iifname']],
  ['egress-closed-output', 'output', ['oifname']],
] as const;
/** Jumps before what they jump to. */
export const egressChains: readonly string[] = [
  ...closedChains.map(([name]) => name),
  egressInputChain,
  egressOutputChain,
  takenUpChain,
  resolverChain,
  egressHostChain,
  egressChain,
  deniedChain,
  auditedChain,
];
/** Of both families. */
export const everyPolicySet: readonly string[] = [
  ...Object.values(policySets),
  ...families.flatMap((family) => Object.values(egressSets[family])),
];

/** Of all zones; each has at most 4096. */
const maxLeases = 1_048_576;
/** One packet in a minute is reported for each destination. */
const maxTold = { size: 65_535, timeout: 60 };
const toldOfOthers = { perSecond: 1, burst: 2 };
/** Answers cost dom0 a packet each; beyond the rate packets are dropped without one. */
const rejections = { perSecond: 50, burst: 100 };

export function policySetLayouts(settings: LayoutSettings): SetLayout[] {
  if (settings.egress === undefined) return [];
  const perFamily = enabledFamilies(settings).flatMap((family): SetLayout[] => {
    const { allowed, nets, leased, denied, told } = egressSets[family];
    const type = egressKeyType(family);
    return [
      { name: allowed, type },
      { name: nets, type, intervals: true },
      { name: leased, type, leased: { size: maxLeases } },
      { name: denied, type: type.slice(0, 2), intervals: true },
      { name: told, type, filled: maxTold },
    ];
  });
  return [
    { name: policySets.policed, type: 'ifname' },
    { name: policySets.audited, type: 'ifname' },
    { name: policySets.icmp, type: 'ifname' },
    { name: policySets.host, type: ['ifname', 'inet_proto', 'inet_service'], intervals: true },
    { name: policySets.rejected, type: 'ifname', filled: filledPerLink },
    { name: policySets.told, type: 'ifname', filled: filledPerLink },
    ...perFamily,
  ];
}

/** For what zones begin with others, ahead of the mark. */
export function egressJump(settings: LayoutSettings): Expression[][] {
  return settings.egress === undefined ? [] : [[isPoliced, jump(egressChain)]];
}

/** For what others send to zones, ahead of the mark. */
export function takenUpJump(settings: LayoutSettings): Expression[][] {
  return settings.egress === undefined ? [] : [[...isTakenUp, jump(takenUpChain)]];
}

/** One of a zone's that was ended came back as its peer's with the peer's next segment. */
const isTakenUp = [...takesUpConnection, interfaceInSet('oifname', policySets.policed)];

const isPoliced = interfaceInSet('iifname', policySets.policed);

export function egressLayout(settings: LayoutSettings): ChainLayout[] {
  if (settings.egress === undefined) return [];
  const input: Expression[][] = [
    [interfaceIsNot('iifname', anyZoneLink), accept],
    [beginsConnection, isPoliced, jump(egressHostChain)],
  ];
  return [
    { name: auditedChain, hook: undefined, rules: [...told(settings), [returns]] },
    { name: deniedChain, hook: undefined, rules: denied(settings) },
    { name: egressChain, hook: undefined, rules: egress(settings) },
    { name: egressHostChain, hook: undefined, rules: egressToHost(settings) },
    { name: egressInputChain, hook: { type: 'filter', hook: 'input', prio: -1 }, rules: input },
    { name: takenUpChain, hook: undefined, rules: takenUp },
    {
      name: egressOutputChain,
      hook: { type: 'filter', hook: 'output', prio: -1 },
      rules: [[interfaceIsNot('oifname', anyZoneLink), accept], ...takenUpJump(settings)],
    },
    // Ahead of published ports and of everybody's own translations at dstnat (-100): the first decides for a connection.
    { name: resolverChain, hook: { type: 'nat', hook: 'prerouting', prio: -102 }, rules: toResolver(settings) },
  ];
}

const takenUp: Expression[][] = [
  [interfaceInSet('oifname', policySets.audited), returns],
  [counter, drop],
];

/** What a zone's questions for names go to, whatever server it asks. */
function toResolver(settings: LayoutSettings): Expression[][] {
  return resolvers(settings).flatMap(([address, port]) =>
    (['udp', 'tcp'] as const).map((transport) => [
      protocolIs(familyOf(address)),
      interfaceInSet('iifname', policySets.policed),
      payloadIs(transport, 'dport', 53),
      translateDestination(address, port),
    ]),
  );
}

/** Passed on to the forwarder of names ahead of the denials of dom0's services. */
export function acceptToResolver(settings: LayoutSettings): Expression[][] {
  return resolvers(settings).map(([address, port]) => [...isToResolver(address, port), accept]);
}

function isToResolver(address: Address, port: number): Expression[] {
  return [addressIs(familyOf(address), 'daddr', address), hasPorts, destinationPortIs(port)];
}

function resolvers({ egress, gateways }: LayoutSettings): (readonly [Address, number])[] {
  return families.flatMap((family) => {
    const address = gateways[family];
    return egress === undefined || address === undefined ? [] : [[address, egress.resolverPort] as const];
  });
}

/** Errors about connections of the zone's, which were judged already; whose they are, `zone-errors` has asked. */
const errorsPass: Expression[] = [isIcmp, isRelated, returns];

function egress(settings: LayoutSettings): Expression[][] {
  return [
    errorsPass,
    ...denials(settings),
    ...enabledFamilies(settings).flatMap((family) => {
      const { allowed, leased, nets } = egressSets[family];
      return [allowed, leased, nets].map((set) => [flowIn(family, set), returns]);
    }),
    [isIcmp, interfaceInSet('iifname', policySets.icmp), returns],
    [goTo(deniedChain)],
  ];
}

/**
 * dom0 itself needs `host`, or its address by itself: a prefix that happens to hold one opens none of its services. What IPv6 needs
 * to work on a link stays: neighbour and router discovery, and multicast listener reports (all types above echo reply).
 */
function egressToHost(settings: LayoutSettings): Expression[][] {
  return [
    errorsPass,
    [payloadIsAbove('icmpv6', 'type', 'echo-reply'), returns],
    ...resolvers(settings).map(([address, port]) => [...isToResolver(address, port), returns]),
    ...denials(settings),
    [serviceIn(policySets.host), returns],
    ...enabledFamilies(settings).flatMap((family) => {
      const { allowed, leased } = egressSets[family];
      return [allowed, leased].map((set) => [flowIn(family, set), returns]);
    }),
    [isIcmp, interfaceInSet('iifname', policySets.icmp), returns],
    // Every guest calls out to its link now and then (mDNS, DHCP); nobody needs to be told, or answered.
    [isToMany, drop],
    [goTo(deniedChain)],
  ];
}

/** True where the commands make what keeps zones to their policies, which was not there, or not as it should. */
export function remakesEgress(commands: readonly NftCommand[]): boolean {
  return commands.some((command) => command.kind === 'add-set' && command.set === policySets.policed);
}

/**
 * For the moment until the layout is back: nothing goes by these links, either way. The kernel begins to track connections
 * milliseconds before the layout is in force, and what a peer's segment begins then would be that peer's connection for good.
 */
export function closeEgress(links: readonly LinkName[]): NftCommand[] {
  const { family, name: table } = ownTable;
  return [
    addTable(family, table),
    ...closedChains.flatMap(([chain, hook, keys]) => {
      const ref = { family, table, chain };
      return [
        addChain(ref, { type: 'filter', hook, prio: -1 }),
        flushChain(ref),
        ...keys.map((key) => addRule(ref, [interfaceIn(key, links), counter, drop])),
      ];
    }),
  ];
}

function denials(settings: LayoutSettings): Expression[][] {
  return enabledFamilies(settings).map((family) => [
    pairIn('iifname', family, 'daddr', egressSets[family].denied),
    goTo(deniedChain),
  ]);
}

/** Rejected at once rather than dropped: whoever waits for an answer should not wait for nothing. */
function denied(settings: LayoutSettings): Expression[][] {
  const mayAnswer = linkIsBelow(policySets.rejected, rejections);
  const isTcp = layer4Is('tcp');
  return [
    [interfaceInSet('iifname', policySets.audited), goTo(auditedChain)],
    ...told(settings),
    // The lookup counts by itself.
    [interfaceInSet('iifname', dropCounts.denied)],
    [isTcp, mayAnswer, rejectByReset],
    [isTcp, drop],
    [mayAnswer, rejectAsProhibited],
    [drop],
  ];
}

/** Reported by the kernel's trace. */
function told(settings: LayoutSettings): Expression[][] {
  return [
    ...enabledFamilies(settings).map((family) => [
      hasPorts,
      flowIsNew(family, egressSets[family].told),
      isBelow(toldByAll),
      trace,
    ]),
    [isIcmp, linkIsBelow(policySets.told, toldOfOthers), isBelow(toldByAll), trace],
  ];
}
