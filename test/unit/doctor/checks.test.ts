/** Each check on a host that is broken in its one way, and silent on a sound one. */

import { describe, expect, it, test } from 'vitest';
import { daemonTomlSchema } from '../../../src/config/daemon-toml.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { defaultSettings } from '../../../src/config/settings-schema.ts';
import { diagnose, mustBeMended } from '../../../src/doctor/diagnose.ts';
import type { FileFacts, Snapshot } from '../../../src/doctor/host-snapshot.ts';
import { findingLines } from '../../../src/doctor/text.ts';
import type { NftObject } from '../../../src/host/port.ts';
import { notice } from '../../../src/model/fault.ts';
import {
  address,
  complaints,
  configOf,
  denyJump,
  forward,
  link,
  ourJump,
  outlook,
  route,
  sound,
  status,
  withSysctl,
  zone,
} from './support.ts';

test('a sound host has nothing to fix, and each finding that is not in order says why and what to do', () => {
  expect(complaints({})).toEqual([]);
  expect(mustBeMended(diagnose(sound))).toBe(false);
  const broken = diagnose({ ...sound, user: 1000, kernelRelease: '5.4.0', trial: { refusal: 'no' } });
  expect(mustBeMended(broken)).toBe(true);
  for (const { level, why, fix } of broken)
    expect([why === null, fix === null]).toEqual([level === 'ok', level === 'ok']);
});

const noDaemon: Partial<Snapshot> = { daemon: { kind: 'absent', why: '' } };
const denied: readonly NftObject[] = [{ reject: null }];
const docker = { chain: { family: 'ip', table: 'filter', name: 'DOCKER-USER' } };
const legacy = (...lines: readonly string[]): Partial<Snapshot> => ({
  legacy: new Map([['ipv4', { kind: 'rules', lines }]]),
});
const file = (role: FileFacts['role'], mode: bigint, uid = 0n): Partial<Snapshot> => ({
  files: [{ role, path: '/a', stats: { mode, uid }, linkDistrust: undefined }],
});
const rule = (...expr: NftObject[]): Partial<Snapshot> => ({
  ruleset: [...(sound.ruleset ?? []), { rule: { family: 'inet', table: 'kube', chain: 'c', handle: 7, expr } }],
});
const metaMark = { meta: { key: 'mark' } };
const marks = { mangle: { key: metaMark, value: { '|': [metaMark, 0x10000000] } } };
const own: readonly NftObject[] = [
  { rule: { family: 'inet', table: 'edera', chain: 'forward-begin', handle: 1, expr: [marks] } },
  { rule: { family: 'ip', table: 'filter', chain: 'EDERA-FORWARD', handle: 2, expr: [marks] } },
];
const saved = (line: string): Partial<Snapshot> => ({
  saved: new Map([['ipv4', `*mangle\n:PREROUTING ACCEPT [0:0]\n${line}\nCOMMIT\n`]]),
});
const zones = (change: object): Partial<Snapshot> => ({
  zones: { directories: [], ...sound.zones, ...change } as Snapshot['zones'],
});
const daemon = (change: object, ownVersion = '1.0.0'): Partial<Snapshot> => ({
  daemon: { kind: 'answers', status: { ...status, ...change }, ownVersion },
});
const uplink = (change: Partial<Settings['uplink']>) => ({
  config: configOf({ uplink: { ...defaultSettings.uplink, ...change } }),
});
const tools = (change: [string, unknown]) => ({ tools: new Map([...sound.tools, change]) as Snapshot['tools'] });

