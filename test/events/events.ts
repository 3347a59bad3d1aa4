/** What may happen to a host on which the daemon runs, as generated events that can be read when a sequence fails. */

import fc from 'fast-check';
import type { NftJson } from '../../src/host/nft-command.ts';
import type { Call } from '../fake/faults.ts';
import { faults } from '../fake/faulty-host.ts';
import { configOf } from './config.ts';
import { type Event, event, filter, filterTable, foreignEvent, matchEth0, route } from './foreign-events.ts';
import { MemoryDirectory } from './memory-directory.ts';

const names = ['vif1.0', 'vif2.0', 'vif3.0', 'vif4.0'];
const addresses = ['10.75.0.3', '10.75.0.4', '10.75.0.5', 'fdd4:1476:6c7e::3', 'fdd4:1476:6c7e::4', '10.75.0.1'];
const anyName = fc.constantFrom(...names);
const anyAddress = fc.constantFrom(...addresses);

const linkEvent = fc.oneof(
  { weight: 4, arbitrary: anyName.map((name) => event(`add ${name}`, (stage) => stage.addLink(name))) },
  { weight: 2, arbitrary: anyName.map((name) => event(`delete ${name}`, (stage) => stage.deleteLink(name))) },
  fc
    .tuple(anyName, fc.constantFrom(...names, 'tap0'))
    .map(([from, to]) => event(`rename ${from} to ${to}`, (stage) => stage.renameLink(from, to))),
  fc
    .tuple(anyName, fc.boolean())
    .map(([name, up]) => event(`set ${name} ${up ? 'up' : 'down'}`, (stage) => stage.setLink(name, up))),
);

const directoryEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.nat(1), anyName, fc.uniqueArray(anyAddress, { maxLength: 2 }))
      .map(([index, name, some]) =>
        event(`directory ${index}: ${name} = ${some.join(' ')}`, ({ directories }) =>
          directories[index]?.set(name, ...some),
        ),
      ),
  },
  fc
    .tuple(fc.nat(1), anyName)
    .map(([index, name]) =>
      event(`directory ${index}: ${name} unknown`, ({ directories }) => directories[index]?.unset(name)),
    ),
  fc
    .constantFrom('waiting' as const, 'down' as const, 'answered' as const)
    .map((state) => event(`directory 1 ${state}`, ({ directories }) => directories[1]?.turn(state))),
);

const edera = { family: 'inet', table: 'edera' };
const nftDamage: readonly (readonly [string, NftJson])[] = [
  ['flush ruleset', { flush: { ruleset: {} } }],
  ['delete table inet edera', { delete: { table: { family: 'inet', name: 'edera' } } }],
  ['flush table inet edera', { flush: { table: { family: 'inet', name: 'edera' } } }],
  ['flush set from4', { flush: { set: { ...edera, name: 'from4' } } }],
  ['stray element', { add: { element: { ...edera, name: 'from4', elem: [{ concat: ['vif4.0', '10.75.0.9'] }] } } }],
  ['flush EDERA-FORWARD', { flush: { chain: { ...filter, name: 'EDERA-FORWARD' } } }],
  ['rule in EDERA-FORWARD', { insert: { rule: { ...filter, chain: 'EDERA-FORWARD', expr: [{ accept: null }] } } }],
];
const nftForeign: readonly (readonly [string, NftJson, (readonly string[])?])[] = [
  ['append a drop', { add: { rule: { ...filter, chain: 'FORWARD', expr: [{ counter: null }, { drop: null }] } } }],
  [
    'append a drop by iptables',
    { add: { rule: { ...filter, chain: 'FORWARD', expr: [{ counter: null }, { drop: null }] } } },
    ['-A', 'FORWARD', '-j', 'DROP'],
  ],
  [
    'insert an accept for eth0',
    { insert: { rule: { ...filter, chain: 'FORWARD', expr: [matchEth0(), { accept: null }] } } },
  ],
  [
    'append a rule for eth0',
    { add: { rule: { ...filter, chain: 'FORWARD', expr: [matchEth0(), { counter: null }] } } },
  ],
];

