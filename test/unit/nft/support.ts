/** A ruleset on the fake kernel, our layout's settings with their defaults, and shorthands for rules of others. */
import fc from 'fast-check';
import type { NftCommand, NftFamily, NftObject } from '../../../src/host/port.ts';
import { type Address, type Prefix, parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { type LinkName, parseLinkName } from '../../../src/model/link-name.ts';
import { accessOf, accessTemplate } from '../../../src/nft/access.ts';
import { applyRuleset } from '../../../src/nft/apply.ts';
import type { HostLink, LayoutSettings, ZonePair } from '../../../src/nft/layout-model.ts';
import { linkLimits } from '../../../src/nft/limits.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { planRuleset, type Scope } from '../../../src/nft/plan.ts';
import { smallest } from '../../../src/policy/limits.ts';
import type { ZoneEgress } from '../../../src/policy/model.ts';
import { parseAllow, parseDeny } from '../../../src/policy/rule.ts';
import type { FakeHost } from '../../fake/kernel.ts';

const noLimits = smallest([]);

const bridge: HostLink = { name: 'vifbr0', kind: 'bridge' };

export const defaults: LayoutSettings = {
  subnets: { ipv4: prefix('10.75.0.0/16'), ipv6: prefix('fdd4:1476:6c7e::/48') },
  uplinkInterfaces: [],
  masquerade: { ipv4: 'kernel', ipv6: 'kernel' },
  notMasqueraded: [],
  fleet: undefined,
  guestsElsewhere: [],
  hostLinks: [],
  placement: 'auto',
  mark: 0x10000000,
  antiSpoof: true,
  denyZoneToZone: false,
  deniedMetadata: [],
  denyHost: false,
  egress: undefined,
  published: [],
  limits: [],
  share: undefined,
  gateways: { ipv4: address('10.75.0.1'), ipv6: address('fdd4:1476:6c7e::1') },
};

export const anySettings: fc.Arbitrary<LayoutSettings> = fc.record({
  subnets: fc.constantFrom(
    defaults.subnets,
    { ipv4: defaults.subnets.ipv4, ipv6: undefined },
    { ipv4: undefined, ipv6: defaults.subnets.ipv6 },
    { ipv4: prefix('192.168.0.0/24'), ipv6: prefix('2001:db8::/32') },
  ),
  uplinkInterfaces: fc.constantFrom([], ['eth0'], ['wan1', 'eth0']),
  masquerade: fc.record({
    ipv4: fc.constantFrom('kernel' as const, 'off' as const, address('192.0.2.7')),
    ipv6: fc.constantFrom('kernel' as const, 'off' as const, address('2001:db8::7')),
  }),
  notMasqueraded: fc.constantFrom<readonly Prefix[]>(
    [],
    [prefix('10.200.0.0/16'), prefix('198.51.100.7/32'), prefix('2001:db8:77::/48')],
    [prefix('10.1.0.0/24'), prefix('10.1.1.0/24'), prefix('10.1.2.0/24'), prefix('2001:db8:8::1/128')],
  ),
  fleet: fc.constantFrom(
    undefined,
    { prefixes: [prefix('10.75.0.0/16'), prefix('fdd4:1476:6c7e::/48')], uplinks: ['eth0', 'eth1'] },
    { prefixes: [prefix('10.80.0.0/16')], uplinks: ['eth0'] },
  ),
  guestsElsewhere: fc.constantFrom<readonly string[]>([], ['web0'], ['db-1', 'web0']),
  hostLinks: fc.constantFrom<readonly HostLink[]>([], [bridge], [{ name: 'vif-lan', kind: 'vlan' }, bridge]),
  placement: fc.constantFrom('auto' as const, 'first' as const),
  mark: fc.constantFrom(0, 1, 0x10000000, 0x80000000),
  antiSpoof: fc.boolean(),
  denyZoneToZone: fc.boolean(),
  deniedMetadata: fc.constantFrom<readonly (Address | Prefix)[]>(
    [],
    [prefix('169.254.169.254/32'), prefix('fd00:ec2::254/128'), prefix('100.64.0.0/10')],
  ),
  denyHost: fc.boolean(),
  egress: fc.constantFrom(undefined, { resolverPort: 10_053 }),
  published: fc.constantFrom<LayoutSettings['published']>(
    [],
    [
      {
        ...{ address: undefined, transport: 'tcp', port: 443, to: 8443, from: [] },
        zone: { ipv4: address('10.75.0.3'), ipv6: address('fdd4:1476:6c7e::3') },
      },
      {
        ...{ address: address('192.0.2.2'), transport: 'udp', port: 53, to: 5353 },
        from: [prefix('203.0.113.0/24'), prefix('198.51.100.7/32'), prefix('0.0.0.0/0')],
        zone: { ipv4: address('10.75.0.4') },
      },
      {
        ...{ address: undefined, transport: 'tcp', port: 22, to: 22 },
        from: [prefix('203.0.113.0/24'), prefix('198.51.100.7/32')],
        zone: { ipv4: address('10.75.0.4'), ipv6: address('fdd4:1476:6c7e::4') },
      },
    ],
  ),
  share: fc.constantFrom(undefined, 65_536),
  limits: fc.constantFrom(
    [],
    linkLimits([{ ...noLimits, connections: 2000, newConnections: { count: 100, per: 'second' }, send: 200e6 }]),
    linkLimits([{ ...noLimits, connections: 7 }]),
    linkLimits([{ ...noLimits, send: 1e6 }]),
  ),
  gateways: fc.constant(defaults.gateways),
});

const links = ['vif1.0', 'vif2.0', 'vif2.1', 'vif1339.2'].map((name) => link(name));

const place = { file: 'policy.toml', line: 1, column: 1 };
const anyRule = fc
  .constantFrom(
    ...['192.0.2.7:443', '192.0.2.0/24:5432', '192.0.2.0/25:5000-6000', '0.0.0.0/0:5500/udp', '[2001:db8:7::/48]:443'],
    ...['[2001:db8:7::1]:1-65535', 'zone:db:5432', 'host:9100', 'host:9000-9200', 'api.example.com:443', 'icmp'],
  )
  .map((text) => parsed(parseAllow(text, place)));
const anyEgress: fc.Arbitrary<ZoneEgress> = fc.record({
  mode: fc.constantFrom('enforce' as const, 'audit' as const),
  allow: fc.array(anyRule, { maxLength: 6 }),
  deny: fc.subarray(
    ['192.0.2.64/26', '192.0.2.0/24', '198.51.100.1', '2001:db8::/32'].map((text) => parsed(parseDeny(text, place))),
  ),
});

function parsed<Rule>(rule: Rule | string): Rule {
  if (typeof rule === 'string') throw new Error(rule);
  return rule;
}

const anyAccess = (name: LinkName) =>
  fc.option(anyEgress, { nil: undefined }).map(
    (egress) =>
      egress &&
      accessOf(
        name,
        accessTemplate({ egress, limits: { ...noLimits, connections: 2000, send: 200e6 } }, () => [
          address('10.75.0.9'),
        ]),
      ),
  );

/** Links with distinct addresses of both families, of one, or with none. */
export const anyZones: fc.Arbitrary<ZonePair[]> = fc
  .subarray(links)
  .chain((some) =>
    fc.tuple(
      ...some.map((name) =>
        fc
          .constantFrom('4', '6', '46', '')
          .chain((kinds) =>
            anyAccess(name).map(
              (access): ZonePair => ({ link: name, addresses: addressesOf(links.indexOf(name), kinds), access }),
            ),
          ),
      ),
    ),
  );

function addressesOf(index: number, kinds: string): Address[] {
  const ipv4 = kinds.includes('4') ? [address(`10.75.0.${index + 3}`)] : [];
  const ipv6 = kinds.includes('6') ? [address(`fdd4:1476:6c7e::${index + 3}`)] : [];
  return [...ipv4, ...ipv6];
}

export function zone(name: string, ...addresses: string[]): ZonePair {
  return { link: link(name), addresses: addresses.map(address) };
}

export function all(zones: readonly ZonePair[], prune = true): Scope {
  return { kind: 'all', zones, prune };
}

/** Observes, plans, applies; returns what was applied. */
export async function converge(host: FakeHost, settings: LayoutSettings, scope: Scope): Promise<NftCommand[]> {
  const observed = await observeRuleset(host.nft);
  const commands = planRuleset(settings, observed, scope);
  await applyRuleset(host.nft, observed, commands);
  return commands;
}

/** What would be done now; empty means healthy. */
export async function pending(host: FakeHost, settings: LayoutSettings, scope: Scope): Promise<NftCommand[]> {
  return planRuleset(settings, await observeRuleset(host.nft), scope);
}

export function address(text: string): Address {
  return known(parseAddress(text), text);
}

export function prefix(text: string): Prefix {
  return known(parsePrefix(text), text);
}

export function link(text: string): LinkName {
  return known(parseLinkName(text), text);
}

function known<Value>(value: Value | undefined, text: string): Value {
  if (value === undefined) throw new Error(`${text} was to be valid`);
  return value;
}

/** The chain's rules as listed now. */
export async function rulesOf(host: FakeHost, family: NftFamily, table: string, chain: string): Promise<NftObject[]> {
  return ((await host.nft.table(family, table)) ?? []).flatMap((object) => {
    const rule = object['rule'] as NftObject | undefined;
    return rule?.['chain'] === chain ? [rule] : [];
  });
}

/** Somebody's chains in a filter table, each a list of rules, `FORWARD` with its hook. */
export function foreignFilter(host: FakeHost, chains: Readonly<Record<string, readonly NftObject[][]>>): void {
  const place = { family: 'ip', table: 'filter' };
  const hook = { type: 'filter', hook: 'forward', prio: 0, policy: 'accept' };
  const objects: NftObject[] = [{ table: { family: 'ip', name: 'filter', handle: 1 } }];
  for (const name of Object.keys(chains)) {
    objects.push({ chain: { ...place, name, ...(name === 'FORWARD' ? hook : {}) } });
  }
  for (const [chain, rules] of Object.entries(chains)) {
    for (const expr of rules) objects.push({ rule: { ...place, chain, expr } });
  }
  host.loadRuleset(objects);
}

export const count: NftObject = { counter: { packets: 7, bytes: 420 } };
export const acceptAll: NftObject = { accept: null };
export const dropAll: NftObject = { drop: null };
export const returnAll: NftObject = { return: null };

export function jumpTo(target: string): NftObject {
  return { jump: { target } };
}

export function goTo(target: string): NftObject {
  return { goto: { target } };
}

/** A statement of an iptables extension, as nft lists it. */
export function xt(type: 'match' | 'target', name: string): NftObject {
  return { xt: { type, name } };
}

export function from(source: string): NftObject {
  return { match: { op: '==', left: { payload: { protocol: 'ip', field: 'saddr' } }, right: source } };
}

export function leavingBy(name: string): NftObject {
  return { match: { op: '==', left: { meta: { key: 'oifname' } }, right: name } };
}
