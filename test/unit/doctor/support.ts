/** A host on which all is well, to be broken in one place by each test. */
import type { Config } from '../../../src/config/config.ts';
import { daemonTomlSchema } from '../../../src/config/daemon-toml.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { defaultSettings } from '../../../src/config/settings-schema.ts';
import type { Status } from '../../../src/control/status.ts';
import { diagnose } from '../../../src/doctor/diagnose.ts';
import type { Snapshot, ZoneFacts } from '../../../src/doctor/host-snapshot.ts';
import type { OutlookFacts } from '../../../src/faults/outlook.ts';
import type { NftObject } from '../../../src/host/port.ts';
import type { SurveyedLink, SurveyedRoute } from '../../../src/host/survey-port.ts';
import { type Address, parseAddress } from '../../../src/model/address.ts';
import { counter, jump } from '../../../src/nft/expressions.ts';

export const paths = { config: '/etc/daemon.toml', settings: '/etc/own.toml' };

export function configOf(settings: Partial<Settings> = {}): Config {
  return { subnets: daemonTomlSchema.parse({}), settings: { ...defaultSettings, ...settings }, warnings: [] };
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export const status: Status = {
  version: '1.0.0',
  pid: 812,
  startedAt: 0,
  state: 'ready',
  subnets: { ipv4: '10.75.0.0/16', ipv6: 'fdd4:1476:6c7e::/48' },
  uplinks: [],
  isolation: { antiSpoof: true, zoneToZone: 'allow', metadata: 'allow', host: 'allow' },
  fleet: null,
  leaving: { ipv4: 'masquerade', ipv6: 'masquerade', noMasquerade: [] },
  directories: [],
  zones: [],
  lastPass: null,
  passes: 1,
  transactions: 1,
  repairs: 0,
  putBack: { nftables: 0, route: 0, 'neighbour-proxy': 0, link: 0, sysctl: 0, forwarding: 0, shaper: 0 },
  lastRepairs: [],
  failures: [],
  forwarder: null,
  warnings: [],
  faults: [],
};

export function link(name: string, addresses: readonly string[] = [], mtu = 1500): SurveyedLink {
  return { name, mtu, addresses: addresses.map(address) };
}

export function route(destination: string, device?: string, more: Partial<SurveyedRoute> = {}): SurveyedRoute {
  const devices = device === undefined ? [] : [device];
  return { family: 'ipv4', destination, type: 'unicast', table: 'main', protocol: 'boot', devices, ...more };
}

/** `FORWARD` of `ip filter` or `ip6 filter`, with rules given by what they hold. */
export function forward(family: 'ip' | 'ip6', policy: string, ...rules: (readonly NftObject[])[]): NftObject[] {
  const place = { family, table: 'filter' };
  const hook = { type: 'filter', hook: 'forward', prio: 0, policy };
  return [
    { chain: { ...place, name: 'FORWARD', ...hook } },
    { chain: { ...place, name: 'EDERA-FORWARD' } },
    ...rules.map((expr, handle) => ({ rule: { ...place, chain: 'FORWARD', handle: handle + 10, expr } })),
  ];
}

export const ourJump: readonly NftObject[] = [counter, jump('EDERA-FORWARD')];
export const denyJump: readonly NftObject[] = [counter, jump('EDERA-DENY')];

export const zone: ZoneFacts = {
  link: 'vif7.0',
  name: 'web',
  addresses: [address('10.75.0.7')],
  directory: 'static',
  origin: '/zones.d/vif7.0.toml',
  state: 'ready',
  reason: null,
  fix: null,
  wanted: true,
  carrier: true,
};

/** Both families leave by eth0. */
export const outlook: OutlookFacts = {
  links: ['lo', 'eth0', 'vif7.0'].map((name, place) => ({ ifindex: place + 1, name, up: true })),
  ways: [
    { family: 'ipv4', device: 'eth0' },
    { family: 'ipv6', device: 'eth0' },
  ],
  addresses: ['192.0.2.1', '2001:db8::1'].map((text) => ({ ifindex: 2, address: address(text) })),
  gateways: [],
  misled: [],
};

const tool = (path: string, version: string) => ({ path, version });

export const sound: Snapshot = {
  user: 0,
  kernelRelease: '6.1.0-13-amd64',
  tools: new Map([
    ['nft', tool('/usr/sbin/nft', 'nftables v1.0.6 (Lester Gooch #5)')],
    ['ip', tool('/usr/sbin/ip', 'ip utility, iproute2-6.1.0, libbpf 1.1.0')],
    ['iptables', undefined],
  ]),
  paths,
  config: configOf(),
  configProblem: undefined,
  bird: undefined,
  files: [],
  sysctls: new Map([
    ['net/ipv4/ip_forward', '1'],
    ['net/ipv6/conf/all/forwarding', '1'],
    ['net/ipv6/conf/all/disable_ipv6', '0'],
    ['net/ipv4/conf/all/rp_filter', '0'],
    ['net/ipv4/conf/all/arp_accept', '0'],
    ['net/ipv4/conf/all/arp_ignore', '0'],
    ['net/ipv4/conf/all/route_localnet', '0'],
    ['net/ipv4/conf/eth0/forwarding', '1'],
    ['net/ipv6/conf/eth0/forwarding', '1'],
    ['net/ipv6/conf/eth0/accept_ra', '0'],
  ]),
  links: [link('lo', ['127.0.0.1', '::1']), link('eth0', ['192.0.2.1', '2001:db8::1']), link('vif7.0')],
  routes: [
    route('default', 'eth0'),
    route('default', 'eth0', { family: 'ipv6' }),
    route('192.0.2.0/24', 'eth0', { protocol: 'kernel' }),
    route('10.75.0.7', 'vif7.0', { protocol: '75' }),
    route('10.75.0.1', 'lo', { type: 'local', table: 'local', protocol: '75' }),
    route('fe80::/64', 'vif7.0', { family: 'ipv6', protocol: 'kernel' }),
  ],
  ruleset: [...forward('ip', 'accept', ourJump), ...forward('ip6', 'accept', ourJump)],
  foreign: [],
  outlook,
  trial: { refusal: undefined },
  saved: new Map(),
  legacy: new Map(),
  daemon: { kind: 'answers', status, ownVersion: '1.0.0' },
  zones: {
    directories: [{ name: 'static', state: 'answered', detail: '/zones.d holds 1 zones', problems: [] }],
    zones: [zone],
    faults: [],
  },
  connections: { count: 10, max: 1000 },
  neighbours: new Map([['ipv4', { count: 10, max: 1024 }]]),
  processes: new Set(['systemd']),
  dropIns: new Set(),
  unread: [],
};

export function withSysctl(name: string, value: string | undefined): Pick<Snapshot, 'sysctls'> {
  const sysctls = new Map(sound.sysctls);
  if (value === undefined) sysctls.delete(name);
  else sysctls.set(name, value);
  return { sysctls };
}

/** `level check: what` of everything that is not in order. */
export function complaints(change: Partial<Snapshot>): string[] {
  return diagnose({ ...sound, ...change })
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, what }) => `${level} ${check}: ${what}`);
}
