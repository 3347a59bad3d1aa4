/** Whether packets are forwarded at all, and where to. */
import { type Family, families } from '../../model/address.ts';
import { parseLinkName } from '../../model/link-name.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { familyNames, isServed, type Snapshot, subnetsOf, sysctl, uplinksOf, zoneLinks } from '../snapshot.ts';

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
      bad(`${name} is 0`, `nothing of zones' ${label} leaves this host; the daemon turns it on and did not`, fix),
    ];
  }
  const byDaemon =
    'systemctl start protect-network; not by hand, since forwarding without its guard lets forged packets out';
  return [warning(`${name} is 0`, `nothing of zones' ${label} is forwarded until the daemon turns it on`, byDaemon)];
}

/** IPv4 asks the link by which a packet came; IPv6 asks `all` only. */
function judgeLinks(snapshot: Snapshot): Judgement[] {
  if (sysctl(snapshot, switches.ipv4) !== '1') return [];
  const names = [...uplinksOf(snapshot, 'ipv4'), ...zoneLinks(snapshot).map(({ name }) => name)];
  return [...new Set(names)].flatMap((link) => {
    const name = `net/ipv4/conf/${link}/forwarding`;
    if (sysctl(snapshot, name) !== '0') return [];
    const why = `IPv4 packets that come by ${link} are dropped, although forwarding is on for the host`;
    return [bad(`${name} is 0`, why, `sysctl -w ${name}=1`)];
  });
}

export function checkUplinks(snapshot: Snapshot): Judgement[] {
  const { config, links } = snapshot;
  if (config === undefined || links.length === 0) return [];
  const missing = config.settings.uplink.interfaces.filter((name) => links.every((link) => link.name !== name));
  return [
    ...missing.map((name) =>
      bad(
        `uplink.interfaces names ${name}, and this host has no such interface`,
        'what zones send out by another one is not masqueraded, and its answers do not come back',
        `correct uplink.interfaces in ${snapshot.paths.settings}; ip link show lists what there is`,
      ),
    ),
    ...judgeDefaultRoutes(snapshot),
    ...judgeZoneRoutes(snapshot),
    ...judgeAdvertisements(snapshot),
  ];
}

function judgeDefaultRoutes(snapshot: Snapshot): Judgement[] {
  const wanted = subnetsOf(snapshot).map(({ family }) => family);
  const leading = wanted.filter((family) => uplinksByRoute(snapshot, family).length > 0);
  return wanted.map((family) => {
    const uplinks = uplinksByRoute(snapshot, family);
    const label = familyNames[family];
    if (uplinks.length > 0) return ok(`${label} leaves this host by ${uplinks.join(', ')}`);
    const tell = leading.length === 0 ? bad : warning;
    const fix = `ip ${family === 'ipv4' ? '-4' : '-6'} route add default via ROUTER, and where this host's network is configured`;
    return tell(
      `there is no ${label} default route`,
      `zones reach nothing beyond this host's own routes by ${label}`,
      fix,
    );
  });
}

function uplinksByRoute(snapshot: Snapshot, family: Family): string[] {
  const defaults = snapshot.routes.filter(({ destination, type }) => destination === 'default' && type === 'unicast');
  return [...new Set(defaults.filter((route) => route.family === family).flatMap(({ devices }) => devices))].filter(
    (name) => !isZoneLink(name),
  );
}

function isZoneLink(name: string): boolean {
  return parseLinkName(name) !== undefined;
}

/** One router advertisement from a zone, taken before its link was ours, makes that zone this host's router. */
function judgeZoneRoutes({ routes }: Snapshot): Judgement[] {
  const defaults = routes.filter(({ destination, type }) => destination === 'default' && type === 'unicast');
  return defaults.flatMap(({ family, devices, protocol }) =>
    devices.filter(isZoneLink).map((link) => {
      const what = `the zone at ${link} is this host's ${familyNames[family]} router (protocol ${protocol})`;
      const fix = `ip ${family === 'ipv4' ? '-4' : '-6'} route del default dev ${link}`;
      if (protocol === 'ra') return bad(what, 'it made itself so, by a router advertisement', fix);
      return warning(
        what,
        'all that this host and other zones send to the outside goes through it',
        `${fix}, unless it is meant`,
      );
    }),
  );
}

/** The kernel asks the uplink's own switch whether it is a router, which then wants accept_ra to be 2. */
function judgeAdvertisements(snapshot: Snapshot): Judgement[] {
  const { routes } = snapshot;
  const living = routes.filter(
    ({ family, destination, protocol }) => family === families[1] && destination === 'default' && protocol === 'ra',
  );
  return [...new Set(living.flatMap(({ devices }) => devices))].flatMap((link) => {
    const name = `net/ipv6/conf/${link}/accept_ra`;
    const isRouter = sysctl(snapshot, `net/ipv6/conf/${link}/forwarding`) === '1';
    if (!isRouter || sysctl(snapshot, name) !== '1') return [];
    const why = `with forwarding on the kernel takes no router advertisement by ${link} any more: its IPv6 default route dies in minutes`;
    return [
      bad(`${name} is 1, and ${link} has its default route from router advertisements`, why, `sysctl -w ${name}=2`),
    ];
  });
}
