/** What `EDERA-FORWARD` should hold, in `ip filter` and `ip6 filter`, tables that belong to everybody. Pure. */
import type { Family } from '../model/address.ts';
import {
  accept,
  addressIs,
  counter,
  drop,
  type Expression,
  interfaceIs,
  interfaceIsNot,
  jump,
  markHas,
  returns,
} from './expressions.ts';
import { anyZoneLink, type LayoutSettings, metadataOf } from './layout-model.ts';
import { userChain } from './names.ts';

const userFirst: Expression[][] = [
  [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), returns],
  [jump(userChain)],
];

/** The head of `EDERA-FORWARD`, in `ip filter` and `ip6 filter` alike. Only what iptables can read back. */
export function forwardHead(settings: LayoutSettings, family: Family): Expression[][] {
  const marked = settings.mark === 0 ? [] : [[markHas(settings.mark), counter, accept]];
  return [...userFirst, ...denials(settings, family), ...marked];
}

/**
 * `EDERA-DENY`: the denials once more, for the head of `FORWARD`, where no accept of somebody else's has been seen yet;
 * still behind the operator's own. Undefined where the settings deny nothing in the family.
 */
export function denyRules(settings: LayoutSettings, family: Family): Expression[][] | undefined {
  const rules = denials(settings, family);
  return rules.length === 0 ? undefined : [...userFirst, ...rules];
}

function denials(settings: LayoutSettings, family: Family): Expression[][] {
  const fromZone = interfaceIs('iifname', anyZoneLink);
  return [
    ...(settings.denyZoneToZone ? [[fromZone, interfaceIs('oifname', anyZoneLink), counter, drop]] : []),
    ...metadataOf(settings, family).map((target) => [fromZone, addressIs(family, 'daddr', target), counter, drop]),
  ];
}
