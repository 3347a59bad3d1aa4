/**
 * What the settings keep zones from at dom0 itself: its services, and metadata addresses that it has or translates. Pure.
 * What is open already ends, too.
 */
import {
  accept,
  addressIs,
  counter,
  directionIs,
  drop,
  type Expression,
  interfaceIs,
  interfaceIsNot,
  jump,
  layer4Is,
  originalDestinationIs,
  payloadIs,
  payloadIsBelow,
  takesUpConnection,
  tcpAcknowledges,
  trackingStateIn,
} from './expressions.ts';
import { acceptToResolver } from './layout-egress.ts';
import { ofHostLinks } from './layout-host-links.ts';
import { anyZoneLink, type ChainLayout, enabledFamilies, type LayoutSettings, metadataOf } from './layout-model.ts';
import { hostDeniedChain, userInputChain } from './names.ts';

export const outputGuardName = 'output-guard';
export const hostDenialChains: readonly string[] = ['input-guard', outputGuardName, hostDeniedChain];

const filter = 0;
/** Services of dom0 have these ports, and hardly any program asks from one. */
const firstFreePort = 1024;

export function hostDenials(settings: LayoutSettings): ChainLayout[] {
  const metadata = metadataAtHost(settings);
  if (!settings.denyHost && metadata.length === 0) return [];
  const atHost = [...metadata, ...acceptToResolver(settings), ...(settings.denyHost ? services : [])];
  const input = [...ofHostLinks(settings, 'iif', accept), ...head, ...atHost];
  return [
    { name: hostDeniedChain, hook: undefined, rules: [[jump(userInputChain)], [counter, drop]] },
    { name: 'input-guard', hook: { type: 'filter', hook: 'input', prio: filter }, rules: input },
    ...(settings.denyHost
      ? [
          {
            name: outputGuardName,
            hook: { type: 'filter', hook: 'output', prio: filter } as const,
            rules: [...ofHostLinks(settings, 'oif', accept), ...outputGuard],
          },
        ]
      : []),
  ];
}

/** Without neighbour discovery the link is dead. */
const head: Expression[][] = [
  [interfaceIsNot('iifname', anyZoneLink), accept],
  [payloadIs('icmpv6', 'type', { set: ['nd-neighbor-solicit', 'nd-neighbor-advert'] }), accept],
];

/** Also by what the zone asked for: DNAT and REDIRECT have changed the packet's destination by now. */
function metadataAtHost(settings: LayoutSettings): Expression[][] {
  return enabledFamilies(settings).flatMap((family) =>
    metadataOf(settings, family).flatMap((target) => [
      [addressIs(family, 'daddr', target), jump(hostDeniedChain)],
      [originalDestinationIs(family, target), jump(hostDeniedChain)],
    ]),
  );
}

/**
 * Only what comes in the reply direction of a connection is an answer to dom0, and the ICMP errors about one that dom0 has
 * opened. A datagram says nothing of who began: a service's answer to a question from a moment without our table looks
 * like a question of dom0's own, hence the ports.
 */
const services: Expression[][] = [
  [payloadIsBelow('udp', 'dport', firstFreePort), jump(hostDeniedChain)],
  [directionIs('reply'), trackingStateIn(['established', 'related']), accept],
  [jump(hostDeniedChain)],
];

/**
 * Without this, a zone's connection from a moment without our table became dom0's own with dom0's next segment. A
 * connection of dom0's own that is tracked no more (`conntrack -F`) ends here as well: the two cannot be told apart.
 */
const outputGuard: Expression[][] = [[interfaceIs('oifname', anyZoneLink), ...takesUpConnection, counter, drop]];

/** For the moment in which the guard of output is made: see `apply.ts`. */
export const silence: readonly Expression[][] = [
  [interfaceIs('oifname', anyZoneLink), tcpAcknowledges, counter, drop],
  [interfaceIs('oifname', anyZoneLink), layer4Is('udp'), counter, drop],
];
