/** Hosts whose translations, tracking or iptables rules are wrong. */
import {
  byForeignTable,
  byIptables,
  byNft,
  type Case,
  toOutside,
  toOutside6,
  toSibling,
  udpOutside,
} from '../../lab/explain-case.ts';

const passes = { verdict: 'passes', names: /nothing on this host/ } as const;
const nat = (hook: string, rules: string) => `table ip other {\n chain it { type nat hook ${hook}; ${rules}\n }\n }`;
const noOther = 'delete table ip other';

/** As kube-proxy lays them out in its nftables mode: a map of services, and chance among their endpoints. */
function byServices(name: string, one: string, other: string, expected: Pick<Case, 'verdict' | 'names'>): Case {
  const table = `table ip kube {
    map services { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 203.0.113.9 . udp . 7000 : goto service }\n }
    chain endpoint-a { ${one}\n }
    chain endpoint-b { ${other}\n }
    chain service { numgen random mod 2 vmap { 0 : goto endpoint-a, 1 : goto endpoint-b }\n }
    chain it { type nat hook prerouting priority -100; ip daddr . meta l4proto . th dport vmap @services\n }
  }`;
  const ask = { ...udpOutside, to: '203.0.113.9:7000' };
  return { ...byNft(name, table, 'delete table ip kube', { names: expected.names }), ask, ...expected };
}

