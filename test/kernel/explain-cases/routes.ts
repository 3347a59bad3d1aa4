/** Hosts whose policy rules, routes, source checks or forwarding switches are wrong. */
import { internetGateway } from '../../lab/addresses.ts';
import { byIp, bySysctl, type Case, toOutside, toOutside6, toSibling, udpOutside } from '../../lab/explain-case.ts';

const zoneRoute4 = '10.75.1.7/32 dev vif7.0 proto 75';
const zoneRoute6 = 'fdd4:1476:6c7e::107/128 dev vif7.0 proto 75';

const passes = { verdict: 'passes', names: /nothing on this host/ } as const;
/** Table 100 knows the uplink; everybody else finds the far host behind a zone. */
const elsewhere = [`route add default via ${internetGateway.ipv4} table 100`, 'route add 198.51.100.0/24 dev vif8.0'];
const elsewhereNoMore = ['route flush table 100', 'route del 198.51.100.0/24 dev vif8.0'];

/** What the zone sends is marked and leaves by the uplink; the check of the answer's source knows no mark. */
function asymmetric(name: string, filter: number, expected: Pick<Case, 'verdict' | 'names'>): Case {
  return {
    name,
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.nft(
        'table ip other {\n chain it { type filter hook prerouting priority -150; iifname "vif7.0" meta mark set 0x80\n }\n }',
      );
      await host.ip('rule add fwmark 0x80 lookup 100 pref 100', ...elsewhere);
      await host.setSysctls({ 'net/ipv4/conf/uplink0/rp_filter': filter });
    },
    mend: async ({ world: { host } }) => {
      await host.nft('delete table ip other');
      await host.ip('rule del pref 100', ...elsewhereNoMore);
      await host.setSysctls({ 'net/ipv4/conf/uplink0/rp_filter': 0 });
    },
    ...expected,
  };
}

/** A policy rule ahead of main, and what its table holds; typed fixes stand ahead of it. */
function byRule(
  name: string,
  family: '-4' | '-6',
  rule: string,
  held: string | undefined,
  expected: Pick<Case, 'names'> & Partial<Case>,
): Case {
  return {
    name,
    ask: toOutside,
    verdict: 'blocked',
    breakIt: async ({ world: { host } }) => {
      await host.mustExec('ip', [family, 'rule', 'add', ...rule.split(' '), 'pref', '100']);
      if (held !== undefined) await host.mustExec('ip', [family, 'route', 'add', ...held.split(' '), 'table', '100']);
    },
    mend: ({ world: { host } }) =>
      host.exec('sh', [
        '-c',
        `for pref in 99 100; do while ip ${family} rule del pref $pref; do :; done; done; ip ${family} route flush table 100`,
      ]),
    ...expected,
  };
}

