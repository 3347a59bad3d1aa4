/** Whether zones' packets can leave this host, in words. Pure. */
import type { Config } from '../config/config.ts';
import type { HostAddress } from '../host/outlook.ts';
import type { Link } from '../host/port.ts';
import { type Address, contains, type Family, families, familyNames, familyOf } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { isZoneLink } from '../model/link-name.ts';
import { isNetworkCard } from '../routes/forwarding.ts';
import { fault } from '../words/faults.ts';
import { findings } from '../words/findings.ts';
import type { OutlookFacts } from './outlook.ts';
import { policyRuleFaults } from './policy-rules.ts';

/** `wanted`: the families that zones have addresses of. */
export function outlookFaults(facts: OutlookFacts, config: Config, wanted: ReadonlySet<Family>): Fault[] {
  const { ipv4, ipv6 } = config.subnets;
  return [
    ...defaultRouteFaults(facts, config, wanted),
    ...gatewayFaults(facts),
    ...policyRuleFaults(facts.misled, { ipv4: ipv4?.prefix, ipv6: ipv6?.prefix }),
  ];
}

function defaultRouteFaults(facts: OutlookFacts, config: Config, wanted: ReadonlySet<Family>): Fault[] {
  const enabled = families.filter((family) => config.subnets[family] !== undefined);
  const lost = enabled.filter((family) => !leadsOut(facts, family));
  const isCutOff = enabled.every((family) => lost.includes(family));
  const down = downUplinks(facts, config.settings.uplink.interfaces, isOfZones(config));
  const named = lost.map((family) => familyNames[family]).join(' and ');
  if (lost.length === 0) return [];
  if (down.length > 0) {
    const fix = down.map((name) => `ip link set ${name} up`).join(' && ');
    const level = lost.some((family) => wanted.has(family)) ? 'bad' : 'warning';
    const open = [level, `${reach} over ${named}; a link that goes down takes its routes along`, fix] as const;
    const { uplinkDown, uplinksDown } = findings.uplinks;
    if (down.length === 1) return [fault(uplinkDown, { name: `${down[0]}`, family: named }, ...open)];
    return [fault(uplinksDown, { names: down.join(', '), family: named }, ...open)];
  }
  return lost.map((family) => {
    // A host without any address of the family was never meant to lead there.
    const isMeant = isCutOff || hasAddress(facts, config, family);
    const level = wanted.has(family) && isMeant ? 'bad' : 'warning';
    const label = familyNames[family];
    return fault(findings.uplinks.noDefaultRoute, { family: label }, level, `${reach} over ${label}`, null);
  });
}

const reach = "zones reach nothing beyond this host's own networks";

function leadsOut({ ways }: OutlookFacts, family: Family): boolean {
  return ways.some((way) => way.family === family && !isZoneLink(way.device));
}

function hasAddress(facts: OutlookFacts, config: Config, family: Family): boolean {
  return outerAddresses(facts, isOfZones(config)).some(({ address }) => familyOf(address) === family);
}

function isOfZones({ subnets }: Config): (address: Address) => boolean {
  return (address) => {
    const subnet = subnets[familyOf(address)]?.prefix;
    return subnet !== undefined && contains(subnet, address);
  };
}

export interface LinkFacts {
  readonly links: readonly Pick<Link, 'ifindex' | 'name' | 'up' | 'bus' | 'master'>[];
  readonly addresses: readonly HostAddress[];
}

/** Addresses of this host that are none of the zones' subnets and can be reached from elsewhere. */
function outerAddresses(
  { addresses, links }: LinkFacts,
  isInside: (address: Address) => boolean,
): { name: string; address: Address }[] {
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  return addresses.flatMap(({ ifindex, address }) => {
    const name = names.get(ifindex);
    if (name === undefined || name === 'lo' || isZoneLink(name) || address.startsWith('fe80:')) return [];
    return isInside(address) ? [] : [{ name, address }];
  });
}

/**
 * The links that are down and, by the settings, their address or their device, may be where zones' packets leave. `named`: by
 * the settings; `isInside`: whether an address is of the zones' subnets.
 */
export function downUplinks(
  facts: LinkFacts,
  named: readonly string[],
  isInside: (address: Address) => boolean,
): string[] {
  const configured = new Set(outerAddresses(facts, isInside).map(({ name }) => name));
  return facts.links
    .filter(({ name, up }) => !up && name !== 'lo' && !isZoneLink(name))
    .filter((link) => named.includes(link.name) || configured.has(link.name) || isNetworkCard(link))
    .map(({ name }) => name);
}

function gatewayFaults({ gateways, links }: OutlookFacts): Fault[] {
  return gateways.flatMap(({ family, ifindex, address, isSilent }) => {
    if (!isSilent) return [];
    const name = links.find((link) => link.ifindex === ifindex)?.name ?? `if${ifindex}`;
    const why = `${familyNames[family]} packets to the outside are lost: it is down, or not on that link`;
    return [fault(findings.uplinks.silentGateway, { address, name }, why, null)];
  });
}
