/** What zones receive at most: a shaper at the root of their link, where nobody else has one. */
import { expect, it } from 'vitest';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { MemoryDirectory, startWorld, type World } from './support.ts';

const policy = (receive: string) => `[[policy]]\nlinks = ["vif7.0"]\nlimits.receive = "${receive}"\n`;

async function limited(receive = '200mbit', prepare: (world: World) => void = () => undefined): Promise<World> {
  const world = await startWorld({ directories: [new MemoryDirectory('static', { 'vif7.0': ['10.75.0.3'] })] });
  world.addLink('vif7.0');
  await world.settle();
  prepare(world);
  await enforce(world, policy(receive));
  return world;
}

async function enforce(world: World, text: string): Promise<void> {
  world.reconciler.enforce((await parsePolicyFile('/p/a.toml', text)).policies);
  await world.settle();
}

const shapers = async (world: World) => [...(await world.host.rtnetlink.shapers()).values()];
const warned = (world: World) => world.log.some(({ msg }) => msg.includes('of its policies is not in force'));
const ours = (bitsPerSecond: number) => ({ kind: 'ours', bitsPerSecond });

it('is set, changed, left alone by what changes nothing, and taken away', async () => {
  const world = await limited();
  expect(await shapers(world)).toEqual([ours(200e6)]);
  const before = world.host.rtnetlink.changes;
  await enforce(world, `${policy('200mbit')}\n# another comment\n`);
  expect(world.host.rtnetlink.changes).toBe(before);
  await enforce(world, policy('1gbit'));
  expect(await shapers(world)).toEqual([ours(1e9)]);
  await enforce(world, '');
  expect(await shapers(world)).toEqual([]);
});

it('goes when the zone does, though the link stays', async () => {
  const world = await limited();
  world.directory.unset('vif7.0');
  await world.settle();
  expect(await shapers(world)).toEqual([]);
});

it('is put back when somebody takes it away, and stays away where somebody has another', async () => {
  const world = await limited();
  world.host.foreignQdisc('vif7.0', undefined);
  await world.settle();
  expect(await shapers(world)).toEqual([ours(200e6)]);
  expect(world.log.some(({ msg }) => msg.includes('the shaper of vif7.0; put back'))).toBe(true);
  world.host.foreignQdisc('vif7.0', 'htb 1:');
  await world.settle();
  expect(await shapers(world)).toEqual([{ kind: 'other', qdisc: 'htb 1:' }]);
  expect(warned(world)).toBe(true);
  world.host.foreignQdisc('vif7.0', undefined);
  await world.settle();
  expect(await shapers(world)).toEqual([ours(200e6)]);
});

it('that the kernel refuses leaves the zone ready, is warned of, and tried again when all is read', async () => {
  const world = await limited('200mbit', ({ host }) =>
    host.failNext(
      'rtnetlink.apply shaper-set',
      new ProtectNetworkError('kernel-unsupported', 'this kernel has no tbf'),
    ),
  );
  expect([await shapers(world), world.stateOf('vif7.0'), warned(world)]).toEqual([[], 'ready', true]);
  const before = world.host.rtnetlink.changes;
  world.host.setLink('vif7.0', { carrier: false });
  await world.settle();
  expect(world.host.rtnetlink.changes).toBe(before);
  world.host.loseEvents('too many');
  await world.settle();
  expect(await shapers(world)).toEqual([ours(200e6)]);
});

it('of links that are no zones’ is nobody’s business: whatever others do there, no pass comes', async () => {
  const world = await limited();
  world.host.addLink('uplink0');
  await world.settle();
  const passes = () => world.log.filter(({ msg }) => msg.startsWith('pass:')).length;
  const before = passes();
  for (const qdisc of ['htb 1:', 'fq 2:', undefined, 'htb 1:']) world.host.foreignQdisc('uplink0', qdisc);
  await world.settle();
  expect(passes()).toBe(before);
});
