/** What may happen to a host on which the daemon runs, as generated events that can be read when a sequence fails. */
import fc from 'fast-check';
import type { NftCommand } from '../../../src/host/port.ts';
import type { Call } from '../../fake/faults.ts';
import { faults } from '../../fake/faulty-host.ts';
import { FaultyWorld } from './faulty-world.ts';
import { attempt, type Event, event, filter, filterTable, foreignEvent, matchEth0, route } from './foreign-events.ts';
import { configOf, MemoryDirectory, refusal, type World } from './support.ts';

const names = ['vif1.0', 'vif2.0', 'vif3.0', 'vif4.0'];
const addresses = ['10.75.0.3', '10.75.0.4', '10.75.0.5', 'fdd4:1476:6c7e::3', 'fdd4:1476:6c7e::4', '10.75.0.1'];
const anyName = fc.constantFrom(...names);
const anyAddress = fc.constantFrom(...addresses);

/** Worlds in which events were lost at some time. */
export const silenced = new WeakSet<World>();

const linkEvent = fc.oneof(
  { weight: 4, arbitrary: anyName.map((name) => event(`add ${name}`, ({ world }) => addLink(world, name))) },
  {
    weight: 2,
    arbitrary: anyName.map((name) =>
      event(`delete ${name}`, ({ world }) => ifThere(world, name, () => world.host.deleteLink(name))),
    ),
  },
  fc.tuple(anyName, fc.constantFrom(...names, 'tap0')).map(([from, to]) =>
    event(`rename ${from} to ${to}`, ({ world }) => {
      if (!isThere(world, to)) ifThere(world, from, () => world.host.renameLink(from, to));
    }),
  ),
  fc
    .tuple(anyName, fc.boolean())
    .map(([name, up]) =>
      event(`set ${name} ${up ? 'up' : 'down'}`, ({ world }) =>
        ifThere(world, name, () => world.host.setLink(name, { up })),
      ),
    ),
);

const directoryEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.nat(1), anyName, fc.uniqueArray(anyAddress, { maxLength: 2 }))
      .map(([index, name, some]) =>
        event(`directory ${index}: ${name} = ${some.join(' ')}`, ({ world }) =>
          world.directories[index]?.set(name, ...some),
        ),
      ),
  },
  fc
    .tuple(fc.nat(1), anyName)
    .map(([index, name]) =>
      event(`directory ${index}: ${name} unknown`, ({ world }) => world.directories[index]?.unset(name)),
    ),
  fc
    .constantFrom('waiting' as const, 'down' as const, 'answered' as const)
    .map((state) => event(`directory 1 ${state}`, ({ world }) => world.directories[1]?.turn(state))),
);

const edera = { family: 'inet', table: 'edera' };
const nftDamage: readonly (readonly [string, NftCommand])[] = [
  ['flush ruleset', { flush: { ruleset: {} } }],
  ['delete table inet edera', { delete: { table: { family: 'inet', name: 'edera' } } }],
  ['flush table inet edera', { flush: { table: { family: 'inet', name: 'edera' } } }],
  ['flush set from4', { flush: { set: { ...edera, name: 'from4' } } }],
  ['stray element', { add: { element: { ...edera, name: 'from4', elem: [{ concat: ['vif4.0', '10.75.0.9'] }] } } }],
  ['flush EDERA-FORWARD', { flush: { chain: { ...filter, name: 'EDERA-FORWARD' } } }],
  ['rule in EDERA-FORWARD', { insert: { rule: { ...filter, chain: 'EDERA-FORWARD', expr: [{ accept: null }] } } }],
];
const nftForeign: readonly (readonly [string, NftCommand])[] = [
  ['append a drop', { add: { rule: { ...filter, chain: 'FORWARD', expr: [{ counter: null }, { drop: null }] } } }],
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
    event(text, ({ world, alone }) => {
      attempt(() => world.host.foreignNft([command], { pid: 4711, process: 'nft' }));
      // What hits everybody hits the other host as well.
      if (text === 'flush ruleset') attempt(() => alone.foreignNft([command]));
    }),
  ),
  fc.constantFrom(...nftForeign).map(([text, command]) =>
    event(text, ({ world, alone }) => {
      // Where the table is gone, whoever wants a rule makes it.
      for (const host of [world.host, alone]) host.foreignNft([...filterTable(), command]);
    }),
  ),
  fc
    .tuple(anyName, anyAddress)
    .map(([device, destination]) =>
      event(`delete our route ${destination} dev ${device}`, ({ world }) =>
        attempt(() => world.host.foreignRouteDelete({ ...route(destination), device, protocol: '75' })),
      ),
    ),
  fc
    .tuple(fc.constantFrom(...names, 'all'), fc.constantFrom('proxy_arp', 'rp_filter', 'forwarding'))
    .map(([link, key]) =>
      event(`sysctl ${link} ${key} = 0`, ({ world }) => {
        // A link's own forwarding switch is not among what the daemon sets.
        if ((link === 'all') !== (key === 'forwarding')) return;
        attempt(() => world.host.sysctl.write({ family: 'ipv4', group: 'conf', link, key }, '0'));
      }),
    ),
);

