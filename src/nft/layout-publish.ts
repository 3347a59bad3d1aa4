/**
 * Ports of this host that lead to zones, by their policies. Pure.
 *
 * One rule for each port and family, asked of what begins a connection to this host only. The zone sees who asked; it sees the
 * gateway where it asked itself, since it would take an answer from its own address for its own.
 */
import { type Family, familyOf, type Prefix, prefixesOf } from '../model/address.ts';
import type { PublishedPort } from '../policy/publish.ts';
import {
  accept,
  addressIs,
  addressIsAmong,
  destinationIsNotLocal,
  type Expression,
  interfaceIn,
  interfaceIsNot,
  isTranslatedTo,
  pairIn,
  payloadIs,
  protocolIs,
  translateDestination,
  translateSource,
} from './expressions.ts';
import { anyZoneLink, type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';
import { sets } from './names.ts';

const publishedChain = 'published';
const publishedHereChain = 'published-here';
const publishedSourceChain = 'published-source';
export const publishChains: readonly string[] = [publishedChain, publishedHereChain, publishedSourceChain];

export function publishLayout(settings: LayoutSettings): ChainLayout[] {
  if (settings.published.length === 0) return [];
  const { uplinkInterfaces } = settings;
  const ports = [...exceptions(settings), ...settings.published.flatMap((port) => toZone(settings, port))];
  const byOthers: Expression[][] =
    uplinkInterfaces.length === 0
      ? []
      : [[interfaceIsNot('iifname', anyZoneLink), interfaceIn('iifname', uplinkInterfaces, '!='), accept]];
  return [
    // As zones' questions for names, ahead of everybody's own translations at dstnat (-100), and behind those questions.
    { name: publishedChain, hook: { type: 'nat', hook: 'prerouting', prio: -101 }, rules: [...byOthers, ...ports] },
    { name: publishedHereChain, hook: { type: 'nat', hook: 'output', prio: -101 }, rules: ports },
    {
      name: publishedSourceChain,
      hook: { type: 'nat', hook: 'postrouting', prio: 99 },
      rules: enabledFamilies(settings).flatMap((family) => toItself(settings, family)),
    },
  ];
}

/** What only zones, or only this host, can reach is not published. */
function exceptions({ subnets }: LayoutSettings): Expression[][] {
  return [
    [destinationIsNotLocal, accept],
    ...Object.values(subnets).flatMap((subnet) =>
      subnet === undefined ? [] : [[addressIs(subnet.family, 'daddr', subnet), accept]],
    ),
    ...enabledFamilies({ subnets }).flatMap((family) =>
      onlyHere[family].map((prefix) => [addressIs(family, 'daddr', prefix), accept]),
    ),
  ];
}

/** Of this host, and no use to others: loopback, and what means something on one link only. */
const onlyHere: Readonly<Record<Family, readonly Prefix[]>> = {
  ipv4: prefixesOf('127.0.0.0/8', '169.254.0.0/16'),
  ipv6: prefixesOf('::1/128', 'fe80::/10'),
};

function toZone(settings: LayoutSettings, { address, transport, port, to, from, zone }: PublishedPort): Expression[][] {
  return enabledFamilies(settings).flatMap((family) => {
    const own = from.filter((prefix) => prefix.family === family);
    const isOther = address !== undefined && familyOf(address) !== family;
    const target = zone[family];
    if (isOther || target === undefined || (from.length > 0 && own.length === 0)) return [];
    const by = own.length === 0 || own.some(({ length }) => length === 0) ? [] : [addressIsAmong(family, 'saddr', own)];
    const at = address === undefined ? [] : [addressIs(family, 'daddr', address)];
    const which = at.length + by.length === 0 ? [protocolIs(family)] : [...at, ...by];
    return [[...which, payloadIs(transport, 'dport', port), translateDestination(target, to)]];
  });
}

function toItself({ gateways }: LayoutSettings, family: Family): Expression[][] {
  const gateway = gateways[family];
  if (gateway === undefined) return [];
  return [[pairIn('oifname', family, 'saddr', sets[family].own), isTranslatedTo, translateSource(gateway)]];
}
