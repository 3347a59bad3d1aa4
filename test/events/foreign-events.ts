/** What others do to a host, beside us: the same to one with the daemon on it and to one without. */

import fc from 'fast-check';
import type { NftJson } from '../../src/host/nft-command.ts';
import { address } from '../unit/nft/support.ts';
import type { Act, Stage } from './stage.ts';

export interface Event {
  readonly text: string;
  run(stage: Stage): unknown;
}

export const filter = { family: 'ip', table: 'filter' };

/** Tables, sets, chains and rules of others, in families of theirs and of ours. */
const rulesets: readonly (readonly [string, readonly NftJson[]])[] = (['inet', 'ip', 'ip6'] as const).flatMap(
  (family) => {
    const theirs = { family, table: 'theirs' };
    const hook = { type: 'filter', hook: 'input', prio: 7, policy: 'accept' };
    const made: NftJson[] = [
      { add: { table: { family, name: 'theirs' } } },
      { add: { chain: { ...theirs, name: 'in', ...hook } } },
      { add: { set: { ...theirs, name: 'ports', type: 'inet_service' } } },
    ];
    return [
      [`a table of others in ${family}`, made],
      [
        `a rule in it (${family})`,
        [...made, { add: { rule: { ...theirs, chain: 'in', expr: [{ counter: null }, { drop: null }] } } }],
      ],
      [`no table of others in ${family} any more`, [...made, { delete: { table: { family, name: 'theirs' } } }]],
    ] as const;
  },
);

const routes = [
  { family: 'ipv4', destination: '203.0.113.0/24', device: 'eth0' },
  { family: 'ipv4', destination: '10.75.7.7', table: '99', device: 'eth0' },
  { family: 'ipv4', destination: '198.51.100.0/24', type: 'other', protocol: 'boot' },
  { family: 'ipv6', destination: '2001:db8:5::/48', device: 'eth0', protocol: 'bgp' },
] as const;

/** Nothing of it is ours or in our way: all of it must be as if we were not there. */
export const foreignEvent: fc.Arbitrary<Event> = fc.oneof(
  fc.constantFrom(...rulesets).map(([text, commands]) => onBoth(text, { kind: 'nft', commands })),
  fc.tuple(fc.constantFrom(...routes), fc.boolean()).map(([route, there]) =>
    onBoth(`the route ${route.destination} of others ${there ? 'comes' : 'goes'}`, {
      kind: there ? 'route-add' : 'route-del',
      route,
    }),
  ),
  fc
    .constantFrom('2001:db8::99', 'fdd4:1476:6c7e::77')
    .map((proxy) =>
      onBoth(`a proxy of others for ${proxy}`, { kind: 'proxy-add', address: address(proxy), device: 'eth0' }),
    ),
  fc
    .tuple(fc.constantFrom('rp_filter', 'proxy_arp', 'accept_redirects'), fc.constantFrom('0', '1'))
    .map(([key, value]) =>
      onBoth(`eth0 ${key} = ${value}`, {
        kind: 'sysctl',
        path: { family: 'ipv4', group: 'conf', link: 'eth0', key },
        value,
      }),
    ),
);

function onBoth(text: string, act: Act): Event {
  return event(text, (stage) => stage.foreign(act));
}

const nat = { family: 'ip', table: 'nat' };
/** What a host has from the start, once there is a link `eth0` that is up. */
export const furniture: readonly Act[] = [
  { kind: 'route-add', route: { family: 'ipv4', destination: 'default', device: 'eth0' } },
  // An uplink that takes router advertisements is made to go on with that: the one thing of others that is changed.
  { kind: 'sysctl', path: { family: 'ipv6', group: 'conf', link: 'eth0', key: 'accept_ra' }, value: '0' },
  { kind: 'nft', commands: filterTable() },
  {
    kind: 'nft',
    commands: [
      { add: { table: { family: 'ip', name: 'nat' } } },
      {
        add: { chain: { ...nat, name: 'POSTROUTING', type: 'nat', hook: 'postrouting', prio: 100, policy: 'accept' } },
      },
      { add: { rule: { ...nat, chain: 'POSTROUTING', expr: [matchEth0(), { masquerade: null }] } } },
      { add: { rule: { ...filter, chain: 'FORWARD', expr: [matchEth0(), { counter: null }], comment: 'theirs' } } },
    ],
  },
];

export function filterTable(): NftJson[] {
  const hook = { type: 'filter', hook: 'forward', prio: 0, policy: 'accept' };
  return [
    { add: { table: { family: 'ip', name: 'filter' } } },
    { add: { chain: { ...filter, name: 'FORWARD', ...hook } } },
  ];
}

export function matchEth0() {
  return { match: { op: '==', left: { meta: { key: 'oifname' } }, right: 'eth0' } };
}

export function route(destination: string) {
  return { family: destination.includes(':') ? 'ipv6' : 'ipv4', destination } as const;
}

export function event(text: string, run: Event['run']): Event {
  return { text, run, [fc.toStringMethod]: () => text } as Event;
}
