/** Whether packets are forwarded at all, and where to. */

import type { Config } from '../../config/config.ts';
import { masqueradeOf } from '../../config/masquerade.ts';
import { sourceFaults, uplinkNameFaults } from '../../faults/settings.ts';
import { outlookFaults } from '../../faults/uplinks.ts';
import { type Family, families, familyNames, familyOf, isPrivate } from '../../model/address.ts';
import { isZoneLink } from '../../model/link-name.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
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
    const why = `zones' ${label} packets do not leave this host; the daemon should have turned it on`;
    return [fault(findings.forwarding.off, { sysctl: name }, 'bad', why, fix)];
  }
  const byDaemon =
    'systemctl start protect-network; not by hand, since forwarding without the guard lets spoofed packets out';
  const why = `zones' ${label} packets are not forwarded until the daemon turns it on`;
  return [fault(findings.forwarding.off, { sysctl: name }, 'warning', why, byDaemon)];
}

/** IPv4 asks the link by which a packet came; IPv6 asks `all` only. */
function judgeLinks(snapshot: Snapshot): Judgement[] {
  if (sysctl(snapshot, switches.ipv4) !== '1') return [];
  const names = [...uplinksOf(snapshot, 'ipv4'), ...zoneLinks(snapshot).map(({ name }) => name)];
  return [...new Set(names)].flatMap((link) => {
    const name = `net/ipv4/conf/${link}/forwarding`;
    if (sysctl(snapshot, name) !== '0') return [];
    return [fault(findings.forwarding.linkOff, { link })];
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
    const gaps = { setting, family: label, subnet: prefix.text, file: snapshot.paths.settings };
    return [fault(findings.uplinks.notMasqueraded, gaps)];
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
      const gaps = { link, family: familyNames[family], protocol };
      const { zoneIsRouter } = findings.uplinks;
      const fix = `ip ${family === 'ipv4' ? '-4' : '-6'} route del default dev ${link}`;
      if (protocol === 'ra') {
        const why = 'it became the router by sending a router advertisement';
        return fault(zoneIsRouter, gaps, 'bad', why, fix);
      }
      const why = 'all that this host and other zones send to the outside goes through it';
      return fault(zoneIsRouter, gaps, 'warning', why, `${fix}, unless this is intended`);
    }),
  );
}

/** The kernel asks the uplink's own switch whether it is a router, which then wants accept_ra to be 2. */
function judgeAdvertisements(snapshot: Snapshot): Judgement[] {
  const living = snapshot.routes.filter(
    ({ family, destination, protocol }) => family === families[1] && destination === 'default' && protocol === 'ra',
  );
  const devices = new Set(living.flatMap((route) => route.devices));
  const expiring = [...devices].flatMap((link) => judgeIgnored(findings.uplinks.acceptRaUsed, snapshot, link));
  if (uplinksByRoute(snapshot, 'ipv6').length > 0) return expiring;
  const { acceptRaIgnored } = findings.uplinks;
  return uplinksByRoute(snapshot, 'ipv4').flatMap((link) => judgeIgnored(acceptRaIgnored, snapshot, link));
}

/** Nothing where the link does not ignore advertisements, or was told to. */
function judgeIgnored(
  words: (typeof findings.uplinks)['acceptRaUsed' | 'acceptRaIgnored'],
  snapshot: Snapshot,
  link: string,
): Judgement[] {
  const name = `net/ipv6/conf/${link}/accept_ra`;
  const isRouter = sysctl(snapshot, `net/ipv6/conf/${link}/forwarding`) === '1';
  if (!isRouter || sysctl(snapshot, name) !== '1') return [];
  return [fault(words, { link })];
}
