/** A repair is what was in force and was taken away: nothing that a directory changed, whatever others did at that moment. */
import { describe, expect, it } from 'vitest';
import type { NftJson } from '../../../src/host/nft-command.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { address } from '../nft/support.ts';
import { configOf, MemoryDirectory, refusal, startWorld, type World } from './support.ts';

const [three, four, five] = ['10.75.0.3', '10.75.0.4', '10.75.0.5'];
const [three6, four6, five6] = ['fdd4:1476:6c7e::3', 'fdd4:1476:6c7e::4', 'fdd4:1476:6c7e::5'];
const gateway6 = 'fdd4:1476:6c7e::1';
const tool = { pid: 812, process: 'nft' };

async function served(): Promise<World> {
  const zones = { 'vif7.0': [three, three6], 'vif8.0': [four, four6] };
  const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
  for (const link of Object.keys(zones)) world.addLink(link);
  await world.settle();
  expect(['vif7.0', 'vif8.0'].map((link) => world.stateOf(link))).toEqual(['ready', 'ready']);
  return world;
}

const putBack = (world: World) => world.log.filter(({ msg }) => msg.includes('put back')).map(({ msg }) => msg);
const what = (world: World) => world.reconciler && putBack(world).map((msg) => /changed (.*); put back/.exec(msg)?.[1]);

/** Somebody adds a rule of their own to a table that we share: all of the ruleset is compared. */
const harmless: NftJson = { add: { chain: { family: 'ip', table: 'filter', name: 'THEIRS' } } };
const element = (set: string, elem: unknown): NftJson => ({
  delete: { element: { family: 'inet', table: 'edera', name: set, elem: [elem] } },
});

const changes: readonly [string, (world: World) => void][] = [
  ['another IPv4 address', ({ directory }) => directory.set('vif8.0', five, four6)],
  ['another IPv6 address', ({ directory }) => directory.set('vif8.0', four, five6)],
  ['other addresses', ({ directory }) => directory.set('vif8.0', five, five6)],
  ['one address more', ({ directory }) => directory.set('vif8.0', four, five, four6)],
  ['no IPv6 any more', ({ directory }) => directory.set('vif8.0', four)],
  ['no IPv4 any more', ({ directory }) => directory.set('vif8.0', four6)],
  ['nothing any more', ({ directory }) => directory.unset('vif8.0')],
  [
    'addresses that change places',
    ({ directory }) => {
      directory.set('vif7.0', four, four6);
      directory.set('vif8.0', three, three6);
    },
  ],
  [
    'a new zone',
    (world) => {
      world.directory.set('vif9.0', five, five6);
      world.addLink('vif9.0');
    },
  ],
  ['a zone’s end', ({ host }) => host.deleteLink('vif8.0')],
];

const moments: readonly [string, (world: World) => void][] = [
  ['alone', () => undefined],
  ['while somebody adds a chain of their own', ({ host }) => host.foreignNft([harmless], tool)],
  ['while events are lost', ({ host }) => host.loseEvents('too many')],
];

describe.each(moments)('%s, a change by a directory is no repair:', (_moment, meanwhile) => {
  it.each(changes)('%s', async (_change, change) => {
    const world = await served();
    // In both orders: either is the one that the pass begins with.
    meanwhile(world);
    change(world);
    meanwhile(world);
    await world.settle();
    expect(putBack(world)).toEqual([]);
  });
});

const policies = `
[[policy]]
zones = ["agent-*"]
egress.allow = ["198.51.100.7:443"]
limits.connections = 100

[[policy]]
zones = ["guest-*"]
limits.connections = 100
`;

it.each(['agent-1', 'guest-1'])('what a zone has by a name that it gets is no repair: %s', async (name) => {
  const world = await served();
  world.reconciler.enforce((await parsePolicyFile('/p/a.toml', policies)).policies);
  await world.settle();
  // In the pass that looks at the table.
  world.deliver = (event, pass) => {
    pass(event);
    world.directory.call('vif8.0', name);
  };
  world.host.foreignNft([harmless], tool);
  await world.settle();
  const elements = world.reconciler.mirror.rules.current.get('inet edera')?.sets.get('connections-over-100')?.elements;
  expect([...(elements ?? [])]).toEqual(['vif8.0']);
  expect(putBack(world)).toEqual([]);
});

