/** A status of a host at rest, to be changed. */
import type { Status, ZoneStatus } from '../../../src/control/status.ts';
import { type Address, parseAddress } from '../../../src/model/address.ts';

/** 2026-01-02 03:04:05 UTC. */
export const noon = Date.UTC(2026, 0, 2, 3, 4, 5);

export function statusOf(changes: Partial<Status> = {}): Status {
  return {
    version: '1.2.3',
    pid: 4711,
    startedAt: noon - 3 * 3_600_000,
    state: 'ready',
    subnets: { ipv4: '10.75.0.0/16', ipv6: 'fdd4:1476:6c7e::/48' },
    fleet: null,
    leaving: { ipv4: 'masquerade', ipv6: 'masquerade', noMasquerade: [] },
    uplinks: [{ interface: 'eth0', families: ['ipv4', 'ipv6'] }],
    isolation: { antiSpoof: true, zoneToZone: 'allow', metadata: 'allow', host: 'allow' },
    directories: [
      { name: 'control-api', state: 'absent', entries: 0, problems: [], detail: 'no socket', since: noon - 60_000 },
      { name: 'static', state: 'answered', entries: 1, problems: [], detail: 'read', since: noon - 60_000 },
    ],
    zones: [zoneOf()],
    lastPass: { at: noon - 5000, milliseconds: 1.25, changes: 3, cause: 'link vif7.0 is up' },
    passes: 12,
    transactions: 4,
    repairs: 1,
    putBack: { nftables: 1, route: 0, 'neighbour-proxy': 0, link: 0, sysctl: 0, forwarding: 0, shaper: 0 },
    lastRepairs: [
      {
        at: noon - 65_000,
        milliseconds: 9.5,
        culprits: ['ufw (812)'],
        cause: 'ufw (812) changed ip filter',
        what: ['our jump in ip filter FORWARD'],
      },
    ],
    failures: [],
    forwarder: null,
    warnings: [],
    faults: [],
    ...changes,
  };
}

const none = { packets: 0, bytes: 0 };

export function zoneOf(changes: Partial<ZoneStatus> = {}): ZoneStatus {
  return {
    link: 'vif7.0',
    ifindex: 42,
    name: 'web',
    addresses: ['10.75.0.3', 'fdd4:1476:6c7e::3'].map(address),
    directory: 'static',
    origin: '/zones.d/vif7.0.toml',
    state: 'ready',
    since: noon - 2 * 3_600_000,
    reason: null,
    fix: null,
    wanted: true,
    carrier: true,
    takenBy: null,
    policy: 'none',
    leases: 0,
    sent: { packets: 1234, bytes: 567_890 },
    received: { packets: 9, bytes: 840 },
    spoofed: none,
    dropped: {
      source: none,
      unassigned: none,
      stray: none,
      error: none,
      flood: none,
      untranslated: none,
      bandwidth: none,
      denied: none,
      limit: none,
    },
    lastForgery: null,
    lastUnassigned: null,
    ...changes,
  };
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}