const damageEvent = fc.oneof(
  fc.constantFrom(...nftDamage).map(([text, command]) =>
    event(text, (stage) => {
      const act = { kind: 'nft', commands: [command] } as const;
      // What hits everybody hits the other host as well.
      return text === 'flush ruleset' ? stage.foreign(act) : stage.damage(act);
    }),
  ),
  fc.constantFrom(...nftForeign).map(([text, command, iptables]) =>
    // Where the table is gone, whoever wants a rule makes it.
    event(text, (stage) =>
      stage.foreign({
        kind: 'nft',
        commands: [...filterTable(), command],
        ...(iptables === undefined ? {} : { iptables: [iptables] }),
      }),
    ),
  ),
  fc.nat(9).map((which) => event(`delete route ${which} of ours`, (stage) => stage.deleteOwnRoute(which))),
  fc
    .tuple(fc.constantFrom(...names, 'all'), fc.constantFrom('proxy_arp', 'rp_filter', 'forwarding'))
    .map(([link, key]) =>
      event(`sysctl ${link} ${key} = 0`, (stage) => {
        // A link's own forwarding switch is not among what the daemon sets.
        if ((link === 'all') !== (key === 'forwarding')) return undefined;
        return stage.damage({ kind: 'sysctl', path: { family: 'ipv4', group: 'conf', link, key }, value: '0' });
      }),
    ),
);

/** Somebody's route where one of ours should be: its zone cannot be served until it is gone. */
const obstacleEvent = fc.oneof(
  anyAddress.map((destination) =>
    event(`foreign route ${destination}`, (stage) =>
      stage.inTheWay({ kind: 'route-add', route: { ...route(destination), device: 'eth0' } }),
    ),
  ),
  anyAddress.map((destination) =>
    event(`foreign route ${destination} gone`, (stage) =>
      stage.foreign({ kind: 'route-del', route: { ...route(destination), device: 'eth0' } }),
    ),
  ),
);

const failing: readonly Call[] = [
  'rtnetlink.links',
  'rtnetlink.routes',
  'rtnetlink.proxies',
  'rtnetlink.apply',
  'nft.transact',
  'nft.table',
  'conntrack.purge',
  'sysctl.write',
  'rtnetlink.apply link-up',
  'rtnetlink.apply route-add',
  'rtnetlink.apply proxy-add',
  'rtnetlink.apply route-del',
  'rtnetlink.apply proxy-del',
];
const failureEvent = fc
  .tuple(fc.constantFrom(...failing), fc.integer({ min: 1, max: 4 }))
  .map(([call, times]) => event(`fail ${call} ${times} times`, (stage) => stage.fail(call, times)));

/** A call soon to come goes wrong in any of the ways there are. */
const faultEvent = fc
  .tuple(fc.constantFrom(...faults), fc.nat(60))
  .map(([fault, ahead]) => event(`the call ${ahead} ahead ${fault}`, (stage) => stage.order(fault, ahead)));

const helperEvent = fc
  .constantFrom('nft --json --interactive')
  .map((helper) => event(`${helper} is killed`, (stage) => stage.kill(helper)));

/** Settings change; before the end they are as they were. */
const reloadEvent = fc
  .constantFrom(
    configOf(),
    configOf({ isolation: { zoneToZone: 'deny' } }),
    configOf({ isolation: { host: 'deny', metadata: 'deny' }, forward: { placement: 'first' } }),
    configOf({ ipv6: undefined }),
    configOf({ ipv4: '10.76.0.0/16' }),
  )
  .map((config) => event('reload', (stage) => stage.reload(config)));

const rebirthEvent = anyName.map((name) => event(`${name} is born again`, (stage) => stage.rebear(name)));

const timeEvent = fc.oneof(
  { weight: 10, arbitrary: fc.constant(event('settle', (stage) => stage.settle())) },
  { weight: 1, arbitrary: fc.constant(event('a second passes', (stage) => stage.second())) },
  { weight: 1, arbitrary: fc.constant(event('restart', (stage) => stage.restart())) },
);
const lossEvent = fc
  .boolean()
  .map((silent) =>
    event(silent ? 'events get lost' : 'events come again', (stage) => (silent ? stage.silence() : stage.loseEvents())),
  );

/** Links, directories, damage, time and lost events: all of it ordinary. */
export const calmEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 10, arbitrary: linkEvent },
  { weight: 10, arbitrary: directoryEvent },
  { weight: 8, arbitrary: damageEvent },
  { weight: 8, arbitrary: timeEvent },
  // After these everything is read anew, and whatever went unnoticed before is forgiven.
  { weight: 1, arbitrary: lossEvent },
  { weight: 1, arbitrary: reloadEvent },
  { weight: 2, arbitrary: rebirthEvent },
  { weight: 4, arbitrary: foreignEvent },
);

/** The ordinary, with failing calls and routes in the way. */
export const roughEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: calmEvent },
  { weight: 1, arbitrary: obstacleEvent },
  { weight: 2, arbitrary: failureEvent },
  { weight: 3, arbitrary: faultEvent },
  { weight: 1, arbitrary: helperEvent },
);

export function directories(): MemoryDirectory[] {
  const known = { 'vif1.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'], 'vif2.0': ['10.75.0.4'] };
  return [new MemoryDirectory('control-api', known), new MemoryDirectory()];
}
