/** Whether the zones' addresses are zones' alone on this host. */

import { routeProtocol } from '../../host/rtnetlink-changes.ts';
import type { SurveyedRoute } from '../../host/survey-port.ts';
import {
  type Address,
  contains,
  holds,
  hostLength,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../model/address.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import { type Snapshot, subnetsOf } from '../host-snapshot.ts';

type Known = ReturnType<typeof subnetsOf>[number]['subnet'];

export function checkSubnets(snapshot: Snapshot): Judgement[] {
  // Every host has lo: nothing could be read.
  if (snapshot.links.length === 0) return [];
  return subnetsOf(snapshot).flatMap(({ subnet }) => {
    const judged = [...judgeAddresses(snapshot, subnet), ...judgeRoutes(snapshot, subnet)];
    return judged.length > 0 ? judged : [ok(`nothing on this host overlaps ${subnet.prefix.text}`)];
  });
}

function judgeAddresses({ links, zones }: Snapshot, { prefix, reserved }: Known): Judgement[] {
  const holders = new Map(
    zones?.zones.flatMap(({ link, addresses }) => addresses.map((each) => [each, link] as const)),
  );
  return links.flatMap(({ name, addresses }) =>
    addresses.flatMap((address) => {
      if (!contains(prefix, address)) return [];
      const zone = holders.get(address);
      const fix = `ip address del ${address}/${hostLength(prefix.family)} dev ${name}, and where it is configured`;
      if (zone !== undefined)
        return [fault(findings.subnets.ownAddress, { address, link: zone, interface: name }, fix)];
      if (reserved.has(address)) return [];
      const gaps = { address, interface: name, subnet: prefix.text };
      return [fault(findings.subnets.addressInside, gaps, fix)];
    }),
  );
}

function judgeRoutes(snapshot: Snapshot, subnet: Known): Judgement[] {
  const { routes, links, paths } = snapshot;
  const { prefix, reserved } = subnet;
  const own = new Set(links.flatMap(({ addresses }) => addresses));
  const hostsOwn = links.filter(({ addresses }) => addresses.some((each) => reserved.has(each)));
  return routes.flatMap((route) => {
    const target = targetOf(route);
    if (target === undefined || !isForeign(route, target, own) || isOfFleet(snapshot, route, target)) return [];
    // The whole subnet by a link that has the host's own address in it: how some hosts are set up, and harmless.
    const isOwn = route.devices.every((device) => hostsOwn.some(({ name }) => name === device));
    if (target.text === prefix.text && isOwn) return [];
    return judgeOverlap(route, target, prefix, paths.config);
  });
}

/** To other hosts of the fleet, by the links to them. */
function isOfFleet({ config }: Snapshot, { devices }: SurveyedRoute, target: Prefix): boolean {
  const { prefixes = [], uplinks = [] } = config?.settings.fleet ?? {};
  return prefixes.some((prefix) => holds(prefix, target)) && devices.every((device) => uplinks.includes(device));
}

function judgeOverlap(route: SurveyedRoute, target: Prefix, prefix: Prefix, config: string): Judgement[] {
  const { destination, devices, type, table, protocol } = route;
  const via = devices.length === 0 ? type : `via ${devices.join(', ')}`;
  const gaps = { prefix: destination, via, table, protocol, subnet: prefix.text };
  if (contains(prefix, target.address) && target.length >= prefix.length) {
    const why =
      target.length === hostLength(prefix.family)
        ? 'no zone can have that address: the route takes the place of its own'
        : "addresses of the zones' subnet are also used elsewhere: what is forwarded there is dropped, or goes to a zone";
    const family = prefix.family === 'ipv4' ? '-4' : '-6';
    const fix = `ip ${family} route del ${destination} table ${table}, or give zones another subnet in ${config}`;
    return [fault(findings.subnets.routeInside, gaps, why, fix)];
  }
  if (!contains(target, prefix.address)) return [];
  return [fault(findings.subnets.routeCovers, { ...gaps, file: config })];
}

/** Undefined for a default route, which covers everything and means nothing by it. */
function targetOf({ destination, family }: SurveyedRoute): Prefix | undefined {
  const address = parseAddress(destination);
  const length = hostLength(family);
  const prefix = address === undefined ? parsePrefix(destination) : { family, address, length, text: destination };
  return prefix?.length === 0 ? undefined : prefix;
}

/** Not ours, and more than the kernel's own shadow of one of the host's addresses. */
function isForeign(route: SurveyedRoute, { address, length, family }: Prefix, own: ReadonlySet<Address>): boolean {
  if (route.protocol === routeProtocol || ['local', 'broadcast', 'anycast', 'multicast'].includes(route.type))
    return false;
  return !(length === hostLength(family) && own.has(address));
}
