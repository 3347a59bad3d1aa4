/** Zones of a host that is one of several: its blocks' unreachable routes, and whose addresses count. */
import { describe, expect, it } from 'vitest';
import { prefixesOf } from '../../../src/model/address.ts';
import { configOf, expectIdle, MemoryDirectory, startWorld } from './support.ts';

const fleet = {
  block: prefixesOf('10.75.2.0/24', '10.75.9.9/32', 'fdd4:1476:6c7e:2::/64'),
  prefixes: prefixesOf('10.75.0.0/16', 'fdd4:1476:6c7e::/48'),
  uplinks: ['eth0'],
  zones: [],
};
const unreachable = ['route unreachable 10.75.2.0/24 proto 75', 'route unreachable fdd4:1476:6c7e:2::/64 proto 75'];

function start() {
  const zones = { 'vif7.0': ['10.75.2.7'], 'vif8.0': ['10.75.3.8'] };
  return startWorld({ directories: [new MemoryDirectory('static', zones)], config: configOf({ fleet }) });
}

describe('a block', () => {
  it('is unreachable but for its zones, unless it is a single address', async () => {
    const world = await start();
    expect(world.lines('route unreachable')).toEqual(unreachable);
    await expectIdle(world);
  });

  it('is so again when somebody took the route away, which is told, and no more without the setting', async () => {
    const world = await start();
    world.addLink('vif7.0');
    await world.settle();
    for (const prefix of prefixesOf('10.75.2.0/24')) await world.host.rtnetlink.apply([{ kind: 'block-del', prefix }]);
    await world.settle();
    expect(world.lines('route unreachable')).toEqual(unreachable);
    expect(world.log.map(({ msg }) => msg).join('\n')).toContain('the unreachable route 10.75.2.0/24');
    await world.reload(configOf());
    await world.settle();
    expect(world.lines('route unreachable')).toEqual([]);
  });
});

it('a zone has no address outside the blocks of its host', async () => {
  const world = await start();
  world.addLink('vif8.0');
  await world.settle();
  expect(world.stateOf('vif8.0')).not.toBe('ready');
  expect(world.lines('10.75.3.8')).toEqual([]);
});

describe('an address of the block', () => {
  const route = { family: 'ipv4', destination: '10.75.2.7', device: 'eth0', protocol: 'bird' } as const;

  it('is let go while another host has it, and given again once that is over', async () => {
    const world = await start();
    for (const name of ['eth0', 'vif7.0']) world.addLink(name);
    world.host.setLink('eth0', { up: true });
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
    world.host.foreignRoute(route, true);
    await world.settle();
    expect(world.reasonOf('vif7.0')).toContain('10.75.2.7 belongs to a zone of another host of the fleet now');
    expect(world.lines('10.75.2.7')).toEqual(['route 10.75.2.7 dev eth0 proto bird']);
    await expectIdle(world);
    world.host.foreignRouteDelete(route);
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(world.lines('route 10.75.2.7')).toEqual(['route 10.75.2.7 dev vif7.0 proto 75']);
  });

  it('is not given to a zone while another host has it; a route by another link does not count', async () => {
    const world = await start();
    for (const name of ['eth0', 'lan0']) {
      world.addLink(name);
      world.host.setLink(name, { up: true });
    }
    world.host.foreignRoute(route);
    world.addLink('vif7.0');
    await world.settle();
    expect(world.stateOf('vif7.0')).not.toBe('ready');
    world.host.foreignRouteDelete(route);
    await world.settle();
    world.host.foreignRoute({ ...route, device: 'lan0' }, true);
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
  });
});

describe('a zone whose link has no carrier', () => {
  const routes = ['route 10.75.2.7 dev vif7.0 proto 75'];

  async function served() {
    const world = await start();
    world.addLink('vif7.0');
    await world.settle();
    return world;
  }

  it('has no route after three seconds, and has it at once when it comes back, which is no repair', async () => {
    const world = await served();
    world.host.setLink('vif7.0', { carrier: false });
    await world.settle();
    await world.pass(2_900);
    expect(world.lines('route 10.75.2.7')).toEqual(routes);
    await world.pass(200);
    expect(world.lines('route 10.75.2.7')).toEqual([]);
    await expectIdle(world);
    world.host.setLink('vif7.0', { carrier: true });
    await world.settle();
    expect(world.lines('route 10.75.2.7')).toEqual(routes);
    expect(world.log.map(({ msg }) => msg).filter((line) => line.includes('put back'))).toEqual([]);
  });

  it('keeps it where the carrier was away for a moment, and where the host is in no fleet', async () => {
    const world = await served();
    world.host.setLink('vif7.0', { carrier: false });
    await world.settle();
    await world.pass(2_000);
    world.host.setLink('vif7.0', { carrier: true });
    await world.pass(5_000);
    expect(world.lines('route 10.75.2.7')).toEqual(routes);
    world.host.setLink('vif7.0', { carrier: false });
    await world.settle();
    await world.pass(5_000);
    expect(world.lines('route 10.75.2.7')).toEqual([]);
    await world.reload(configOf());
    expect(world.lines('route 10.75.2.7')).toEqual(routes);
    await world.pass(5_000);
    expect(world.lines('route 10.75.2.7')).toEqual(routes);
  });

  it('has none after a restart of the daemon, and none is announced in between', async () => {
    const world = await served();
    world.host.setLink('vif7.0', { carrier: false });
    await world.settle();
    await world.pass(5_000);
    const before = world.trace.length;
    await world.restart();
    await world.settle();
    expect(world.lines('route 10.75.2.7')).toEqual([]);
    expect(world.trace.slice(before).filter((step) => step.startsWith('route-add'))).toEqual([]);
  });
});
