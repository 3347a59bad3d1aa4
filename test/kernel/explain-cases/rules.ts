/** Hosts whose nftables rules, ours and others', stop a packet or its answer. */
import {
  byForeignTable,
  byNft,
  type Case,
  fromOutside,
  toGateway,
  toOutside,
  toOutside6,
  toSibling,
  udpOutside,
} from '../../lab/explain-case.ts';
import { waitFor } from '../../lab/wait-for.ts';

const flushUser = 'flush chain ip filter EDERA-USER';
const passes = { verdict: 'passes', names: /nothing on this host/ } as const;
/** As firewalld lays it out: a table of its own, later than filter, dispatching by interface and ending with a reject. */
const firewalld = `table inet firewalld {
  chain filter_FWD_public { ct state new accept
  }
  chain filter_FORWARD_POLICIES { iifname vmap { "uplink0" : goto filter_FWD_public, "br*" : accept }
  }
  chain filter_FORWARD { type filter hook forward priority 10; policy accept;
    ct state { established, related } accept
    ct state invalid drop
    iifname "lo" accept
    jump filter_FORWARD_POLICIES
    reject with icmpx type admin-prohibited
  }
}`;

export const rules: readonly Case[] = [
  byForeignTable(
    'a drop of the operator’s in a table of his own',
    'forward priority 0',
    'iifname "vif7.0" counter drop',
    {
      names: /inet other it handle \d+: iifname "vif7\.0" counter drop/,
    },
  ),
  byForeignTable('a drop behind an accept of another table', 'forward priority 20', 'ip daddr 198.51.100.0/24 drop', {
    names: /inet other it handle \d+: ip daddr 198\.51\.100\.0\/24 drop/,
  }),
  {
    name: 'a drop of the operator’s in FORWARD',
    ask: toOutside,
    breakIt: ({ world }) => world.host.nft('insert rule ip filter FORWARD iifname "vif7*" counter drop'),
    mend: ({ world }) => world.host.nft('flush chain ip filter FORWARD; add rule ip filter FORWARD jump EDERA-FORWARD'),
    verdict: 'blocked',
    names: /ip filter FORWARD handle \d+: iifname "vif7\*" counter drop/,
  },
  byNft('a drop in EDERA-USER', 'add rule ip filter EDERA-USER ip daddr 198.51.100.10 counter drop', flushUser, {
    names: /ip filter EDERA-USER handle \d+: ip daddr 198\.51\.100\.10 counter drop/,
  }),
  byNft('a drop of one port', 'add rule ip filter EDERA-USER udp dport 7000 drop', flushUser, {
    ask: udpOutside,
    names: /EDERA-USER handle \d+: udp dport 7000 drop/,
  }),
  byNft('a drop of another port', 'add rule ip filter EDERA-USER udp dport 7001 drop', flushUser, {
    ask: udpOutside,
    ...passes,
  }),
  byNft(
    'the policy is drop and our jump is gone',
    'flush chain ip filter FORWARD; add chain ip filter FORWARD { policy drop; }',
    'add chain ip filter FORWARD { policy accept; }; add rule ip filter FORWARD jump EDERA-FORWARD',
    { names: /no rule of ip filter FORWARD accepts it, and its policy is drop/ },
  ),
  byNft('firewalld', firewalld, 'delete table inet firewalld', {
    names: /inet firewalld filter_FORWARD handle \d+: .*reject/,
  }),
  byForeignTable(
    'a set of addresses',
    'forward priority 5',
    'ip daddr @blocked drop',
    { names: /ip daddr @blocked drop/ },
    'set blocked { type ipv4_addr; flags interval; elements = { 198.51.100.0-198.51.100.99, 203.0.113.0/24 } }',
  ),
  byForeignTable(
    'a set that does not hold it',
    'forward priority 5',
    'ip daddr @blocked drop',
    passes,
    'set blocked { type ipv4_addr; flags interval; elements = { 198.51.100.11-198.51.100.99 } }',
  ),
  byForeignTable(
    'a set of links with addresses',
    'forward priority 5',
    'iifname . ip daddr @pairs drop',
    { names: /iifname \. ip daddr @pairs drop/ },
    'set pairs { type ifname . ipv4_addr; elements = { "vif7.0" . 198.51.100.10 } }',
  ),
  byForeignTable('a verdict map', 'forward priority 5', 'iifname vmap { "vif8.0" : accept, "vif7.0" : drop }', {
    names: /iifname vmap \{/,
  }),
  byForeignTable(
    'a named verdict map that jumps',
    'forward priority 5',
    'ip saddr vmap @who',
    { names: /inet other bad handle \d+: ip daddr 198\.51\.100\.10 reject/ },
    'chain bad { ip daddr 198.51.100.10 reject; }\n map who { type ipv4_addr : verdict; elements = { 10.75.1.7 : jump bad } }',
  ),
  byForeignTable(
    'a return ahead of a drop',
    'forward priority 5',
    'jump sub; ',
    passes,
    'chain sub { iifname "vif7.0" return; oifname "uplink0" ip saddr 10.75.1.7 drop; }',
  ),
  byForeignTable(
    'a goto whose chain ends without a verdict, with policy drop',
    'forward priority 5; policy drop',
    'goto sub; accept',
    { names: /no rule of inet other it accepts it, and its policy is drop/ },
    'chain sub { counter; }',
  ),
  byForeignTable('a condition on the protocol of another family', 'forward priority 5', 'ip6 daddr ::/0 drop', passes),
  byForeignTable(
    'a drop of what has a mark that an earlier rule gave',
    'forward priority 5',
    'meta mark & 0x7 == 0x5 drop',
    { names: /meta mark & 0x0*7 == 0x0*5 drop/ },
    'chain early { type filter hook prerouting priority -150; ip saddr 10.75.1.7 meta mark set 0x25; }',
  ),
  byForeignTable('a drop of answers', 'forward priority 5', 'oifname "vif7.0" ct state established drop', {
    names: /ct state established drop/,
  }),
  byForeignTable(
    'a drop of what is no new connection, which the answer is',
    'forward priority 5',
    'ct state != new ct direction reply drop',
    { names: /ct direction reply drop/ },
  ),
  byForeignTable('a check of the reverse path', 'prerouting priority -150', 'fib saddr . iif oif missing drop', passes),
  {
    name: 'a check of the reverse path for IPv6, with the zone’s route gone',
    ask: toOutside6,
    breakIt: async ({ world: { host } }) => {
      await host.nft(
        'table ip6 other {\n chain it { type filter hook prerouting priority -460; iifname "vif*" ip6 saddr != fe80::/10 fib saddr . iif oif missing drop\n }\n }',
      );
      await host.ip('route del fdd4:1476:6c7e::107/128 dev vif7.0');
    },
    mend: async ({ world: { host } }) => {
      await host.nft('delete table ip6 other');
      await host.ip('route add fdd4:1476:6c7e::107/128 dev vif7.0 proto 75');
    },
    verdict: 'blocked',
    names: /ip6 other it handle \d+: .*fib saddr \. iif oif missing drop/,
  },
  byForeignTable('a drop at postrouting', 'postrouting priority 150', 'oifname "upl*" ip daddr 198.51.100.10 drop', {
    names: /postrouting: a rule of inet other it|ip daddr 198\.51\.100\.10 drop/,
  }),
  byNft(
    'a drop at the link’s ingress',
    'table netdev other {\n chain it { type filter hook ingress device "vif7.0" priority 0; ip daddr 198.51.100.10 drop\n }\n }',
    'delete table netdev other',
    {
      names: /netdev other it handle \d+: ip daddr 198\.51\.100\.10 drop/,
    },
  ),
  byNft(
    'a drop at the ingress of several links',
    'table netdev other {\n chain it { type filter hook ingress devices = { vif8.0, vif7.0 } priority 0; ip daddr 198.51.100.10 drop\n }\n }',
    'delete table netdev other',
    { names: /netdev other it handle \d+: ip daddr 198\.51\.100\.10 drop/ },
  ),
  byNft(
    'a drop at the ingress hook of the family inet',
    'table inet other {\n chain it { type filter hook ingress device "vif7.0" priority 0; ip daddr 198.51.100.10 drop\n }\n }',
    'delete table inet other',
    { names: /inet other it handle \d+: ip daddr 198\.51\.100\.10 drop/ },
  ),
  {
    ...byNft('a table that its program owns, as firewalld does since 2.3', '', '', {
      names: /no rule of inet owned it accepts it, and its policy is drop/,
    }),
    breakIt: async ({ world: { host } }) => {
      // The table goes with the process, which is here until its input ends.
      const script =
        'add table inet owned { flags owner; }\nadd chain inet owned it { type filter hook forward priority 5; policy drop; }';
      host.spawn('sh', ['-c', `(printf '${script}\\n'; sleep 6) | nft -i`]);
      await waitFor(async () => (await host.exec('nft', ['list', 'chain', 'inet', 'owned', 'it'])).exitCode === 0, {
        what: 'the owned table',
        deadlineMs: 5_000,
      });
    },
    mend: ({ world: { host } }) =>
      waitFor(async () => (await host.exec('nft', ['list', 'table', 'inet', 'owned'])).exitCode !== 0, {
        what: 'the end of the owned table',
        deadlineMs: 30_000,
      }),
    isUnfixable: /nft owns this table, and nft can change nothing in it: it has to be told to nft/,
  },
  byForeignTable('dom0 takes nothing', 'input priority 5', 'iifname "vif7.0" meta l4proto icmp drop', {
    ask: toGateway,
    names: /input: a rule|meta l4proto icmp drop/,
  }),
  byForeignTable('dom0 may not answer', 'output priority 5', 'oifname "vif7.0" drop', {
    ask: toGateway,
    names: /oifname "vif7\.0" drop/,
  }),
  byForeignTable('a sibling is kept away', 'forward priority 5', 'iifname "vif*" oifname "vif*" drop', {
    ask: toSibling,
    names: /iifname "vif\*" oifname "vif\*" drop/,
  }),
  byForeignTable(
    'the outside is kept away',
    'forward priority 5',
    'iifname "uplink0" oifname "vif*" ct state new reject',
    { ask: fromOutside, names: /ct state new reject/ },
  ),
  byForeignTable('a sleeping table', 'forward priority 5', 'drop', passes, 'flags dormant'),
  byForeignTable('a limit', 'forward priority 5', 'iifname "vif7.0" limit rate over 5/minute burst 5 packets drop', {
    verdict: 'undecided',
    names: /cannot be decided because of inet other it handle \d+: it limits a rate/,
  }),
  byForeignTable('a limit that only logs', 'forward priority 5', 'limit rate 5/minute log', passes),
  byForeignTable(
    'a limit on what is dropped anyway',
    'forward priority 5',
    'iifname "vif7.0" limit rate 5/minute drop; iifname "vif7.0" drop',
    { names: /iifname "vif7\.0".* drop/ },
  ),
  byForeignTable('a quota', 'forward priority 5', 'iifname "vif7.0" quota over 1 mbytes drop', {
    verdict: 'undecided',
    names: /it counts a quota/,
  }),
  byForeignTable(
    'a source port, which the zone chooses',
    'forward priority 5',
    'iifname "vif7.0" udp sport 40000-41000 drop',
    {
      ask: udpOutside,
      verdict: 'undecided',
      names: /the source port, which the sender chooses/,
    },
  ),
  byNft(
    'our guard does not know the address',
    'delete element inet edera from4 { "vif7.0" . 10.75.1.7 }',
    'add element inet edera from4 { "vif7.0" . 10.75.1.7 }',
    {
      names: /inet edera \S+ handle \d+/,
    },
  ),
];
