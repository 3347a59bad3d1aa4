/** What the host should look like, worked out from the fake's text by other means than the daemon's. */
import { expect } from 'vitest';
import type { FakeHost } from '../../fake/kernel.ts';
import type { World } from './support.ts';

const gateway6 = 'fdd4:1476:6c7e::1';
const usable = /^(10\.75\.\d+\.(?!0$|1$|2$)\d+|fdd4:1476:6c7e::(?!1$|2$)[0-9a-f]+)$/;

/** Throws where the world is not what links, directories and settings make of it. Defaults are assumed. */
export function expectAsDesired(world: World): void {
  const state = stateOf(world.host);
  const claims = validClaims(world, state);
  const granted = new Map([...claims].filter(([link]) => state.sets.get('spoofed')?.includes(link)));
  expectFairGrants(claims, granted, state);

  const pairs = [...granted].flatMap(([link, addresses]) => addresses.map((address) => [link, address] as const));
  const ofFamily = (six: boolean) => pairs.filter(([, address]) => address.includes(':') === six);
  for (const [digit, six] of [
    ['4', false],
    ['6', true],
  ] as const) {
    const wanted = ofFamily(six).map(([link, address]) => `${link} . ${address}`);
    expect(state.sets.get(`from${digit}`), `from${digit}`).toEqual(wanted.sort());
    expect(state.sets.get(`to${digit}`), `to${digit}`).toEqual(wanted);
    expect(state.sets.get(`zone${digit}`)).toEqual(
      ofFamily(six)
        .map(([, address]) => address)
        .sort(),
    );
    expectFilter(state, six ? 'ip6' : 'ip', [...new Set(ofFamily(six).map(([link]) => link))]);
  }
  expect(state.sets.get('spoofed')).toEqual([...granted.keys()].sort());

  // Somebody's route keeps a zone that opens out of its place; one that was open before stands ahead of it.
  const blocked = new Set(state.foreignRoutes);
  const isFree = (route: string) => !blocked.has(route.split(' ')[0] ?? '');
  const routes = pairs.map(([link, address]) => `${address} dev ${link}`).sort();
  expect(routes).toEqual(expect.arrayContaining(state.routes));
  expect(state.routes.filter(isFree)).toEqual(routes.filter(isFree));
  expect(state.gateways).toEqual([`10.75.0.1`, gateway6]);
  const withIpv6 = [...granted].filter(([, addresses]) => addresses.some((address) => address.includes(':')));
  const siblings = ofFamily(true).map(([, address]) => address);
  const proxies = withIpv6.flatMap(([link, own]) =>
    [gateway6, ...siblings.filter((address) => !own.includes(address))].map((address) => `${address} dev ${link}`),
  );
  expect(state.proxies).toEqual(proxies.sort());

  for (const link of granted.keys()) {
    expect(state.upLinks, 'links that are up').toContain(link);
    for (const sysctl of ['ipv4/conf/L/proxy_arp = 1', 'ipv4/conf/L/rp_filter = 1', 'ipv6/conf/L/proxy_ndp = 1']) {
      expect(state.sysctls).toContain(`net/${sysctl.replace('L', link)}`);
    }
    for (const sysctl of [
      'ipv4/neigh/L/proxy_delay = 0',
      'ipv6/neigh/L/proxy_delay = 0',
      'ipv6/conf/L/accept_ra = 0',
    ]) {
      expect(state.sysctls).toContain(`net/${sysctl.replace('L', link)}`);
    }
  }
  expect(state.sysctls).toEqual(expect.arrayContaining(['net/ipv4/conf/all/forwarding = 1']));
  expect(state.sysctls).toEqual(expect.arrayContaining(['net/ipv6/conf/all/forwarding = 1']));
}

/** Rules, routes, links and sysctls that are nobody's of ours, as text: to be compared with a host without a daemon. */
export function foreignThings(host: FakeHost): string[] {
  const lines: string[] = [];
  let place = '';
  let chain = '';
  for (const line of host.render().trimEnd().split('\n')) {
    const text = line.trim();
    if (line.startsWith('table ')) [place, chain] = [line, ''];
    else if (/^ {2}(chain|set) /.test(line)) chain = text;
    else if (line.startsWith('    ')) {
      const isOurs =
        place === 'table inet edera' ||
        place === 'table ip6 edera-reverse-path' ||
        chain === 'chain EDERA-FORWARD' ||
        text.endsWith('jump EDERA-FORWARD');
      if (!isOurs) lines.push(`${place}, ${chain}: ${text}`);
    } else if (!/ vif| tap0 |\/tap0\/|proto 75|net\/ipv[46]\/conf\/(vif|all\/)|net\/ipv[46]\/neigh\/vif/.test(line))
      lines.push(line);
  }
  return lines;
}