export const routes: readonly Case[] = [
  byIp('the zone’s route is missing', [`route del ${zoneRoute4}`], [`route add ${zoneRoute4}`], {
    names: /source 10\.75\.1\.7 fails rp_filter=1 on vif7\.0/,
  }),
  {
    name: 'the zone’s route is missing, and nothing checks the source',
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.ip(`route del ${zoneRoute4}`);
      await host.setSysctls({ 'net/ipv4/conf/vif7.0/rp_filter': 0 });
    },
    mend: async ({ world: { host } }) => {
      await host.ip(`route add ${zoneRoute4}`);
      await host.setSysctls({ 'net/ipv4/conf/vif7.0/rp_filter': 1 });
    },
    verdict: 'blocked',
    names: /the answer to 10\.75\.1\.7 leaves via uplink0 instead of vif7\.0/,
  },
  byIp('the zone’s IPv6 route is missing', [`route del ${zoneRoute6}`], [`route add ${zoneRoute6}`], {
    ask: toOutside6,
    names:
      /the route back to fdd4:1476:6c7e::107 is via uplink0 instead of via vif7\.0.*edera-reverse-path guard handle/,
  }),
  byIp(
    'the sibling’s route is missing',
    ['route del 10.75.1.8/32 dev vif8.0 proto 75'],
    ['route add 10.75.1.8/32 dev vif8.0 proto 75'],
    {
      ask: toSibling,
      names: /inet edera \S+ handle \d+/,
    },
  ),
  ...[
    ['10.75.1.8/32', '198.51.100.10'],
    ['fdd4:1476:6c7e::108/128', '2001:db8:99::10'],
  ].map(([own, to = '']) =>
    byIp(
      `another route to ${own} is in the way`,
      [`route del ${own} dev vif8.0 proto 75`, `route add ${own} dev uplink0`],
      [`route replace ${own} dev vif8.0 proto 75`],
      { ask: { subject: 'vif8.0', to }, names: /vif8\.0/, isFixed: {} },
    ),
  ),
  byRule('a policy rule of somebody’s says blackhole', '-4', 'from 10.75.1.7 blackhole', undefined, {
    names: /policy rule refuses it: ip rule pref 100 from 10\.75\.1\.7 blackhole/,
    isFixed: { stillClosed: toSibling },
  }),
  byRule(
    'a policy rule ahead of main leads all zones to an unreachable route',
    '-4',
    'from 10.75.0.0/16 lookup 100',
    'unreachable default',
    {
      names: /unreachable default table 100.*by the policy rule pref 100 from 10\.75\.0\.0\/16 lookup 100/,
      isFixed: { stillClosed: { subject: 'vif8.0', to: '198.51.100.10' } },
    },
  ),
  byRule('the same for IPv6', '-6', 'from fdd4:1476:6c7e::/48 lookup 100', 'unreachable default', {
    ask: toOutside6,
    names: /pref 100 from fdd4:1476:6c7e::\/48/,
    isFixed: { stillClosed: { subject: 'vif8.0', to: '2001:db8:99::10' } },
  }),
  byRule(
    'a policy rule sends zones to a table that knows the outside only',
    '-4',
    'from 10.75.0.0/16 lookup 100',
    `default via ${internetGateway.ipv4}`,
    { ask: toSibling, names: /by the policy rule pref 100/, isFixed: {} },
  ),
  byRule('a throw route leads on to the next rule', '-4', 'from 10.75.0.0/16 lookup 100', 'throw default', passes),
  byRule('a rule for another port leads elsewhere', '-4', 'ipproto udp dport 7001 lookup 100', 'unreachable default', {
    ...passes,
    ask: udpOutside,
  }),
  byRule('a rule for this port leads elsewhere', '-4', 'ipproto udp dport 7000 lookup 100', 'unreachable default', {
    ask: udpOutside,
    names: /unreachable default table 100, by the policy rule pref 100 from all ipproto udp dport 7000/,
    isFixed: {},
  }),
  {
    ...byRule(
      'the rules of wg-quick, and half of a default route',
      '-4',
      'not fwmark 0x20 lookup 100',
      undefined,
      passes,
    ),
    breakIt: async ({ world: { host } }) => {
      await host.ip(
        'rule add not fwmark 0x20 lookup 100 pref 100',
        'rule add lookup main suppress_prefixlength 0 pref 99',
        `route add 0.0.0.0/1 via ${internetGateway.ipv4} table 100`,
        `route add 128.0.0.0/1 via ${internetGateway.ipv4} table 100`,
        'route del default',
      );
    },
    mend: async (lab) => {
      await lab.world.host.exec('sh', ['-c', 'ip rule del pref 99; ip rule del pref 100; ip route flush table 100']);
      await lab.world.host.ip(`route replace default via ${internetGateway.ipv4}`);
    },
  },
  {
    ...byRule('a policy rule by the alternative name of a link', '-4', 'iif vif7.0 lookup 100', undefined, {
      names: /unreachable default table 100, by the policy rule pref 100 from all iif vif7\.0/,
    }),
    breakIt: ({ world: { host } }) =>
      host.ip(
        'link property add dev vif7.0 altname guest-of-seven',
        'rule add iif guest-of-seven lookup 100 pref 100',
        'route add unreachable default table 100',
      ),
    mend: async ({ world: { host } }) =>
      host.ip('rule del pref 100', 'route flush table 100', 'link property del dev vif7.0 altname guest-of-seven'),
  },
  byIp(
    'a default route with two next hops',
    [
      'route del default',
      `route add default nexthop via ${internetGateway.ipv4} dev uplink0 nexthop via ${internetGateway.ipv4} dev uplink0 weight 2`,
    ],
    ['route del default', `route add default via ${internetGateway.ipv4}`],
    passes,
  ),
  byIp(
    'a policy rule sends zones to a table without routes but prohibit',
    ['rule add iif vif7.0 lookup 100 pref 100', 'route add prohibit default table 100'],
    ['rule del pref 100', 'route flush table 100'],
    {
      names: /the route to 198\.51\.100\.10 is prohibit default table 100|10\.75\.0\.1 is prohibit default table 100/,
    },
  ),
  {
    name: 'a mark that a foreign rule sets meets a foreign policy rule',
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.nft(
        'table ip other {\n chain it { type filter hook prerouting priority -150; iifname "vif*" meta mark set meta mark | 0x40\n }\n }',
      );
      await host.ip('rule add fwmark 0x40/0x40 unreachable pref 90');
    },
    mend: async ({ world: { host } }) => {
      await host.nft('delete table ip other');
      await host.ip('rule del pref 90');
    },
    verdict: 'blocked',
    names: /ip rule pref 90 from all fwmark 0x40\/0x40 unreachable/,
  },
  ...['blackhole', 'unreachable', 'prohibit'].map((type) =>
    byIp(`a route of type ${type}`, [`route add ${type} 198.51.100.0/24`], [`route del ${type} 198.51.100.0/24`], {
      names: new RegExp(`the route to 198\\.51\\.100\\.10 is ${type} 198\\.51\\.100\\.0/24`),
    }),
  ),
  byIp(
    'an IPv6 route of type blackhole',
    ['route add blackhole 2001:db8:99::/48'],
    ['route del blackhole 2001:db8:99::/48'],
    {
      ask: toOutside6,
      names: /the route to 2001:db8:99::10 is blackhole 2001:db8:99::\/48/,
    },
  ),
  byIp('no default route', ['route del default'], [`route add default via ${internetGateway.ipv4}`], {
    names: /there is no route to 198\.51\.100\.10/,
  }),
  byIp(
    'no IPv6 default route',
    [`route del default via ${internetGateway.ipv6} dev uplink0`],
    [`route add default via ${internetGateway.ipv6} dev uplink0`],
    {
      ask: toOutside6,
      names: /there is no route to 2001:db8:99::10/,
    },
  ),
  bySysctl(
    'IPv4 forwarding is off',
    { 'net/ipv4/ip_forward': 0 },
    { 'net/ipv4/ip_forward': 1 },
    {
      names: /does not forward IPv4: net\.ipv4\.ip_forward is 0/,
    },
  ),
  bySysctl(
    'IPv4 forwarding is off on the link alone',
    { 'net/ipv4/conf/vif7.0/forwarding': 0 },
    { 'net/ipv4/conf/vif7.0/forwarding': 1 },
    {
      names: /does not forward IPv4: net\/ipv4\/conf\/vif7\.0\/forwarding is 0/,
    },
  ),
  bySysctl(
    'IPv6 forwarding is off',
    { 'net/ipv6/conf/all/forwarding': 0 },
    { 'net/ipv6/conf/all/forwarding': 1 },
    {
      ask: toOutside6,
      names: /the proxy needs forwarding, and net\.ipv6\.conf\.all\.forwarding is 0/,
    },
  ),
  asymmetric('rp_filter on the uplink, with the way back elsewhere', 1, {
    verdict: 'blocked',
    names: /source 198\.51\.100\.10 fails rp_filter=1 on uplink0.*dev vif8\.0/,
  }),
  asymmetric('rp_filter on the uplink in its loose mode, with the way back elsewhere', 2, passes),
  {
    name: 'rp_filter on the uplink, with a policy rule for the zone that holds for the way back, too',
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.ip('rule add iif vif7.0 lookup 100 pref 100', ...elsewhere);
      await host.setSysctls({ 'net/ipv4/conf/uplink0/rp_filter': 1 });
    },
    mend: async ({ world: { host } }) => {
      await host.ip('rule del pref 100', ...elsewhereNoMore);
      await host.setSysctls({ 'net/ipv4/conf/uplink0/rp_filter': 0 });
    },
    ...passes,
  },
];
