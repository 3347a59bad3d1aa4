/** Whether packets are forwarded at all, and where to. */

import type { Config } from '../../config/config.ts';
import { masqueradeOf } from '../../config/masquerade.ts';
import { sourceFaults, uplinkNameFaults } from '../../faults/settings.ts';
import { outlookFaults } from '../../faults/uplinks.ts';
import { type Family, families, familyNames, familyOf, isPrivate } from '../../model/address.ts';
import { isZoneLink } from '../../model/link-name.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { isServed, type Snapshot, subnetsOf, sysctl, uplinksOf, zoneLinks } from '../host-snapshot.ts';
import { settingsFacts } from '../settings-facts.ts';

const switches: Record<Family, string> = { ipv4: 'net/ipv4/ip_forward', ipv6: 'net/ipv6/conf/all/forwarding' };

export function checkForwarding(snapshot: Snapshot): Judgement[] {
  return [...subnetsOf(snapshot).flatMap(({ family }) => judgeSwitch(snapshot, family)), ...judgeLinks(snapshot)];
}

function judgeSwitch(snapshot: Snapshot, family: Family): Judgement[] {
  const name = switches[family];
  const value = sysctl(snapshot, name);
  if (value === undefined) return [];
  const label = familyNames[family];
  if (value !== '0') return [ok(`${label} is forwarded (${name} is ${value})`)];
  const fix = `sysctl -w ${name}=1`;
  if (isServed(snapshot)) {
    return [
      bad(`${name} is 0`, `zones' ${label} packets do not leave this host; the daemon should have turned it on`, fix),
    ];
  }
  const byDaemon =
    'systemctl start protect-network; not by hand, since forwarding without the guard lets spoofed packets out';
  return [warning(`${name} is 0`, `zones' ${label} packets are not forwarded until the daemon turns it on`, byDaemon)];
}

/** IPv4 asks the link by which a packet came; IPv6 asks `all` only. */
function judgeLinks(snapshot: Snapshot): Judgement[] {
  if (sysctl(snapshot, switches.ipv4) !== '1') return [];
  const names = [...uplinksOf(snapshot, 'ipv4'), ...zoneLinks(snapshot).map(({ name }) => name)];
  return [...new Set(names)].flatMap((link) => {
    const name = `net/ipv4/conf/${link}/forwarding`;
    if (sysctl(snapshot, name) !== '0') return [];
    const why = `IPv4 packets that arrive on ${link} are dropped, although forwarding is on for the host`;
    return [bad(`${name} is 0`, why, `sysctl -w ${name}=1`)];
  });
}

export function checkUplinks(snapshot: Snapshot): Judgement[] {
  if (snapshot.config === undefined || snapshot.links.length === 0) return [];
  return [
    ...uplinkNameFaults(settingsFacts(snapshot, snapshot.config)),
    ...judgeOutlook(snapshot),
    ...judgeSources(snapshot, snapshot.config),
    ...judgeOwnAddresses(snapshot),
    ...judgeZoneRoutes(snapshot),
    ...judgeAdvertisements(snapshot),
  ];
}

function judgeSources({ links }: Snapshot, config: Config): Judgement[] {
  const own = new Set(links.flatMap(({ addresses }) => addresses));
  return sourceFaults(config, (address) => own.has(address));
}

/** Under which nobody on the internet can answer. */
function judgeOwnAddresses(snapshot: Snapshot): Judgement[] {
  const uplink = snapshot.config?.settings.uplink;
  return subnetsOf(snapshot).flatMap(({ family, subnet: { prefix } }) => {
    if (uplink === undefined || masqueradeOf(uplink, family) !== 'off' || !isPrivate(prefix.address)) return [];
    const [setting, label] = [`masquerade${family === 'ipv4' ? 4 : 6}`, familyNames[family]];
    return [
      warning(
        `uplink.${setting} is false, and zones have private ${label} addresses (${prefix.text})`,
        'they reach only networks that have a route back to them',
        `a route to ${prefix.text} via this host on the routers of those networks; or ${setting} = true in ${snapshot.paths.settings}, and in uplink.no-masquerade the networks that have one`,
      ),
    ];
  });
}

function judgeOutlook(snapshot: Snapshot): Judgement[] {
  const { config, outlook, zones } = snapshot;
  if (config === undefined || outlook === undefined) return [];
  const wanted = new Set((zones?.zones ?? []).flatMap(({ addresses }) => addresses.map(familyOf)));
  const leading = subnetsOf(snapshot).flatMap(({ family }) => {
    const devices = outlook.ways
      .filter((way) => way.family === family && !isZoneLink(way.device))
      .map(({ device }) => device);
    return devices.length === 0
      ? []
      : [ok(`${familyNames[family]} leaves this host via ${[...new Set(devices)].join(', ')}`)];
  });
  return [...leading, ...outlookFaults(outlook, config, wanted)];
}

function uplinksByRoute(snapshot: Snapshot, family: Family): string[] {
  const defaults = snapshot.routes.filter(({ destination, type }) => destination === 'default' && type === 'unicast');
  return [...new Set(defaults.filter((route) => route.family === family).flatMap(({ devices }) => devices))].filter(
    (name) => !isZoneLink(name),
  );
}

/** One router advertisement from a zone, taken before its link was ours, makes that zone this host's router. */
function judgeZoneRoutes({ routes }: Snapshot): Judgement[] {
  const defaults = routes.filter(({ destination, type }) => destination === 'default' && type === 'unicast');
  return defaults.flatMap(({ family, devices, protocol }) =>
    devices.filter(isZoneLink).map((link) => {
      const what = `the zone at ${link} is this host's ${familyNames[family]} router (protocol ${protocol})`;
      const fix = `ip ${family === 'ipv4' ? '-4' : '-6'} route del default dev ${link}`;
      if (protocol === 'ra') return bad(what, 'it became the router by sending a router advertisement', fix);
      return warning(
        what,
        'all that this host and other zones send to the outside goes through it',
        `${fix}, unless this is intended`,
      );
    }),
  );
}

/** The kernel asks the uplink's own switch whether it is a router, which then wants accept_ra to be 2. */
function judgeAdvertisements(snapshot: Snapshot): Judgement[] {
  const living = snapshot.routes.filter(
    ({ family, destination, protocol }) => family === families[1] && destination === 'default' && protocol === 'ra',
  );
  const devices = new Set(living.flatMap((route) => route.devices));
  const expiring = [...devices].flatMap((link) => {
    const why = `with forwarding on, the kernel no longer accepts router advertisements on ${link}: its IPv6 default route expires within minutes`;
    return judgeIgnored(bad, snapshot, link, `${link} has its default route from router advertisements`, why);
  });
  if (uplinksByRoute(snapshot, 'ipv6').length > 0) return expiring;
  return uplinksByRoute(snapshot, 'ipv4').flatMap((link) => {
    const why =
      'with forwarding on and accept_ra at 1 it ignores them: where this host has its IPv6 from router advertisements, it gets none';
    return judgeIgnored(warning, snapshot, link, `${link} ignores router advertisements`, why);
  });
}

/** Nothing where the link does not ignore advertisements, or was told to. */
function judgeIgnored(tell: typeof bad, snapshot: Snapshot, link: string, what: string, why: string): Judgement[] {
  const name = `net/ipv6/conf/${link}/accept_ra`;
  const isRouter = sysctl(snapshot, `net/ipv6/conf/${link}/forwarding`) === '1';
  if (!isRouter || sysctl(snapshot, name) !== '1') return [];
  return [tell(`${name} is 1, and ${what}`, why, `sysctl -w ${name}=2`)];
}
