/** Hosts on which rules end ARP or neighbour discovery, of zones or of dom0 itself. */
import { hostUplink } from '../../lab/addresses.ts';
import { byNft, type Case, fromOutside, type Lab, toOutside, toOutside6, toSibling } from '../../lab/explain-case.ts';
import type { Ask } from '../../lab/explainer.ts';

const passes = { verdict: 'passes', names: /nothing on this host/ } as const;
const fromSibling6: Ask = { subject: 'vif7.0', from: 'fdd4:1476:6c7e::108' };
const toDom06: Ask = { subject: 'vif7.0', to: hostUplink.ipv6 };

/** A rule of arptables-legacy, which nft does not show. */
function byArptables(name: string, rule: readonly string[], policy: 'ACCEPT' | 'DROP', names: RegExp): Case {
  const type = (host: Lab['world']['host'], ...args: readonly string[]) => host.mustExec('arptables-legacy', args);
  return {
    name,
    ask: toOutside,
    verdict: 'undecided',
    breakIt: async ({ world: { host } }) => {
      await type(host, '-P', 'INPUT', policy);
      if (rule.length > 0) await type(host, '-A', ...rule);
    },
    mend: async ({ world: { host } }) => {
      await type(host, '-P', 'INPUT', 'ACCEPT');
      await type(host, '-F');
    },
    names,
  };
}

export const neighbours: readonly Case[] = [
  ...(
    [
      [
        'questions of the zone',
        toOutside,
        'input',
        'iifname "vif7.0" arp operation request drop',
        /the zone's question for 10\.75\.0\.1 on vif7\.0 gets no answer/,
      ],
      [
        'answers to the zone',
        toOutside,
        'output',
        'oifname "vif7.0" arp operation reply arp daddr ip 10.75.1.7 drop',
        /the answer to the zone's question/,
      ],
      [
        'questions of dom0',
        fromOutside,
        'output',
        'oifname "vif7.0" arp operation request drop',
        /this host's question for 10\.75\.1\.7 on vif7\.0 is not sent/,
      ],
      [
        'answers of the zone',
        fromOutside,
        'input',
        'iifname "vif7.0" arp operation reply arp saddr ip 10.75.1.7 drop',
        /the answer to this host's question/,
      ],
    ] as const
  ).map(([name, ask, hook, rule, names]) =>
    byNft(
      `a table for ARP drops ${name}`,
      `table arp other {\n chain it { type filter hook ${hook} priority 0; ${rule}\n }\n }`,
      'delete table arp other',
      { ask, names, isFixed: {} },
    ),
  ),
  byNft(
    'a table for ARP drops questions of dom0, who knows the zone by the zone’s own',
    'table arp other {\n chain it { type filter hook output priority 0; oifname "vif7.0" arp operation request drop\n }\n }',
    'delete table arp other',
    passes,
  ),
  byNft(
    'a table for ARP drops what it does not accept',
    'table arp other {\n chain it { type filter hook input priority 0; policy drop; iifname != "vif7.0" accept\n }\n }',
    'delete table arp other',
    { names: /no rule of arp other it accepts it/, isFixed: { stillClosed: toSibling } },
  ),
  byNft(
    'a table for ARP that is about another address',
    'table arp other {\n chain it { type filter hook input priority 0; arp saddr ip 10.75.1.9 drop; arp operation request arp daddr ip 10.75.1.9 drop\n }\n }',
    'delete table arp other',
    passes,
  ),
  byNft(
    'a table for ARP that is about a hardware address, which is not known here',
    'table arp other {\n chain it { type filter hook input priority 0; iifname "vif7.0" arp saddr ether 00:16:3e:00:00:99 drop\n }\n }',
    'delete table arp other',
    { verdict: 'undecided', names: /arp other it handle \d+ stops it: it depends on its MAC addresses/ },
  ),
  byNft(
    'ARP that ends at the link’s ingress',
    'table netdev other {\n chain it { type filter hook ingress device "vif7.0" priority 0; ether type arp drop\n }\n }',
    'delete table netdev other',
    { names: /netdev other it handle \d+: ether type arp drop/ },
  ),
  byNft(
    'dom0 sends no neighbour adverts',
    'table ip6 other {\n chain it { type filter hook output priority 0; oifname "vif7.0" icmpv6 type nd-neighbor-advert drop\n }\n }',
    'delete table ip6 other',
    { ask: toOutside6, names: /the answer to the zone's question .* is not sent/, isFixed: {} },
  ),
  byNft(
    'dom0 asks no zone for its IPv6 address',
    'table ip6 other {\n chain it { type filter hook output priority 0; oifname "vif7.0" icmpv6 type { nd-neighbor-solicit, echo-reply } drop\n }\n }',
    'delete table ip6 other',
    {
      ask: fromSibling6,
      names: /this host's question for fdd4:1476:6c7e::107 on vif7\.0 is not sent/,
      isFixed: { stillClosed: toDom06 },
    },
  ),
  byNft(
    'what zones answer dom0 about their IPv6 addresses is dropped',
    'table ip6 other {\n chain it { type filter hook input priority 0; iifname "vif7.0" icmpv6 type { nd-neighbor-advert, echo-request } drop\n }\n }',
    'delete table ip6 other',
    {
      ask: fromSibling6,
      names: /the answer to this host's question for fdd4:1476:6c7e::107 on vif7\.0 does not arrive/,
      isFixed: { stillClosed: toDom06 },
    },
  ),
  byNft(
    'dom0 does not find its IPv6 gateway',
    'table ip6 other {\n chain it { type filter hook postrouting priority 0; oifname "uplink0" icmpv6 type nd-neighbor-solicit drop\n }\n }',
    'delete table ip6 other',
    { ask: toOutside6, names: /this host's question for \S+ on uplink0 is not sent/, isFixed: {} },
  ),
  byArptables(
    'arptables-legacy drops what a zone asks',
    ['INPUT', '-i', 'vif7.0', '-j', 'DROP'],
    'ACCEPT',
    /rules of arptables-legacy on ARP, and whether they drop/,
  ),
  byArptables(
    'arptables-legacy drops by its policy',
    [],
    'DROP',
    /rules of arptables-legacy on ARP, and whether they drop/,
  ),
  {
    ...byArptables('arptables-legacy has a table and nothing in it', [], 'ACCEPT', passes.names),
    verdict: 'passes',
  },
];