export const translations: readonly Case[] = [
  byForeignTable(
    'a connection tracking zone for one direction only',
    'prerouting priority -300',
    'iifname "vif7.0" ct zone set 7',
    {
      names: /the answer ends at 192\.0\.2\.1 .*looks for it in zone 0, and the connection is in zone 7/,
    },
  ),
  byForeignTable(
    'a zone that holds for the first direction',
    'prerouting priority -300',
    'iifname "vif7.0" ct original zone set 7',
    passes,
  ),
  byForeignTable('one zone for all', 'prerouting priority -300', 'ct zone set 7', passes),
  byIptables(
    'iptables: a connection tracking zone',
    'iptables-legacy',
    ['-t', 'raw', 'PREROUTING', '-i', 'vif7.0', '-j', 'CT', '--zone', '7'],
    {
      names: /the connection is in zone 7/,
    },
  ),
  byServices(
    'a service of kube-proxy with two endpoints',
    'meta l4proto udp dnat to 198.51.100.10:7000',
    'meta l4proto udp dnat to 198.51.100.10:7000',
    passes,
  ),
  byServices('a service of which one endpoint is closed', 'meta l4proto udp dnat to 198.51.100.10:7000', 'drop', {
    verdict: 'undecided',
    names: /it depends on which entry of a verdict map is this packet’s/,
  }),
  byServices('a service without open endpoints', 'drop', 'reject', { verdict: 'blocked', names: /ip kube endpoint-/ }),
  byForeignTable(
    'a verdict map by the source port, of which all entries accept',
    'forward priority 5',
    'iifname . udp sport vmap { "vif7.0" . 32768-40000 : accept, "vif7.0" . 40001-65535 : jump other, "vif8.0" . 0-65535 : drop }',
    { ...passes, ask: udpOutside },
    'chain other { counter; }',
  ),
  {
    name: 'nobody masquerades',
    ask: toOutside,
    breakIt: async ({ world }) => {
      await world.host.nft('delete chain inet edera uplink-nat');
    },
    mend: ({ world }) =>
      world.host.nft(
        `table inet edera {\n chain uplink-nat { type nat hook postrouting priority 100;
         ip saddr 10.75.0.0/16 ip daddr != 10.75.0.0/16 oifname != "vif*" oifname != "lo" counter masquerade
         ip6 saddr fdd4:1476:6c7e::/48 ip6 daddr != fdd4:1476:6c7e::/48 oifname != "vif*" oifname != "lo" counter masquerade\n }\n }`,
      ),
    verdict: 'blocked',
    names: /inet edera uplink-leak drops it because it would leave unmasqueraded as 10\.75\.1\.7/,
  },
  byNft(
    'somebody translates to an address that is nobody’s',
    nat('postrouting priority 90', 'ip saddr 10.75.1.7 snat to 192.0.2.77'),
    noOther,
    {
      names: /leaves as 192\.0\.2\.77, which is not an address of this host: no host on uplink0/,
    },
  ),
  byNft(
    'somebody translates to an address of another network',
    nat('postrouting priority 90', 'ip saddr 10.75.1.7 snat to 203.0.113.5'),
    noOther,
    {
      verdict: 'undecided',
      names: /leaves as 203\.0\.113\.5.*cannot be seen/,
    },
  ),
  byNft(
    'somebody translates to the host’s address',
    nat('postrouting priority 90', 'ip saddr 10.75.1.7 snat to 192.0.2.1'),
    noOther,
    passes,
  ),
  byNft(
    'the destination is translated to nobody',
    nat('prerouting priority -100', 'ip daddr 198.51.100.10 dnat to 10.75.9.9'),
    noOther,
    {
      names: /inet edera \S+ handle \d+/,
    },
  ),
  byNft(
    'the destination is translated to a sibling',
    nat('prerouting priority -100', 'iifname "vif*" ip daddr 198.51.100.77 dnat to 10.75.1.8'),
    noOther,
    {
      ask: { subject: 'vif7.0', to: '198.51.100.77' },
      ...passes,
    },
  ),
  byNft(
    'a port is redirected to dom0, whose link has no address to redirect to',
    nat('prerouting priority -100', 'iifname "vif*" udp dport 7000 redirect to :7999'),
    noOther,
    {
      ask: udpOutside,
      names: /vif7\.0 has no address to translate to.*redirect to :7999/,
    },
  ),
  byNft(
    'a raw rule keeps it from being tracked',
    'table ip other {\n chain it { type filter hook prerouting priority -300; iifname "vif7.0" notrack\n }\n }',
    noOther,
    {
      names: /ip other it handle \d+: iifname "vif7\.0" notrack/,
    },
  ),
  byIptables(
    'iptables: a drop by state',
    'iptables-nft',
    [
      'FORWARD',
      '-i',
      'vif7.0',
      '-m',
      'conntrack',
      '--ctstate',
      'NEW',
      '-m',
      'comment',
      '--comment',
      'not "this" one',
      '-j',
      'DROP',
    ],
    {
      names: /ip filter FORWARD handle \d+: .*ct ?state/i,
    },
  ),
  byIptables(
    'iptables: a drop by another state',
    'iptables-nft',
    ['FORWARD', '-i', 'vif7.0', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP'],
    passes,
  ),
  byIptables('iptables: a reject', 'iptables-nft', ['FORWARD', '-o', 'vif8.0', '-j', 'REJECT'], {
    ask: toSibling,
    names: /-o vif8\.0 -j REJECT/,
  }),
  byIptables(
    'iptables: several ports',
    'iptables-nft',
    ['FORWARD', '-p', 'udp', '-m', 'multiport', '--dports', '53,6000:8000', '-j', 'DROP'],
    { ask: udpOutside, names: /multiport|6000/ },
  ),
  byIptables(
    'iptables: not a local address',
    'iptables-nft',
    ['FORWARD', '-i', 'vif7.0', '-m', 'addrtype', '!', '--dst-type', 'LOCAL', '-j', 'DROP'],
    { names: /addrtype/ },
  ),
  byIptables(
    'iptables: only for bridged packets',
    'iptables-nft',
    ['FORWARD', '-m', 'physdev', '--physdev-is-bridged', '-j', 'DROP'],
    passes,
  ),
  byIptables(
    'iptables: a mark',
    'iptables-nft',
    ['FORWARD', '-m', 'mark', '--mark', '0x0/0x1', '-i', 'vif7.0', '-j', 'DROP'],
    { names: /mark/ },
  ),
  byIptables(
    'iptables: no tracking',
    'iptables-nft',
    ['-t', 'raw', 'PREROUTING', '-i', 'vif7.0', '-j', 'CT', '--notrack'],
    { names: /-j CT --notrack/ },
  ),
  byIptables(
    'iptables: a match that says nothing certain',
    'iptables-nft',
    ['FORWARD', '-i', 'vif7.0', '-m', 'statistic', '--mode', 'nth', '--every', '3', '--packet', '0', '-j', 'DROP'],
    {
      verdict: 'undecided',
      names: /ip filter FORWARD handle \d+: it depends on -m statistic/,
    },
  ),
  byIptables(
    'ip6tables: a drop',
    'ip6tables-nft',
    ['FORWARD', '-s', 'fdd4:1476:6c7e::107', '-p', 'ipv6-icmp', '-j', 'DROP'],
    { ask: toOutside6, names: /ip6 filter FORWARD handle/ },
  ),
  byIptables(
    'iptables-legacy: a drop that nft cannot see',
    'iptables-legacy',
    ['FORWARD', '-s', '10.75.0.0/16', '-i', 'vif+', '-j', 'DROP'],
    {
      names: /iptables-legacy filter FORWARD rule 1: -A FORWARD -s 10\.75\.0\.0\/16 -i vif\+ -j DROP/,
    },
  ),
  {
    name: 'iptables-legacy: a policy',
    ask: toOutside,
    breakIt: ({ world }) => world.host.mustExec('iptables-legacy', ['-P', 'FORWARD', 'DROP']),
    mend: ({ world }) => world.host.mustExec('iptables-legacy', ['-P', 'FORWARD', 'ACCEPT']),
    verdict: 'blocked',
    names: /iptables-legacy filter FORWARD accepts it, and its policy is drop/,
  },
];
