/** A zone's link that somebody else takes, frees and takes again. */
import { setImmediate as nextTask } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { takenIn, whyTaken } from '../../../src/lifecycle/taken.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { expectIdle, MemoryDirectory, startWorld, type World } from './support.ts';

const seven = { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'] };
const chain = 'chain vif7.0 filter hook ingress priority -450';

async function served(): Promise<World> {
  const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
  world.host.addLink('xenbr0', { kind: 'bridge' });
  world.addLink('vif7.0');
  await world.settle();
  expect(world.stateOf('vif7.0')).toBe('ready');
  return world;
}

async function taken(): Promise<World> {
  const world = await served();
  world.host.setLink('vif7.0', { master: 'xenbr0' });
  await world.settle();
  return world;
}

const said = (world: World, words: string) => world.log.filter(({ msg }) => msg.includes(words)).length;
const bridged = "vif7.0 is a port of bridge xenbr0: its packets go there and not through this host's routes";

describe('what is said of a link', () => {
  const link = { name: 'vif7.0' };
  it.each([
    [{ master: 'br' }, [{ name: 'br', kind: 'bridge' }], 'vif7.0 is a port of bridge br'],
    [{ master: 'bond0' }, [{ name: 'bond0', kind: 'bond' }], 'vif7.0 is a port of bond bond0'],
    [{ master: 'blue' }, [{ name: 'blue', kind: 'vrf' }], 'vif7.0 is a member of VRF blue'],
    [{ master: 'ovs-system' }, [{ name: 'ovs-system', kind: 'openvswitch' }], 'a port of Open vSwitch ovs-system'],
    [{ master: 'x' }, [], 'vif7.0 is a port of x'],
    [{}, [{ name: 'm0', kind: 'macvlan', lower: 'vif7.0' }], 'macvlan m0 is on top of vif7.0'],
    [{}, [{ name: 'i0', kind: 'ipvlan', lower: 'vif7.0' }], 'ipvlan i0 is on top of vif7.0'],
    [{}, [{ name: 'vlan100', kind: 'vlan', lower: 'vif7.0' }], 'VLAN vlan100 is on top of vif7.0'],
  ])('%j beside %j', (ties, others, words) => {
    const found = takenIn([{ ...link, ...ties }, ...others], 'vif7.0');
    expect(found && whyTaken('vif7.0', found)).toContain(`${words}: its packets go there`);
  });

  it.each([
    ['a veth’s peer', [{ name: 'p', kind: 'veth', lower: 'vif7.0' }]],
    ['a tunnel that sends by it', [{ name: 'gre1', kind: 'gre', lower: 'vif7.0' }]],
    ['a device on top of another', [{ name: 'm0', kind: 'macvlan', lower: 'vif8.0' }]],
  ])('nothing of %s', (_, others) => {
    expect(takenIn([link, ...others], 'vif7.0')).toBeUndefined();
  });
});

describe('a link that a bridge takes', () => {
  it('is not ready, which is said once, with what to type; what it has stays', async () => {
    const world = await served();
    const before = world.lines('vif7.0').filter((line) => !line.startsWith('link'));
    world.host.setLink('vif7.0', { master: 'xenbr0' });
    await world.settle();
    expect([world.stateOf('vif7.0'), world.reasonOf('vif7.0')]).toEqual(['taken', bridged]);
    expect(said(world, `${bridged}; fix: ip link set vif7.0 nomaster`)).toBe(1);
    expect(world.lines('vif7.0')).toEqual(expect.arrayContaining(before));
    await expectIdle(world);
    expect(said(world, bridged)).toBe(1);
  });

  it('is kept to its own addresses at its ingress', async () => {
    const world = await taken();
    expect(world.lines(chain)).toHaveLength(1);
    expect(world.has('ip saddr 10.75.0.3 accept')).toBe(true);
    expect(world.has('arp saddr ip 10.75.0.3 accept')).toBe(true);
    expect(world.lines('ip6 saddr fdd4:1476:6c7e::3 accept')).toHaveLength(1);
  });

  it('is ready again once it is free, and nothing of it is left', async () => {
    const world = await served();
    const before = world.host.render();
    world.host.setLink('vif7.0', { master: 'xenbr0' });
    await world.settle();
    world.host.setLink('vif7.0', { master: null });
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(world.host.render()).toBe(before);
    await expectIdle(world);
  });

  it('takes its chain along when it ends, and its successor gets one of its own', async () => {
    const world = await taken();
    world.host.deleteLink('vif7.0');
    world.addLink('vif7.0');
    world.host.setLink('vif7.0', { master: 'xenbr0' });
    const asked = world.trace.length;
    await world.settle();
    // Kernels before 6.16 have none left.
    expect(world.trace.slice(asked)).toContain('delete chain netdev edera vif7.0');
    expect(world.lines(chain)).toHaveLength(1);
    world.host.deleteLink('vif7.0');
    await world.settle();
    expect(world.has('netdev')).toBe(false);
  });

  it('keeps its chain over a restart, and loses it where it was freed meanwhile', async () => {
    const world = await taken();
    const { length } = world.trace;
    await world.restart();
    expect([world.stateOf('vif7.0'), world.lines(chain).length]).toEqual(['taken', 1]);
    expect(world.trace.slice(length).filter((line) => line.includes('netdev'))).toEqual([]);
    await world.reconciler.stop();
    world.host.setLink('vif7.0', { master: null });
    await world.restart();
    expect([world.stateOf('vif7.0'), world.has('netdev')]).toEqual(['ready', false]);
  });

  it('gets its chain back when somebody deletes the table, and the log says who did', async () => {
    const world = await taken();
    world.host.foreignNft([{ delete: { table: { family: 'netdev', name: 'edera' } } }], { pid: 812, process: 'nft' });
    await world.settle();
    expect(world.lines(chain)).toHaveLength(1);
    expect(said(world, 'nft (812) changed the table netdev edera; put back')).toBe(1);
  });

  it('gets its chain back also where events were lost, which is a repair; a link taken meanwhile is none', async () => {
    const world = await taken();
    world.directory.set('vif8.0', '10.75.0.4');
    world.addLink('vif8.0');
    await world.settle();
    world.host.silenceEvents();
    world.host.setLink('vif8.0', { master: 'xenbr0' });
    world.host.loseEvents('too many');
    await world.settle();
    expect([world.stateOf('vif8.0'), said(world, 'put back')]).toEqual(['taken', 0]);
    world.host.silenceEvents();
    world.host.foreignNft([{ flush: { chain: { family: 'netdev', table: 'edera', name: 'vif7.0' } } }]);
    world.host.loseEvents('too many');
    await world.settle();
    expect(said(world, 'the table netdev edera; put back')).toBe(1);
  });

  it('accuses nobody of repairs when it is taken, freed or gone', async () => {
    const world = await taken();
    world.host.setLink('vif7.0', { master: null });
    await world.settle();
    world.host.setLink('vif7.0', { master: 'xenbr0' });
    await world.settle();
    world.host.deleteLink('vif7.0');
    await world.settle();
    expect(said(world, 'put back')).toBe(0);
  });

  it('is failed, alone, where its chain cannot be made, and is tried again', async () => {
    const world = await served();
    world.directory.set('vif8.0', '10.75.0.4');
    world.host.failNext('nft.transact', new ProtectNetworkError('refused', 'Operation not supported'));
    world.host.setLink('vif7.0', { master: 'xenbr0' });
    world.addLink('vif8.0');
    await world.settle();
    expect([world.stateOf('vif7.0'), world.stateOf('vif8.0')]).toEqual(['failed', 'ready']);
    expect(world.reasonOf('vif7.0')).toContain(`${bridged}, and its frames cannot be limited to its own addresses`);
    await world.pass(10_000);
    expect([world.stateOf('vif7.0'), world.lines(chain).length]).toEqual(['taken', 1]);
  });

  it('is no forger when its own packets come by the bridge; whoever uses another’s address there is', async () => {
    const world = await taken();
    let tell: (source: string) => void = () => undefined;
    world.deliver = (event, pass) => {
      tell = (source) =>
        pass({ kind: 'traced', table: 'inet edera', chain: 'forged', link: 'xenbr0', source, destination: '8.8.8.8' });
      pass(event);
    };
    world.addLink('other0');
    await nextTask();
    tell('10.75.0.3');
    expect(said(world, 'spoofed source')).toBe(0);
    tell('10.75.0.4');
    expect(said(world, 'xenbr0: dropped packet with spoofed source')).toBe(1);
  });

  it('that no zone directory knows is left alone', async () => {
    const world = await served();
    world.addLink('vif9.0');
    world.host.setLink('vif9.0', { master: 'xenbr0' });
    await world.settle();
    expect([world.stateOf('vif9.0'), world.has('netdev')]).toEqual(['unserved', false]);
  });
});

describe('a device on top of a link', () => {
  it('takes it, and frees it when it goes', async () => {
    const world = await served();
    world.host.addLink('m0', { kind: 'macvlan', lower: 'vif7.0' });
    await world.settle();
    expect(world.reasonOf('vif7.0')).toContain('macvlan m0 is on top of vif7.0');
    expect(said(world, 'fix: ip link del m0')).toBe(1);
    expect(world.lines(chain)).toHaveLength(1);
    world.host.deleteLink('m0');
    await world.settle();
    expect([world.stateOf('vif7.0'), world.has('netdev')]).toEqual(['ready', false]);
  });

  it('that takes nothing changes nothing', async () => {
    const world = await served();
    world.host.addLink('gre1', { kind: 'gre', lower: 'vif7.0' });
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
  });
});