interface State {
  readonly links: string[];
  readonly upLinks: string[];
  readonly routes: string[];
  readonly gateways: string[];
  readonly foreignRoutes: string[];
  readonly proxies: string[];
  readonly sysctls: string[];
  readonly sets: ReadonlyMap<string, string[]>;
  /** Rules by `family/chain`. */
  readonly chains: ReadonlyMap<string, string[]>;
}

function stateOf(host: FakeHost): State {
  const lines = host.render().trimEnd().split('\n');
  const matching = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).sort();
  const sets = new Map<string, string[]>();
  const chains = new Map<string, string[]>();
  let table = '';
  let current: string[] = [];
  for (const line of lines) {
    const [, family, name = ''] = /^table (\S+) (\S+)/.exec(line) ?? [];
    const [, kind, object = ''] = /^ {2}(chain|set) (\S+)/.exec(line) ?? [];
    if (family !== undefined) table = name === 'filter' ? family : name;
    else if (kind !== undefined) {
      current = [];
      if (kind === 'set') sets.set(object, current);
      else chains.set(`${table}/${object}`, current);
    } else if (line.startsWith('    ')) current.push(line.trim());
  }
  return {
    links: matching(/^link \d+ (vif[1-9]\d*\.\d+) /),
    upLinks: matching(/^link \d+ (\S+) up/),
    routes: matching(/^route (\S+ dev \S+) proto 75$/),
    gateways: matching(/^route local (\S+) dev lo table local proto 75$/),
    foreignRoutes: matching(/^route (\S+) dev \S+ proto static$/),
    proxies: matching(/^proxy (\S+ dev \S+) proto 75$/),
    sysctls: matching(/^sysctl (.*)$/),
    sets,
    chains,
  };
}

/** What each link on the host may claim by itself: the first directory that knows it, if all it says is usable. */
function validClaims(world: World, { links }: State): Map<string, string[]> {
  const claims = new Map<string, string[]>();
  for (const link of links) {
    for (const directory of world.directories) {
      const entry = directory.snapshot().entries.find((each) => each.link === link);
      if (entry === undefined) continue;
      const { addresses } = entry;
      if (addresses.length > 0 && addresses.every((address) => usable.test(address))) claims.set(link, [...addresses]);
      break;
    }
  }
  return claims;
}

/** Nobody shares an address, and nobody goes without who could have had all of theirs. */
function expectFairGrants(claims: Map<string, string[]>, granted: Map<string, string[]>, { sets }: State): void {
  expect([...claims.keys()]).toEqual(expect.arrayContaining(sets.get('spoofed') ?? []));
  const given = [...granted.values()].flat();
  expect(new Set(given).size).toBe(given.length);
  for (const [link, addresses] of claims) {
    if (granted.has(link)) continue;
    expect(
      addresses.some((address) => given.includes(address)),
      `${link} could be served`,
    ).toBe(true);
  }
}

function expectFilter(state: State, family: 'ip' | 'ip6', links: readonly string[]): void {
  const rules = state.chains.get(`${family}/EDERA-FORWARD`) ?? [];
  expect(rules.slice(0, 3)).toEqual([
    'iifname != "vif*" oifname != "vif*" return',
    'jump EDERA-USER',
    'meta mark & 0x10000000 == 0x10000000 counter accept',
  ]);
  const pairs = links.flatMap((link) => [`iifname "${link}" counter accept`, `oifname "${link}" counter accept`]);
  expect(rules.slice(3).sort()).toEqual(pairs.sort());
  const forward = state.chains.get(`${family}/FORWARD`) ?? [];
  const end = forward.findIndex((rule) => /^(counter )?(drop|accept)$/.test(rule));
  const place = end < 0 ? forward.length - 1 : end - 1;
  expect(forward.flatMap((rule, index) => (rule === 'counter jump EDERA-FORWARD' ? [index] : []))).toEqual([place]);
}
