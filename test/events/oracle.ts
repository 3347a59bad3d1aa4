/**
 * What the host should look like, worked out by other means than the daemon's from text in the fake kernel's words, in
 * which a real kernel can be told as well. Knows no test runner, so that it can run in a namespace.
 */
import assert from 'node:assert/strict';
import type { MemoryDirectory } from './memory-directory.ts';

/** The host's whole state as the fake renders it, and what the zone directories say. */
export interface Outcome {
  readonly text: string;
  readonly directories: readonly MemoryDirectory[];
}

const gateway6 = 'fdd4:1476:6c7e::1';
const usable = /^(10\.75\.\d+\.(?!0$|1$|2$)\d+|fdd4:1476:6c7e::(?!1$|2$)[0-9a-f]+)$/;

/** Throws where the host is not what links, directories and settings make of it. Defaults are assumed. */
export function expectAsDesired(outcome: Outcome): void {
  const state = stateOf(outcome.text);
  const claims = validClaims(outcome, state);
  const granted = new Map([...claims].filter(([link]) => state.sets.get('spoofed')?.includes(link)));
  expectFairGrants(claims, granted, state);

  const pairs = [...granted].flatMap(([link, addresses]) => addresses.map((address) => [link, address] as const));
  const ofFamily = (six: boolean) => pairs.filter(([, address]) => address.includes(':') === six);
  for (const [digit, six] of [
    ['4', false],
    ['6', true],
  ] as const) {
    const wanted = ofFamily(six).map(([link, address]) => `${link} . ${address}`);
    expectLines(state.sets.get(`from${digit}`), wanted, `from${digit}`);
    expectLines(state.sets.get(`to${digit}`), wanted, `to${digit}`);
    const zones = ofFamily(six).map(([, address]) => address);
    expectLines(state.sets.get(`zone${digit}`), zones, `zone${digit}`);
    expectFilter(state, six ? 'ip6' : 'ip', [...new Set(ofFamily(six).map(([link]) => link))]);
  }
  expectLines(state.sets.get('spoofed'), [...granted.keys()], 'spoofed');

  // Somebody's route keeps a zone that opens out of its place; one that was open before stands ahead of it.
  const blocked = new Set(state.foreignRoutes);
  const isFree = (route: string) => !blocked.has(route.split(' ')[0] ?? '');
  const routes = pairs.map(([link, address]) => `${address} dev ${link}`);
  expectAmong(routes, state.routes, 'routes');
  expectLines(state.routes.filter(isFree), routes.filter(isFree), 'routes');
  expectLines(state.gateways, [`10.75.0.1`, gateway6], 'gateways');
  const withIpv6 = [...granted].filter(([, addresses]) => addresses.some((address) => address.includes(':')));
  const siblings = ofFamily(true).map(([, address]) => address);
  const proxies = withIpv6.flatMap(([link, own]) =>
    [gateway6, ...siblings.filter((address) => !own.includes(address))].map((address) => `${address} dev ${link}`),
  );
  expectLines(state.proxies, proxies, 'neighbour proxies');

  expectAmong(state.upLinks, [...granted.keys()], 'links that are up');
  for (const link of granted.keys()) {
    const wanted = linkSysctls.map((sysctl) => `net/${sysctl.replace('L', link)}`);
    expectAmong(state.sysctls, wanted, 'sysctls');
  }
  expectAmong(state.sysctls, ['net/ipv4/conf/all/forwarding = 1', 'net/ipv6/conf/all/forwarding = 1'], 'forwarding');
}

const linkSysctls = [
  'ipv4/conf/L/proxy_arp = 1',
  'ipv4/conf/L/rp_filter = 1',
  'ipv6/conf/L/proxy_ndp = 1',
  'ipv4/neigh/L/proxy_delay = 0',
  'ipv6/neigh/L/proxy_delay = 0',
  'ipv6/conf/L/accept_ra = 0',
];

/** Rules, routes, links and sysctls that are nobody's of ours: to be compared with a host without a daemon. */
export function foreignThings(text: string): string[] {
  const lines: string[] = [];
  let place = '';
  let chain = '';
  for (const line of text.trimEnd().split('\n')) {
    const words = line.trim();
    if (line.startsWith('table ')) [place, chain] = [line, ''];
    else if (/^ {2}(chain|set) /.test(line)) chain = words;
    else if (line.startsWith('    ')) {
      const isOurs =
        place === 'table inet edera' ||
        place === 'table ip6 edera-reverse-path' ||
        chain === 'chain EDERA-FORWARD' ||
        words.endsWith('jump EDERA-FORWARD');
      if (!isOurs) lines.push(`${place}, ${chain}: ${words}`);
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

function stateOf(text: string): State {
  const lines = text.trimEnd().split('\n');
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
function validClaims({ directories }: Outcome, { links }: State): Map<string, string[]> {
  const claims = new Map<string, string[]>();
  for (const link of links) {
    for (const directory of directories) {
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
  expectAmong([...claims.keys()], sets.get('spoofed') ?? [], 'links that may claim something');
  const given = [...granted.values()].flat();
  assert.equal(new Set(given).size, given.length, `an address was given twice: ${given.join(' ')}`);
  for (const [link, addresses] of claims) {
    const isShut = granted.has(link) || addresses.some((address) => given.includes(address));
    assert.ok(isShut, `${link} could be served`);
  }
}

function expectFilter(state: State, family: 'ip' | 'ip6', links: readonly string[]): void {
  const rules = state.chains.get(`${family}/EDERA-FORWARD`) ?? [];
  assert.deepEqual(rules.slice(0, 3), [
    'iifname != "vif*" oifname != "vif*" return',
    'jump EDERA-USER',
    'meta mark & 0x10000000 == 0x10000000 counter accept',
  ]);
  const pairs = links.flatMap((link) => [`iifname "${link}" counter accept`, `oifname "${link}" counter accept`]);
  expectLines(rules.slice(3), pairs, `pairs of ${family}`);
  const forward = state.chains.get(`${family}/FORWARD`) ?? [];
  const end = forward.findIndex((rule) => /^(counter )?(drop|accept)$/.test(rule));
  const place = end < 0 ? forward.length - 1 : end - 1;
  const jumps = forward.flatMap((rule, index) => (rule === 'counter jump EDERA-FORWARD' ? [index] : []));
  assert.deepEqual(jumps, [place], `places of the jump in ${family} FORWARD: ${forward.join('; ')}`);
}

function expectLines(seen: readonly string[] | undefined, wanted: readonly string[], what: string): void {
  assert.deepEqual([...(seen ?? ['nothing'])].sort(), [...wanted].sort(), what);
}

/** Each of `wanted` is among `seen`. */
function expectAmong(seen: readonly string[], wanted: readonly string[], what: string): void {
  const missing = wanted.filter((line) => !seen.includes(line));
  assert.deepEqual(missing, [], `${what}: not among ${seen.join(', ')}`);
}
