/** Things of others on the host: tables, chains in `filter` itself, routes, rules, a neighbour proxy. */
import type { World } from './world.ts';

/** Without counters, which change by themselves. The nat chain is what keeps established connections translated. */
export const foreignRuleset = [
  'table ip nat { chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 masquerade; }; }',
  'table ip filter { chain THEIRS { ip daddr 192.0.2.77 drop; }; chain FORWARD { type filter hook forward priority filter; policy accept; iifname "eth9" jump THEIRS; }; }',
  'table inet others { set bad { type ipv4_addr; elements = { 192.0.2.66, 192.0.2.67 }; }; chain in { type filter hook input priority 5; policy accept; ip saddr @bad drop; }; }',
  'table ip6 others { chain out { type filter hook output priority 5; policy accept; ip6 daddr fd99::66 drop; }; }',
].join('; ');

/** Puts them in place, and a counter of what arrives at `addresses` of the far host, which are made. */
export async function furnish({ host, internet }: World, addresses: readonly string[]): Promise<void> {
  await internet.ip(...addresses.map((a) => `address add ${a}/${a.includes(':') ? '128 dev lo nodad' : '32 dev lo'}`));
  const count = addresses.map((a) => `${a.includes(':') ? 'ip6' : 'ip'} daddr ${a} counter`);
  await internet.mustExec('nft', [
    `table inet trap { chain in { type filter hook prerouting priority -400; ${count.join('; ')}; }; }`,
  ]);
  await host.nft(foreignRuleset);
  await host.ip(
    'route add 10.99.0.0/24 dev uplink0 proto static',
    'route add 10.75.9.9/32 dev uplink0 proto static table 99',
    'route add fd99::/64 dev uplink0 proto static',
    'rule add from 10.99.0.0/24 lookup 99 priority 1000',
    'neighbour add proxy 2001:db8::99 dev uplink0',
  );
}

/** Every one of them as its tool prints it. */
export async function foreignThings({ host }: World): Promise<string> {
  const listings = [
    ...['ip nat', 'inet others', 'ip6 others'].map((table) => ['nft', 'list', 'table', ...table.split(' ')]),
    ['nft', 'list', 'chain', 'ip', 'filter', 'THEIRS'],
    ...['-4', '-6'].map((family) => ['ip', family, 'route', 'show', 'table', 'all', 'proto', 'static']),
    ...['-4', '-6'].map((family) => ['ip', family, 'rule']),
    ['ip', 'address', 'show', 'dev', 'uplink0'],
  ];
  const texts = await Promise.all(listings.map(([tool = '', ...args]) => host.mustExec(tool, args)));
  const forward = await host.mustExec('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']);
  return [...texts, ...forward.split('\n').filter((line) => !line.includes('EDERA'))].join('\n');
}
