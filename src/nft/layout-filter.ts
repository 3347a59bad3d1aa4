/** What `EDERA-FORWARD` should hold, in `ip filter` and `ip6 filter`, tables that belong to everybody. Pure. */
import { type Family, familyOf } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
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
import { anyZoneLink, type LayoutSettings } from './layout.ts';
import { userChain } from './names.ts';

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
