/** Zones of a host that is one of several: its blocks' unreachable routes, and whose addresses count. */
import { describe, expect, it } from 'vitest';
import { prefixesOf } from '../../../src/model/address.ts';
import { configOf, expectIdle, MemoryDirectory, startWorld } from './support.ts';

const fleet = {
  block: prefixesOf('10.75.2.0/24', '10.75.9.9/32', 'fdd4:1476:6c7e:2::/64'),
  prefixes: prefixesOf('10.75.0.0/16', 'fdd4:1476:6c7e::/48'),
  uplinks: ['eth0'],
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