describe('what was in force and is taken at that moment is a repair, and nothing else is:', () => {
  const thefts: readonly [string, (world: World) => void, RegExp][] = [
    [
      'a route',
      ({ host }) => host.foreignRouteDelete({ family: 'ipv4', destination: three, device: 'vif7.0', protocol: '75' }),
      /^the route 10\.75\.0\.3 via vif7\.0$/,
    ],
    [
      'an element',
      ({ host }) => host.foreignNft([element('from4', { concat: ['vif7.0', three] })], tool),
      /^1 elements of inet edera from4$/,
    ],
    [
      'the pairs',
      ({ host }) =>
        host.foreignNft([{ flush: { chain: { family: 'ip', table: 'filter', name: 'EDERA-FORWARD' } } }], tool),
      /rules of ip filter EDERA-FORWARD$/,
    ],
  ];
  it.each(thefts)('%s', async (_theft, take, told) => {
    const world = await served();
    world.directory.set('vif8.0', five, five6);
    take(world);
    await world.settle();
    expect(what(world)).toEqual([expect.stringMatching(told)]);
    expect(world.reconciler.records.values().every(({ state }) => state === 'ready')).toBe(true);
  });

  it('a neighbour proxy', async () => {
    const world = await served();
    await world.host.rtnetlink.apply([{ kind: 'proxy-del', ifindex: 2, address: address(gateway6) }]);
    // Found by asking, while a sibling gets another address, for which vif7.0 answers from now on.
    world.directory.set('vif8.0', four, five6);
    await world.settle();
    await world.pass(5_000);
    expect(world.has(gateway6, 'vif7.0')).toBe(true);
    expect(what(world)).toEqual([`the neighbour proxy ${gateway6} on vif7.0`]);
  });
});

describe('who did it', () => {
  const flush: NftJson = { flush: { ruleset: null as never } };
  const deleteRoute = ({ host }: World) =>
    host.foreignRouteDelete({ family: 'ipv4', destination: three, device: 'vif7.0', protocol: '75' });

  it('is named for the ruleset where a route went just before, and not for the route', async () => {
    const world = await served();
    deleteRoute(world);
    world.host.foreignNft([flush], tool);
    await world.settle();
    const lines = putBack(world);
    expect(lines.filter((line) => line.includes('the table inet edera'))).toEqual([
      expect.stringMatching(/^nft \(812\) changed the table/),
    ]);
    expect(lines.filter((line) => line.includes('the route'))).toEqual([
      expect.stringMatching(
        /^another program \(the kernel does not say which\) changed the route 10\.75\.0\.3 via vif7\.0;/,
      ),
    ]);
  });

  it('is whoever changed that table, and nobody who changed another one of ours', async () => {
    const world = await served();
    world.host.foreignNft([harmless], { pid: 900, process: 'dockerd' });
    world.host.foreignNft([element('from4', { concat: ['vif7.0', three] })], tool);
    await world.settle();
    expect(putBack(world)).toEqual([expect.stringMatching(/^nft \(812\) changed 1 elements of inet edera from4;/)]);
  });

  it('is not forgotten while the transaction that puts it back fails, which puts nothing back', async () => {
    const world = await served();
    world.host.failNext('nft.transact', refusal());
    world.host.failNext('nft.transact', refusal());
    world.host.failNext('nft.transact', refusal());
    world.host.foreignNft([element('from4', { concat: ['vif7.0', three] })], tool);
    await world.settle();
    expect(putBack(world)).toEqual([]);
    await world.pass(60_000);
    expect(putBack(world)).toEqual([expect.stringMatching(/^nft \(812\) changed 1 elements of inet edera from4;/)]);
  });
});

it('nobody is accused of a setting whose transaction failed at first', async () => {
  const world = await served();
  for (let time = 0; time < 3; time += 1) world.host.failNext('nft.transact', refusal());
  await world.reload(configOf({ isolation: { zoneToZone: 'deny' } }));
  expect(world.reconciler.state.failure).toBeDefined();
  await world.pass(60_000);
  expect(world.has('iifname "vif*" oifname "vif*" counter drop')).toBe(true);
  expect(putBack(world)).toEqual([]);
});

it('nobody is accused of an uplink that comes with its own defaults', async () => {
  const world = await served();
  world.host.addLink('enp2s0', { bus: 'usb' });
  await world.settle();
  expect(world.has('ipv6/conf/enp2s0/accept_ra = 2')).toBe(true);
  expect(putBack(world)).toEqual([]);
});
