/** What may come in by a link that is no zone's: nothing under a zone's address, of this host or of another. Pure. */
import { type Family, families, holds, hostPrefix, ofFamily, type Prefix } from '../model/address.ts';
import {
  accept,
  addressInSet,
  addressIs,
  addressIsAmong,
  type Expression,
  interfaceIn,
  interfaceIs,
  jump,
} from './expressions.ts';
import { type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';
import { forgedChain, sets } from './names.ts';

/** Judges what comes in with a source of a fleet's zones, or of their gateway; there with `[fleet]`, while forgeries are dropped. */
export const fleetChain = 'from-fleet';

/** What dom0 says to itself it says from any address of its own, the zones' gateways among them. */
export function elsewhere(settings: LayoutSettings): Expression[][] {
  const judged = enabledFamilies(settings).flatMap((family) => {
    const fleet = fleetSources(settings, family);
    const isOfFleet = fleet.length === 0 ? [] : [[addressIsAmong(family, 'saddr', fleet), jump(fleetChain)]];
    return isFleetWide(settings, family) ? isOfFleet : [fromOwnZone(family), ...isOfFleet];
  });
  return [[interfaceIs('iifname', 'lo'), accept], ...judged];
}

function fromOwnZone(family: Family): Expression[] {
  return [addressInSet(family, 'saddr', sets[family].zone), jump(forgedChain)];
}

/** Sources that are some host's zones', or their gateway's. */
function fleetSources({ fleet, gateways }: LayoutSettings, family: Family): Prefix[] {
  const [prefixes, gateway] = [ofFamily(fleet?.prefixes ?? [], family), gateways[family]];
  return prefixes.length === 0 || gateway === undefined ? prefixes : [...prefixes, hostPrefix(gateway)];
}

/** Whether who is no zone's of any host is none of this host's either: then one look at the source does for both. */
function isFleetWide({ fleet, subnets }: LayoutSettings, family: Family): boolean {
  const subnet = subnets[family];
  return subnet !== undefined && (fleet?.prefixes ?? []).some((prefix) => holds(prefix, subnet));
}

/** Zones of other hosts send by the links to those, and nobody else has the gateway's address, which is on every host. */
export function fleetChains(settings: LayoutSettings): ChainLayout[] {
  const { fleet, gateways } = settings;
  if (fleet === undefined) return [];
  const own = enabledFamilies(settings).filter((family) => isFleetWide(settings, family));
  const ofGateways = families.flatMap((family) => {
    const gateway = gateways[family];
    return gateway === undefined ? [] : [[addressIs(family, 'saddr', gateway), jump(forgedChain)]];
  });
  const isElsewhere = [interfaceIn('iifname', fleet.uplinks, '!='), jump(forgedChain)];
  return [{ name: fleetChain, hook: undefined, rules: [...own.map(fromOwnZone), isElsewhere, ...ofGateways] }];
}
