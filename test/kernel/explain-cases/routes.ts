/** Hosts whose policy rules, routes, source checks or forwarding switches are wrong. */
import { internetGateway } from '../../lab/addresses.ts';
import { byIp, bySysctl, type Case, toOutside, toOutside6, toSibling } from '../../lab/explain-case.ts';

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
  byIp(
    'a policy rule of somebody’s says blackhole',
    ['rule add from 10.75.1.7 blackhole pref 100'],
    ['rule del pref 100'],
    {
      names: /policy rule refuses it: ip rule pref 100 from 10\.75\.1\.7 blackhole/,
    },
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