/** Somebody's route where one of ours should be: its zone cannot be served until it is gone. */
const obstacleEvent = fc.oneof(
  anyAddress.map((destination) =>
    event(`foreign route ${destination}`, ({ world, alone }) => {
      if (attempt(() => world.host.foreignRoute({ ...route(destination), device: 'eth0' }))) {
        alone.foreignRoute({ ...route(destination), device: 'eth0' });
      }
    }),
  ),
  anyAddress.map((destination) =>
    event(`foreign route ${destination} gone`, ({ world, alone }) => {
      for (const host of [world.host, alone]) {
        attempt(() => host.foreignRouteDelete({ ...route(destination), device: 'eth0' }));
      }
    }),
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
  .map(([call, times]) =>
    event(`fail ${call} ${times} times`, ({ world }) => world.host.failNext(call, refusal(), times)),
  );

/** A call soon to come goes wrong in any of the ways there are. */
const faultEvent = fc.tuple(fc.constantFrom(...faults), fc.nat(60)).map(([fault, ahead]) =>
  event(`the call ${ahead} ahead ${fault}`, ({ world }) => {
    if (world instanceof FaultyWorld) world.plan.order(fault, ahead);
  }),
);

/** Settings change; before the end they are as they were. */
const reloadEvent = fc
  .constantFrom(
    configOf(),
    configOf({ isolation: { zoneToZone: 'deny' } }),
    configOf({ isolation: { host: 'deny', metadata: 'deny' }, forward: { placement: 'first' } }),
    configOf({ ipv6: undefined }),
    configOf({ ipv4: '10.76.0.0/16' }),
  )
  .map((config) => event('reload', ({ world }) => world.reload(config)));

/** A link dies and its name is born again, before anybody could have looked. */
const rebirthEvent = anyName.map((name) =>
  event(`${name} is born again`, ({ world }) => {
    ifThere(world, name, () => world.host.deleteLink(name));
    addLink(world, name);
  }),
);

const timeEvent = fc.oneof(
  { weight: 6, arbitrary: fc.constant(event('settle', ({ world }) => world.settle())) },
  { weight: 1, arbitrary: fc.constant(event('a second passes', ({ world }) => world.pass(1000))) },
  { weight: 1, arbitrary: fc.constant(event('restart', ({ world }) => world.restart())) },
);
const lossEvent = fc
  .boolean()
  .map((silent) =>
    event(silent ? 'events get lost' : 'events come again', ({ world }) =>
      silent ? loseFromHere(world) : world.host.loseEvents('No buffer space available'),
    ),
  );

/** Links, directories, damage, time and lost events: all of it ordinary. */
export const calmEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: linkEvent },
  { weight: 5, arbitrary: directoryEvent },
  { weight: 3, arbitrary: damageEvent },
  { weight: 4, arbitrary: timeEvent },
  { weight: 1, arbitrary: lossEvent },
  { weight: 1, arbitrary: rebirthEvent },
  { weight: 1, arbitrary: reloadEvent },
  { weight: 2, arbitrary: foreignEvent },
);

/** The ordinary, with failing calls and routes in the way. */
export const roughEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: calmEvent },
  { weight: 1, arbitrary: obstacleEvent },
  { weight: 2, arbitrary: failureEvent },
  { weight: 3, arbitrary: faultEvent },
);

export function directories(): MemoryDirectory[] {
  return [new MemoryDirectory('control-api', { 'vif1.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'] }), new MemoryDirectory()];
}

function isThere(world: World, name: string): boolean {
  return world.lines('link ').some((line) => line.split(' ')[2] === name);
}

function ifThere(world: World, name: string, action: () => void): void {
  if (isThere(world, name)) action();
}

function addLink(world: World, name: string): void {
  if (!isThere(world, name)) world.host.addLink(name);
}

function loseFromHere(world: World): void {
  silenced.add(world);
  world.host.silenceEvents();
}
