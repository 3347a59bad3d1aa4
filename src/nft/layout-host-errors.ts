/** The host's own ICMP errors: about a packet of a zone's to that zone by its own link, and nowhere else. Pure. */
import {
  accept,
  addressInSet,
  bitsAre,
  counter,
  directionIs,
  drop,
  type Expression,
  interfaceIs,
  jump,
  pairNotIn,
  payloadIs,
  trackedPairNotIn,
  trackedSourceIn,
} from './expressions.ts';
import { everyError } from './layout-guard.ts';
import { type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';
import { sets } from './names.ts';

/** Filter -1: conntrack knows the packet by then, and what answers a translated one has its zone's address again. */
const beforeFilter = -1;
/** ICMPv6's header, and the next-header field of the packet behind it (RFC 4443 3.4, RFC 8200 3). */
const nextHeaderInside = 8 + 6;
/** RFC 8200 4.3. */
const hopByHop = 0;

/** At output, so that what is only forwarded pays nothing. */
export function hostErrorChains(settings: LayoutSettings): ChainLayout[] {
  const judged = everyError(settings).map((test) => [test, jump('host-errors')]);
  return [
    { name: 'host-errors', hook: undefined, rules: hostErrors(settings) },
    {
      name: 'output-errors',
      hook: { type: 'filter', hook: 'output', prio: beforeFilter },
      rules: settings.subnets.ipv6 === undefined ? judged : [aboutUnchecked, ...judged],
    },
  ];
}

/**
 * The kernel reads hop-by-hop options of IPv6 ahead of the first hook (ip6_rcv_core): its errors about them go to a
 * source that nobody has checked, and by which link the packet came cannot be seen any more.
 */
const aboutUnchecked: Expression[] = [
  payloadIs('icmpv6', 'type', 'parameter-problem'),
  bitsAre(8 * nextHeaderInside, 8, hopByHop),
  counter,
  drop,
];

/**
 * An error belongs to the connection of the packet that it is about, and goes in the other direction. One about a packet
 * that was translated already was meant for this host itself, by `lo`, and has been turned back and routed anew, which
 * this hook's `oifname` does not show.
 */
function hostErrors(settings: LayoutSettings): Expression[][] {
  const perFamily = enabledFamilies(settings).flatMap((family) => {
    const { own, zone } = sets[family];
    const about = (['original', 'reply'] as const).map((direction) => [
      directionIs(direction === 'original' ? 'reply' : 'original'),
      trackedSourceIn(family, direction, zone),
      trackedPairNotIn(family, direction, own),
      counter,
      drop,
    ]);
    return [[addressInSet(family, 'daddr', zone), pairNotIn('oifname', family, 'daddr', own), counter, drop], ...about];
  });
  return [[interfaceIs('oifname', 'lo'), accept], ...perFamily];
}
