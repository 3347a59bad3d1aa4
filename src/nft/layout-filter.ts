/** What `EDERA-FORWARD` should hold, in `ip filter` and `ip6 filter`, tables that belong to everybody. Pure. */
import { type Family, ofFamily } from '../model/address.ts';
import {
  accept,
  addressIs,
  counter,
  drop,
  type Expression,
  interfaceIs,
  jump,
  markHas,
  returns,
} from './expressions.ts';
import { betweenHostLinks, returnOthers } from './layout-host-links.ts';
import { anyZoneLink, type LayoutSettings, metadataOf } from './layout-model.ts';
import { userChain } from './names.ts';

function userFirst(settings: LayoutSettings): Expression[][] {
  return [...returnOthers(settings), [jump(userChain)]];
}

/** The head of `EDERA-FORWARD`, in `ip filter` and `ip6 filter` alike. Only what iptables can read back. */
export function forwardHead(settings: LayoutSettings, family: Family): Expression[][] {
  const marked = settings.mark === 0 ? [] : [markHas(settings.mark), counter, accept];
  const between = marked.length === 0 ? [] : betweenHostLinks(settings, ...marked);
  return [...userFirst(settings), ...denials(settings, family, between), ...(marked.length === 0 ? [] : [marked])];
}

/**
 * `EDERA-DENY`: the denials once more, for the head of `FORWARD`, where no accept of somebody else's has been seen yet;
 * still behind the operator's own. Undefined where the settings deny nothing in the family.
 */
export function denyRules(settings: LayoutSettings, family: Family): Expression[][] | undefined {
  const rules = denials(settings, family, betweenHostLinks(settings, returns));
  return rules.length === 0 ? undefined : [...userFirst(settings), ...rules];
}

/** `between`: what becomes of packets between zones and the host's own links, which zones are not kept from. */
function denials(settings: LayoutSettings, family: Family, between: Expression[][]): Expression[][] {
  const fromZone = interfaceIs('iifname', anyZoneLink);
  return [
    ...metadataOf(settings, family).map((target) => [fromZone, addressIs(family, 'daddr', target), counter, drop]),
    ...(settings.denyZoneToZone ? [...between, [fromZone, interfaceIs('oifname', anyZoneLink), counter, drop]] : []),
    ...(settings.denyZoneToZone ? remoteZones(settings, family) : []),
  ];
}

/** Zones of other hosts are zones, whichever way they begin. One rule for each prefix: iptables reads no sets. */
function remoteZones({ fleet }: LayoutSettings, family: Family): Expression[][] {
  return ofFamily(fleet?.prefixes ?? [], family).flatMap((prefix) => [
    [interfaceIs('iifname', anyZoneLink), addressIs(family, 'daddr', prefix), counter, drop],
    [interfaceIs('oifname', anyZoneLink), addressIs(family, 'saddr', prefix), counter, drop],
  ]);
}
