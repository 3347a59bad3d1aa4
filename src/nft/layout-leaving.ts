/** What leaves by an uplink: under an address of the host’s where the settings say so, and else not at all. Pure. */
import type { Family, Prefix } from '../model/address.ts';
import {
  accept,
  addressIs,
  addressIsAmong,
  addressIsNot,
  counter,
  directionIs,
  type Expression,
  interfaceIn,
  interfaceIsNot,
  jump,
  masquerade,
  translateSource,
} from './expressions.ts';
import { countedDrop } from './layout-guard.ts';
import { ofHostLinks } from './layout-host-links.ts';
import { anyZoneLink, type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';

const sourceNat = 100;
/** Behind translation; both are there while zones' addresses of a family are translated. */
export const leavingChain = 'leaving';
export const uplinkLeakChain = 'uplink-leak';

export function leavingChains(settings: LayoutSettings): ChainLayout[] {
  const translated = translatedFamilies(settings);
  const nat: ChainLayout = {
    name: 'uplink-nat',
    hook: { type: 'nat', hook: 'postrouting', prio: sourceNat },
    rules: uplinkNat(settings, translated),
  };
  if (translated.length === 0) return [nat];
  // What connection tracking does not know or calls invalid is not translated, nor is what was opened without our table.
  const rules = translated.flatMap(({ outwards }) => outwards.map((way) => [...way, jump(uplinkLeakChain)]));
  return [
    nat,
    { name: uplinkLeakChain, hook: undefined, rules: uplinkLeak(translated) },
    { name: leavingChain, hook: { type: 'filter', hook: 'postrouting', prio: sourceNat + 1 }, rules },
  ];
}

interface Translated {
  readonly family: Family;
  readonly subnet: Prefix;
  /** Each true for what a zone sends to an uplink. Zone to zone keeps its addresses. */
  readonly outwards: readonly (readonly Expression[])[];
  /** True where the destination sees zones' own addresses; undefined where none does. */
  readonly exemption: Expression | undefined;
}

function translatedFamilies(settings: LayoutSettings): Translated[] {
  const { masquerade: kinds, notMasqueraded, subnets, uplinkInterfaces } = settings;
  const ways =
    uplinkInterfaces.length > 0
      ? [[interfaceIn('oifname', uplinkInterfaces)]]
      : [[interfaceIsNot('oifname', anyZoneLink), interfaceIsNot('oifname', 'lo')], ...ofHostLinks(settings, 'oif')];
  return enabledFamilies(settings).flatMap((family) => {
    const subnet = subnets[family];
    if (subnet === undefined || kinds[family] === 'off') return [];
    const leaves = [addressIs(family, 'saddr', subnet), addressIsNot(family, 'daddr', subnet)];
    const outwards = ways.map((way) => [...leaves, ...way]);
    const exempt = notMasqueraded.filter((prefix) => prefix.family === family);
    const exemption = exempt.length === 0 ? undefined : addressIsAmong(family, 'daddr', exempt);
    return [{ family, subnet, outwards, exemption }];
  });
}

function uplinkNat(settings: LayoutSettings, translated: readonly Translated[]): Expression[][] {
  return translated.flatMap(({ family, subnet, outwards, exemption }) => {
    const source = settings.masquerade[family];
    const translate = source === 'kernel' || source === 'off' ? masquerade : translateSource(source);
    return [
      ...(exemption === undefined ? [] : [[addressIs(family, 'saddr', subnet), exemption, accept]]),
      ...outwards.map((way) => [...way, counter, translate]),
    ];
  });
}

/** Answers of a zone keep the address that it was asked under: whoever asked knows the way to it. */
function uplinkLeak(translated: readonly Translated[]): Expression[][] {
  return [
    [directionIs('reply'), accept],
    ...translated.flatMap(({ exemption }) => (exemption === undefined ? [] : [[exemption, accept]])),
    ...countedDrop('untranslated'),
  ];
}