describe.each<[string, Partial<Snapshot>, string[]]>([
  ['another user', { user: 1000 }, ['bad user: this runs as user 1000, not as root']],
  ['no nft', tools(['nft', undefined]), ['bad tools: nft is not installed']],
  ['an older nft', tools(['nft', { path: '', version: 'nftables v0.9.8' }]), ['warning tools: nft is nftables v0.9.8']],
  ['a newer iproute2', tools(['ip', { path: '', version: 'ip utility, iproute2-6.15.0' }]), []],
  [
    'iptables-legacy by default',
    tools(['iptables', { path: '', version: 'iptables v1.8.9 (legacy)' }]),
    ['warning tools: iptables is iptables v1.8.9 (legacy): it writes the legacy tables, which nft does not show'],
  ],
  ['an old kernel', { kernelRelease: '5.4.0-1' }, ['bad kernel: this kernel is 5.4.0-1']],
  ['a refused ruleset', { trial: { refusal: 'no fib' } }, ['bad kernel: the kernel refuses our ruleset: no fib']],
  ['no IPv6', withSysctl('net/ipv6/conf/all/disable_ipv6', '1'), ['warning kernel: IPv6 is switched off on this host']],
  ['a wrong policy', { configProblem: 'x:1:1: no' }, ['bad configuration: x:1:1: no']],
  ['broken settings', { config: undefined, configProblem: 'x:1:1: no' }, ['bad configuration: x:1:1: no']],
  [
    'a warning about the settings',
    { config: { ...configOf(), warnings: ['a does not exist'] } },
    ['warning configuration: a does not exist'],
  ],
  ['a zone file of somebody’s', file('zone', 0o644n, 1000n), ['bad files: /a: owned by user 1000; expected root']],
  [
    'a directory for all',
    file('static-dir', 0o777n),
    [
      'bad files: /a: writable by group or others (mode 0777); expected no write permission for group and others (chmod go-w)',
    ],
  ],
  [
    'a socket for all',
    file('socket', 0o644n),
    ['warning files: /a: accessible by group or others; expected mode 0600'],
  ],
  ['a socket of root’s alone', file('socket', 0o600n), []],
  ['no daemon beside zones', noDaemon, ['bad daemon: the daemon is not running']],
  [
    'no daemon and no zones',
    { ...noDaemon, links: sound.links.slice(0, 2) },
    ['warning daemon: the daemon is not running'],
  ],
  [
    'a daemon that hangs',
    { daemon: { kind: 'silent', why: 'slow' } },
    ['bad daemon: the daemon cannot be queried: slow'],
  ],
  [
    'a quarrel',
    daemon({ state: 'degraded', failures: [{ what: 'host', reason: 'ufw undoes', attempts: 9, nextTryAt: 0 }] }),
    ['bad daemon: the daemon is degraded: host: ufw undoes (attempt 9)'],
  ],
  [
    'a daemon from before the upgrade',
    daemon({}, '1.1.0'),
    ['warning daemon: the daemon is version 1.0.0, and this command is 1.1.0'],
  ],
  [
    'a warning of the daemon that nobody here has',
    zones({ faults: [notice('the host may not answer'), notice('static: told by the directory')] }),
    ['warning reported: the host may not answer'],
  ],
  [
    'a directory that is down',
    zones({ directories: [{ name: 'xenstore', state: 'down', detail: 'gone', problems: [] }] }),
    ['bad directories: zone directory xenstore does not answer: gone'],
  ],
  [
    'no directory at all',
    zones({ directories: [{ name: 'static', state: 'absent', detail: '', problems: [] }] }),
    ['bad directories: no zone directory exists on this host'],
  ],
  [
    'an entry that cannot be used',
    zones({ directories: [{ name: 'static', state: 'answered', detail: '', problems: ['/b: no'] }] }),
    ['bad directories: static: /b: no'],
  ],
  [
    'a failed zone',
    zones({ zones: [{ ...zone, state: 'failed', reason: 'no' }] }),
    ['bad zones: vif7.0 (web) could not be set up: no'],
  ],
  [
    'a link that nobody knows',
    zones({ zones: [{ ...zone, state: 'unserved', wanted: false, reason: 'no directory knows it' }] }),
    ['warning zones: vif7.0 has no network: no directory knows it'],
  ],
  [
    'links whose entries cannot be used for one reason',
    zones({
      zones: ['vif7.0', 'vif8.0'].map((link) => ({ ...zone, link, state: 'unserved', reason: 'zones.d is writable' })),
    }),
    ['bad zones: vif7.0, vif8.0 have no network: zones.d is writable'],
  ],
  [
    'links of which a fault tells',
    zones({
      zones: [{ ...zone, state: 'unserved', reason: '10.75.0.7 is outside' }],
      faults: [{ level: 'bad', what: 'daemon.toml:2 says 10.80.0.0/16', why: 'y', fix: 'z', links: ['vif7.0'] }],
    }),
    ['bad reported: daemon.toml:2 says 10.80.0.0/16'],
  ],
  ['no IPv4 forwarding', withSysctl('net/ipv4/ip_forward', '0'), ['bad forwarding: net/ipv4/ip_forward is 0']],
  [
    'no IPv6 forwarding yet',
    { ...withSysctl('net/ipv6/conf/all/forwarding', '0'), ...noDaemon, links: [] },
    ['warning daemon: the daemon is not running', 'warning forwarding: net/ipv6/conf/all/forwarding is 0'],
  ],
  [
    'an uplink that forwards nothing',
    withSysctl('net/ipv4/conf/eth0/forwarding', '0'),
    ['bad forwarding: net/ipv4/conf/eth0/forwarding is 0'],
  ],
  [
    'no default route',
    { outlook: { ...outlook, ways: [] } },
    // The zone has no IPv6.
    ['bad uplinks: there is no IPv4 default route', 'warning uplinks: there is no IPv6 default route'],
  ],
  [
    'an uplink that is down',
    { outlook: { ...outlook, ways: [], links: outlook.links.map((each) => ({ ...each, up: each.name !== 'eth0' })) } },
    ['bad uplinks: eth0 is down, and there is no IPv4 and IPv6 default route'],
  ],
  [
    'no IPv4 default route on a host that has no IPv4',
    { outlook: { ...outlook, ways: outlook.ways.slice(1), addresses: outlook.addresses.slice(1) } },
    ['warning uplinks: there is no IPv4 default route'],
  ],
  [
    'a gateway that does not answer',
    {
      outlook: {
        ...outlook,
        gateways: [{ family: 'ipv4', ifindex: 2, address: address('192.0.2.254'), isSilent: true }],
      },
    },
    ['warning uplinks: the gateway 192.0.2.254 does not answer on eth0'],
  ],
  [
    'no IPv6 default route',
    { outlook: { ...outlook, ways: outlook.ways.slice(0, 1) } },
    ['warning uplinks: there is no IPv6 default route'],
  ],
  [
    'an unknown uplink',
    uplink({ interfaces: ['eth9'] }),
    ['bad uplinks: uplink.interfaces names eth9, and this host has no such interface'],
  ],
  [
    'an address to leave under that is not this host’s',
    uplink({ source: { ipv4: address('198.51.100.7'), ipv6: undefined } }),
    ['warning uplinks: uplink.source names 198.51.100.7, and this host has no such address'],
  ],
  [
    'one that counts for nothing',
    uplink({ source: { ipv4: address('198.51.100.7'), ipv6: undefined }, masquerade4: false }),
    ['warning uplinks: uplink.masquerade4 is false, and zones have private IPv4 addresses (10.75.0.0/16)'],
  ],
  [
    'private addresses without masquerade',
    uplink({ masquerade6: false }),
    ['warning uplinks: uplink.masquerade6 is false, and zones have private IPv6 addresses (fdd4:1476:6c7e::/48)'],
  ],
  [
    'public addresses without masquerade',
    {
      config: {
        ...uplink({ masquerade6: false }).config,
        subnets: daemonTomlSchema.parse({ network: { ipv6: { subnet: '2001:db8:7::/48' } } }),
      },
    },
    [],
  ],
  [
    'an uplink by router advertisements',
    {
      ...withSysctl('net/ipv6/conf/eth0/accept_ra', '1'),
      routes: [...sound.routes, route('default', 'eth0', { family: 'ipv6', protocol: 'ra' })],
    },
    ['bad uplinks: net/ipv6/conf/eth0/accept_ra is 1, and eth0 has its default route from router advertisements'],
  ],
  [
    'an uplink that may be waiting for router advertisements',
    {
      ...withSysctl('net/ipv6/conf/eth0/accept_ra', '1'),
      routes: sound.routes.filter(({ family, destination }) => family === 'ipv4' || destination !== 'default'),
      outlook: { ...outlook, ways: outlook.ways.slice(0, 1) },
    },
    [
      'warning uplinks: there is no IPv6 default route',
      'warning uplinks: net/ipv6/conf/eth0/accept_ra is 1, and eth0 ignores router advertisements',
    ],
  ],
  [
    'an uplink by router advertisements that are taken',
    {
      ...withSysctl('net/ipv6/conf/eth0/accept_ra', '2'),
      routes: [...sound.routes, route('default', 'eth0', { family: 'ipv6', protocol: 'ra' })],
    },
    [],
  ],
  [
    'router advertisements on a link that is no router',
    {
      sysctls: new Map([
        ...sound.sysctls,
        ['net/ipv6/conf/eth0/accept_ra', '1'],
        ['net/ipv6/conf/eth0/forwarding', '0'],
      ]),
      routes: [...sound.routes, route('default', 'eth0', { family: 'ipv6', protocol: 'ra' })],
    },
    [],
  ],
  [
    'a zone that made itself our router',
    { routes: [...sound.routes, route('default', 'vif7.0', { family: 'ipv6', protocol: 'ra' })] },
    ["bad uplinks: the zone at vif7.0 is this host's IPv6 router (protocol ra)"],
  ],
  [
    'a zone’s address on the host',
    { links: [...sound.links, link('br0', ['10.75.0.7'])] },
    ["bad subnets: 10.75.0.7 is the address of the zone at vif7.0, and this host's own on br0"],
  ],
  [
    'an address that a zone could get',
    { links: [...sound.links, link('br0', ['10.75.0.9'])] },
    ["warning subnets: this host has 10.75.0.9 on br0, inside the zones' 10.75.0.0/16"],
  ],
  [
    'the host’s own address with the subnet',
    {
      links: [...sound.links, link('dummy0', ['10.75.0.2'])],
      routes: [...sound.routes, route('10.75.0.0/16', 'dummy0', { protocol: 'kernel' })],
    },
    [],
  ],
  [
    'the shadows of the host’s own addresses',
    {
      links: [...sound.links, link('lo', ['10.75.0.2', 'fdd4:1476:6c7e::2'])],
      routes: [
        ...sound.routes,
        route('10.75.0.2', 'lo', { type: 'local', table: 'local', protocol: 'kernel' }),
        route('10.75.255.255', 'lo', { type: 'broadcast', table: 'local', protocol: 'kernel' }),
        route('10.75.0.0/24', 'lo', { type: 'local', table: 'local', protocol: 'kernel' }),
        route('fdd4:1476:6c7e::2', 'lo', { family: 'ipv6', protocol: 'kernel' }),
      ],
    },
    [],
  ],
  [
    'a zone’s route by somebody else',
    { routes: [...sound.routes, route('10.75.0.7', 'vif7.0')] },
    ["bad subnets: the route to 10.75.0.7 via vif7.0 (table main, protocol boot) lies inside the zones' 10.75.0.0/16"],
  ],
  [
    'a blackhole',
    { routes: [...sound.routes, route('10.75.3.3', undefined, { type: 'blackhole' })] },
    ["bad subnets: the route to 10.75.3.3 blackhole (table main, protocol boot) lies inside the zones' 10.75.0.0/16"],
  ],
  [
    'a company’s network around it',
    { routes: [...sound.routes, route('10.0.0.0/8', 'eth0')] },
    ["warning subnets: the route to 10.0.0.0/8 via eth0 (table main, protocol boot) covers the zones' 10.75.0.0/16"],
  ],
  [
    'a narrow uplink',
    { links: [link('eth0', [], 1400), link('vif7.0', [], 1500)] },
    ['warning mtu: vif7.0 has an MTU of 1500, and the uplink eth0 of 1400'],
  ],
  [
    'a zone’s link too narrow for IPv6',
    { links: [link('eth0'), link('vif7.0', [], 1000)] },
    ['bad mtu: vif7.0 has an MTU of 1000, less than the 1280 of IPv6'],
  ],
  [
    'no jump',
    { ruleset: [...forward('ip', 'drop'), ...forward('ip6', 'drop', ourJump), docker] },
    ['bad forward-chains: our jump is missing from FORWARD of ip filter (Docker writes there)'],
  ],
  [
    'a jump behind a reject',
    { ruleset: [...forward('ip', 'accept', denied, ourJump), ...forward('ip6', 'drop', ourJump)] },
    ['bad forward-chains: in FORWARD of ip filter a rule that ends every packet comes before our jump'],
  ],
  [
    'a policy and no jump, before the daemon’s first start',
    { ...noDaemon, links: sound.links.slice(0, 2), ruleset: forward('ip', 'drop') },
    [
      'warning daemon: the daemon is not running',
      'warning forward-chains: FORWARD of ip filter denies what no rule accepts, and our jump is not there',
    ],
  ],
  [
    'the jump to our denials alone',
    { ruleset: [...forward('ip', 'drop', denyJump), ...forward('ip6', 'drop', ourJump)] },
    ['bad forward-chains: our jump is missing from FORWARD of ip filter'],
  ],
  [
    'the jump to our denials, and ours just ahead of a reject',
    { ruleset: [...forward('ip', 'drop', denyJump, ourJump, denied), ...forward('ip6', 'drop', ourJump)] },
    [],
  ],
  [
    'a policy and no jump, and zones',
    { ...noDaemon, ruleset: forward('ip', 'drop') },
    [
      'bad daemon: the daemon is not running',
      'bad forward-chains: FORWARD of ip filter denies what no rule accepts, and our jump is not there',
    ],
  ],
  [
    'a jump ahead of a reject',
    { ruleset: [...forward('ip', 'drop', ourJump, denied), ...forward('ip6', 'drop', ourJump)] },
    [],
  ],
  [
    'a firewall of others',
    { foreign: [{ level: 'bad', what: 'x ends', why: 'y', fix: 'z' }] },
    ['bad foreign-firewalls: x ends'],
  ],
  [
    'a firewall of others that may pass zones',
    { foreign: [{ level: 'warning', what: 'x may end', why: 'y', fix: 'z' }] },
    ['warning foreign-firewalls: x may end'],
  ],
  [
    'a legacy table that drops',
    legacy(':FORWARD DROP [0:0]'),
    ["bad legacy-tables: the filter table of iptables-legacy drops zones' packets (-P FORWARD DROP)"],
  ],
  ['a legacy table that lets zones pass', legacy(':FORWARD ACCEPT [0:0]'), []],
  [
    'a legacy table that cannot be read',
    { legacy: new Map([['ipv6', { kind: 'unreadable', reason: 'no tool' }]]) },
    ['warning legacy-tables: the filter table of ip6tables-legacy cannot be read (no tool)'],
  ],
  [
    'what the daemon says of a legacy table',
    daemon({ warnings: ["the filter table of iptables-legacy drops zones' packets"] }),
    [],
  ],
  [
    'somebody who sets our bit',
    rule({ mangle: { key: metaMark, value: { '|': [metaMark, 0x30000000] } } }),
    ['bad marks: 0x10000000, our packet mark bit, is also used elsewhere: inet kube c (handle 7) sets it'],
  ],
  ['somebody who clears other bits', rule({ mangle: { key: metaMark, value: { '&': [metaMark, 0xffffbfff] } } }), []],
  [
    'somebody who looks for our bit',
    rule({ match: { op: '==', left: { '&': [metaMark, 0x30000000] }, right: 0x20000000 } }),
    ['warning marks: 0x10000000, our packet mark bit, is also used elsewhere: inet kube c (handle 7) matches it'],
  ],
  ['somebody with another bit', rule({ match: { op: '==', left: { '&': [metaMark, 0x4000] }, right: 0x4000 } }), []],
  [
    'iptables that sets our bit',
    saved('-A PREROUTING -j MARK --set-xmark 0x10000000/0xffffffff'),
    ['bad marks: 0x10000000, our packet mark bit, is also used elsewhere: iptables -t mangle PREROUTING sets it'],
  ],
  ['iptables that sets all of the mark but our bit', saved('-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff'), []],
  ['ourselves', { ruleset: [...(sound.ruleset ?? []), ...own] }, []],
  [
    'iptables that looks for our bit',
    saved('-A PREROUTING -m mark ! --mark 0x10000000/0x10000000 -j ACCEPT'),
    [
      'warning marks: 0x10000000, our packet mark bit, is also used elsewhere: iptables -t mangle PREROUTING matches it',
    ],
  ],
  [
    'iptables and a connection’s mark',
    saved('-A PREROUTING -m connmark --mark 0x10000000 -j CONNMARK --set-xmark 0x10000000/0x10000000'),
    [],
  ],
  [
    'iptables with another bit',
    saved('-A PREROUTING -m mark --mark 0x4000/0x4000 -j MARK --set-xmark 0x8000/0x8000'),
    [],
  ],
  [
    'loose checks',
    withSysctl('net/ipv4/conf/all/rp_filter', '2'),
    ['warning sysctls: net/ipv4/conf/all/rp_filter is 2'],
  ],
  [
    'ARP for what the link itself has only',
    withSysctl('net/ipv4/conf/all/arp_ignore', '1'),
    ['bad sysctls: net/ipv4/conf/all/arp_ignore is 1'],
  ],
  [
    'ARP unasked',
    withSysctl('net/ipv4/conf/all/arp_accept', '1'),
    ['warning sysctls: net/ipv4/conf/all/arp_accept is 1'],
  ],
  [
    'a routed loopback',
    withSysctl('net/ipv4/conf/all/route_localnet', '1'),
    ['warning sysctls: net/ipv4/conf/all/route_localnet is 1'],
  ],
  [
    'many connections',
    { connections: { count: 800, max: 1000 } },
    ['warning tables: 800 of 1000 connections are tracked'],
  ],
  [
    'no room for connections',
    { connections: { count: 990, max: 1000 } },
    ['bad tables: 990 of 1000 connections are tracked'],
  ],
  [
    'a full ARP table',
    { neighbours: new Map([['ipv4', { count: 1000, max: 1024 }]]) },
    ['bad tables: the ARP table holds 1000 of 1024 entries'],
  ],
  [
    'more zones than neighbours',
    { neighbours: new Map([['ipv6', { count: 1, max: 1 }]]) },
    ['bad tables: there are 1 zone links, and the NDP table has 1 entries (net/ipv6/neigh/default/gc_thresh3)'],
  ],
  [
    'networkd without our file',
    { processes: new Set(['systemd-network']) },
    ["warning network-managers: systemd-networkd runs without our file that keeps it away from zones' links"],
  ],
  [
    'NetworkManager with networkd’s file only',
    { processes: new Set(['NetworkManager']), dropIns: new Set(['systemd-networkd']) },
    ["warning network-managers: NetworkManager runs without our file that keeps it away from zones' links"],
  ],
  ['networkd with our file', { processes: new Set(['systemd-network']), dropIns: new Set(['systemd-networkd']) }, []],
  [
    'something unread',
    { unread: [{ what: 'routes', why: 'no ip' }] },
    ['warning unread: routes could not be checked: no ip'],
  ],
] satisfies [string, Partial<Snapshot>, string[]][])('%s', (_name, change, expected) => {
  it(expected.length === 0 ? 'is in order' : 'is named, and nothing else', () => {
    expect(complaints(change)).toEqual(expected);
  });
});

