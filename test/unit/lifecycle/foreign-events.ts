/** What others do to a host, beside us: the same to one with the daemon on it and to one without. */
import fc from 'fast-check';
import type { NftCommand } from '../../../src/host/port.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { address } from '../nft/support.ts';
import type { World } from './support.ts';

/** The daemon's host, and one without a daemon to which others do the same. */
export interface Pair {
  readonly world: World;
  readonly alone: FakeHost;
}

export interface Event {
  readonly text: string;
  run(pair: Pair): unknown;
}

export const filter = { family: 'ip', table: 'filter' };

/** Tables, sets, chains and rules of others, in families of theirs and of ours. */
const rulesets: readonly (readonly [string, readonly NftCommand[]])[] = (['inet', 'ip', 'ip6'] as const).flatMap(
  (family) => {
    const theirs = { family, table: 'theirs' };
    const hook = { type: 'filter', hook: 'input', prio: 7, policy: 'accept' };
    const made: NftCommand[] = [
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
  fc.constantFrom(...rulesets).map(([text, commands]) => onBoth(text, (host) => host.foreignNft([...commands]))),
  fc
    .tuple(fc.constantFrom(...routes), fc.boolean())
    .map(([each, there]) =>
      onBoth(`the route ${each.destination} of others ${there ? 'comes' : 'goes'}`, (host) =>
        there ? host.foreignRoute(each) : host.foreignRouteDelete(each),
      ),
    ),
  fc
    .constantFrom('2001:db8::99', 'fdd4:1476:6c7e::77')
    .map((proxy) => onBoth(`a proxy of others for ${proxy}`, (host) => host.foreignProxy(address(proxy), 'eth0'))),
  fc
    .tuple(fc.constantFrom('rp_filter', 'proxy_arp', 'accept_redirects'), fc.constantFrom('0', '1'))
    .map(([key, value]) =>
      onBoth(`eth0 ${key} = ${value}`, (host) =>
        host.foreignSysctl({ family: 'ipv4', group: 'conf', link: 'eth0', key }, value),
      ),
    ),
);

function onBoth(text: string, act: (host: FakeHost) => unknown): Event {
  return event(text, ({ world, alone }) => {
    for (const host of [world.host, alone]) attempt(() => act(host));
  });
}

/** A host with things of others on it. */
export function populated(): FakeHost {
  const host = new FakeHost();
  host.addLink('eth0');
  host.setLink('eth0', { up: true });
  host.foreignRoute({ family: 'ipv4', destination: 'default', device: 'eth0' });
  host.foreignNft(filterTable());
  const nat = { family: 'ip', table: 'nat' };
  host.foreignNft([
    { add: { table: { family: 'ip', name: 'nat' } } },
    { add: { chain: { ...nat, name: 'POSTROUTING', type: 'nat', hook: 'postrouting', prio: 100, policy: 'accept' } } },
    { add: { rule: { ...nat, chain: 'POSTROUTING', expr: [matchEth0(), { masquerade: null }] } } },
    { add: { rule: { ...filter, chain: 'FORWARD', expr: [matchEth0(), { counter: null }], comment: 'theirs' } } },
  ]);
  return host;
}

export function filterTable(): NftCommand[] {
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

/** False where the kernel refused: what somebody tries to break need not be there. */
export function attempt(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return false;
  }
}