test('a mark of 0 is nobody’s', () => {
  const config = configOf({ forward: { ...defaultSettings.forward, mark: 0 } });
  expect(complaints({ ...saved('-A PREROUTING -j MARK --set-xmark 0x10000000/0xffffffff'), config })).toEqual([]);
});

test('a free bit is proposed where ours is taken', () => {
  const change = { ...rule({ mangle: { key: metaMark, value: 0x90000000 } }) };
  expect(diagnose({ ...sound, ...change }).find(({ level }) => level === 'bad')?.fix).toBe(
    'in /etc/own.toml: [forward] mark = 0x40000000',
  );
});

test('a distrusted file is told of once', () => {
  const problems = ['/a: writable by group or others'];
  const change = zones({ directories: [{ name: 'static', state: 'answered', detail: '', problems }] });
  expect(complaints({ ...file('zone', 0o666n), ...change })).toHaveLength(1);
});

test('many alike are told of once in the text', () => {
  const many = Array.from({ length: 60 }, (_, place) => ({ what: `file ${place}`, why: 'no' }));
  const view = {
    paint: (_level: string, text: string) => text,
    wrap: (text: string, first: string) => [`${first}${text}`],
  };
  const printed = findingLines(diagnose({ ...sound, unread: many }), view);
  expect(printed.filter((line) => line.startsWith('WARNING'))).toHaveLength(51);
  expect(printed).toContain('WARNING  and 10 more about unread; --json has them all');
  expect(printed.at(-1)).toBe('nothing to fix, 60 warnings');
});
