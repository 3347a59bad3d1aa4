/** What happens to zones that are being served: other names, other addresses, other settings, directories that wait. */
import { describe, expect, it } from 'vitest';
import type { Host, HostEvent } from '../../../src/host/port.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { configOf, expectIdle, MemoryDirectory, startWorld, type World } from './support.ts';

const three = '10.75.0.3';
const four = '10.75.0.4';

describe('names', () => {
  it('a name reborn before its end is told belongs to the new link (nftScope takes the elements of the name away though its new bearer wants them)', async () => {
    const world = await servedWorld({ 'vif7.0': [three] });
    const held = holdDeletions(world);
    world.host.deleteLink('vif7.0');
    world.host.addLink('vif7.0');
    await world.settle();
    await held.release();
    expect(world.lines('vif7.0 up')).toEqual(['link 3 vif7.0 up']);
    expectServed(world, 'vif7.0', three);
    await expectIdle(world);
  });

  it('a renamed link is served by its new name and keeps nothing of the old', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': [four] }, ['vif7.0']);
    world.host.renameLink('vif7.0', 'vif8.0');
    await world.settle();
    expectServed(world, 'vif8.0', four);
    expect(world.has('vif7.0')).toBe(false);
    expect(world.has(three)).toBe(false);
    await expectIdle(world);
  });

  it('a link renamed to a name that is no zone loses everything', async () => {
    const world = await servedWorld({ 'vif7.0': [three] });
    world.host.renameLink('vif7.0', 'uplink0');
    await world.settle();
    expect(world.has(three)).toBe(false);
    expect(world.has('"vif7.0"')).toBe(false);
    await expectIdle(world);
  });

  it('two links that swap their names swap their addresses', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': [four] });
    world.host.renameLink('vif7.0', 'tmp');
    world.host.renameLink('vif8.0', 'vif7.0');
    world.host.renameLink('tmp', 'vif8.0');
    await world.settle();
    expectServed(world, 'vif7.0', three);
    expectServed(world, 'vif8.0', four);
    await expectIdle(world);
  });
});

describe('addresses', () => {
  it('one that moves from link to link is with one of them at a time', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': [four] });
    world.directory.set('vif7.0', '10.75.0.5');
    world.directory.set('vif8.0', three);
    const { length } = world.trace;
    await world.settle();
    expectServed(world, 'vif7.0', '10.75.0.5');
    expectServed(world, 'vif8.0', three);
    expect(world.has(four)).toBe(false);
    const steps = world.trace.slice(length);
    expect(steps.indexOf(`route-del if2 ${three}`)).toBeLessThan(steps.indexOf(`route-add if3 ${three}`));
    expect(steps.find((step) => step.startsWith('purge'))).toContain(three);
    await expectIdle(world);
  });

  it('two that change places do so', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': [four] });
    world.directory.set('vif7.0', four);
    world.directory.set('vif8.0', three);
    await world.settle();
    expectServed(world, 'vif7.0', four);
    expectServed(world, 'vif8.0', three);
    await expectIdle(world);
  });

  it('a dead zone’s connections do not reach the next with its address', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': [three] }, ['vif7.0']);
    world.host.addFlow({ src: three, dst: '192.0.2.1', replyDst: '203.0.113.1' });
    world.host.deleteLink('vif7.0');
    world.host.addLink('vif8.0');
    await world.settle();
    expectServed(world, 'vif8.0', three);
    expect(world.has('flow')).toBe(false);
  });

  it.each(['down', 'without its route'])(
    'a newcomer gets no address of a zone that is %s for a moment',
    async (how) => {
      // The newcomer stands first in the directory: only possession speaks for the other.
      const directories = [new MemoryDirectory('static', { 'vif1.0': [three], 'vif7.0': [three] })];
      const world = await startWorld({ directories });
      world.host.addLink('vif7.0');
      await world.settle();
      world.host.addLink('vif1.0');
      await world.settle();
      expectServed(world, 'vif7.0', three);
      if (how === 'down') world.host.setLink('vif7.0', { up: false });
      else world.host.foreignRouteDelete({ family: 'ipv4', destination: three, device: 'vif7.0', protocol: '75' });
      await world.settle();
      // A link that goes down may be about to end: it is looked at a little later.
      await world.pass(100);
      expectServed(world, 'vif7.0', three);
      expect(world.stateOf('vif1.0')).toBe('unserved');
    },
  );
});

describe('directories', () => {
  it('prune nothing while one waits, and all that is not known once it has answered', async () => {
    const old = await servedWorld({ 'vif7.0': [three], 'vif8.0': [four] });
    await old.reconciler.stop();
    await old.host.close();
    const waiting = new MemoryDirectory('control-api', { 'vif7.0': [three] });
    waiting.turn('waiting');
    const directories = [waiting, new MemoryDirectory('static', { 'vif9.0': ['10.75.0.9'] })];
    old.host.addLink('vif9.0');
    const before = old.host.render();
    const world = await startWorld({ host: old.host, directories });
    expectServed(world, 'vif9.0', '10.75.0.9');
    for (const line of before.split('\n'))
      if (!line.startsWith('link')) expect(world.lines(line.trim())).not.toEqual([]);
    waiting.turn('answered');
    await world.settle();
    expectServed(world, 'vif7.0', three);
    expect(world.has(four)).toBe(false);
    await expectIdle(world);
  });

  it('that answer again end what they held up, though the pass is planned twice: rules are read for their handles', async () => {
    const host = new FakeHost();
    host.addLink('vif7.0');
    const slow = new MemoryDirectory('control-api');
    const world = await startWorld({ host, directories: [new MemoryDirectory('static', { 'vif7.0': [three] }), slow] });
    slow.turn('waiting');
    world.directory.set('vif7.0');
    await world.settle();
    expect(world.has('"vif7.0"')).toBe(true);
    slow.turn('answered');
    await world.settle();
    expect(world.has('"vif7.0"')).toBe(false);
    await expectIdle(world);
  });

  it('are believed when they change their mind', async () => {
    const world = await servedWorld({ 'vif7.0': [three] });
    world.directory.set('vif7.0', four, 'fdd4:1476:6c7e::4');
    await world.settle();
    expectServed(world, 'vif7.0', four);
    expect(world.has('fdd4:1476:6c7e::4', 'dev vif7.0')).toBe(true);
    expect(world.has(three)).toBe(false);
    await expectIdle(world);
  });

  it('are served from their last answer while they are down', async () => {
    const world = await servedWorld({ 'vif7.0': [three] });
    world.directory.turn('down');
    await world.settle();
    await expectIdle(world);
    expectServed(world, 'vif7.0', three);
  });
});

describe('settings', () => {
  it('another subnet plans everything anew', async () => {
    const world = await servedWorld({ 'vif7.0': [three], 'vif8.0': ['10.76.0.4'] });
    expect(world.reasonOf('vif8.0')).toBe('10.76.0.4 is outside the zone subnet 10.75.0.0/16');
    await world.reload(configOf({ ipv4: '10.76.0.0/16' }));
    expectServed(world, 'vif8.0', '10.76.0.4');
    expect(world.stateOf('vif7.0')).toBe('unserved');
    expect(world.lines('route local 10.')).toEqual(['route local 10.76.0.1 dev lo table local proto 75']);
    expect(world.has('10.75.')).toBe(false);
    await expectIdle(world);
  });

  it.each([
    ['zone-to-zone', configOf({ isolation: { zoneToZone: 'deny' } }), 'iifname "vif*" oifname "vif*" counter drop'],
    ['metadata', configOf({ isolation: { metadata: 'deny' } }), 'ip daddr 169.254.0.0/16 counter drop'],
    ['host', configOf({ isolation: { host: 'deny' } }), 'chain input-guard filter hook input'],
    ['mark', configOf({ forward: { mark: 1 } }), 'meta mark set meta mark | 1'],
  ])('%s is taken into force while zones run, and taken back', async (_name, config, sign) => {
    const world = await servedWorld({ 'vif7.0': [three, 'fdd4:1476:6c7e::3'], 'vif8.0': ['fdd4:1476:6c7e::4'] });
    const before = world.host.render();
    const { changes } = world.host.rtnetlink;
    await world.reload(config);
    expect(world.has(sign)).toBe(true);
    await expectIdle(world);
    await world.reload(configOf());
    expect(world.host.render()).toBe(before);
    expect(world.host.rtnetlink.changes).toBe(changes);
  });

  it('a family that is switched off goes, and comes again', async () => {
    const world = await servedWorld({ 'vif7.0': [three, 'fdd4:1476:6c7e::3'] });
    await world.reload(configOf({ ipv6: undefined }));
    expect(world.has('fdd4')).toBe(false);
    expectServed(world, 'vif7.0', three);
    await expectIdle(world);
    await world.reload(configOf());
    expect(world.lines('fdd4:1476:6c7e::3 dev vif7.0')).toHaveLength(1);
    await expectIdle(world);
  });
});

async function servedWorld(zones: Record<string, string[]>, links = Object.keys(zones)): Promise<World> {
  const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
  for (const name of links) world.host.addLink(name);
  await world.settle();
  return world;
}

/** Keeps back the news of links that went, until released. */
function holdDeletions(world: World): { release(): Promise<void> } {
  const held: (() => void)[] = [];
  world.deliver = (event: HostEvent, pass) => {
    if (event.kind === 'link' && event.deleted) held.push(() => pass(event));
    else pass(event);
  };
  return {
    release: async () => {
      for (const deliver of held) deliver();
      await world.settle();
    },
  };
}

function expectServed(world: World, name: string, address: string): void {
  expect(world.stateOf(name)).toBe('ready');
  expect(world.lines(`route ${address} dev`)).toEqual([`route ${address} dev ${name} proto 75`]);
  // What it may send, what it receives, and what fragments and errors are judged by.
  expect(world.lines(` . ${address}`)).toEqual(Array(3).fill(`${name} . ${address}`));
  expect(world.has(`oifname "${name}" counter accept`)).toBe(true);
  expect(world.lines('link', ` ${name} up`)).toHaveLength(1);
}

it('many links that are touched at once are read by listings of everything, and all are mended', async () => {
  const zones = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`vif${index + 1}.0`, [`10.75.0.${index + 3}`]]),
  );
  const asked: string[] = [];
  const wrap = (host: Host): Host => ({
    ...host,
    watch: (listener) => host.watch(listener),
    rtnetlink: {
      links: () => host.rtnetlink.links(),
      waysOut: () => host.rtnetlink.waysOut(),
      isOwn: (address) => host.rtnetlink.isOwn(address),
      shapers: () => host.rtnetlink.shapers(),
      foreignRoutes: (within) => host.rtnetlink.foreignRoutes(within),
      defaultRoutes: () => host.rtnetlink.defaultRoutes(),
      apply: (changes) => host.rtnetlink.apply(changes),
      routes: (family, device) => {
        asked.push(device === undefined ? 'routes of all' : 'routes of one');
        return host.rtnetlink.routes(family, device);
      },
      proxies: (device) => host.rtnetlink.proxies(device),
    },
  });
  const world = await startWorld({ directories: [new MemoryDirectory('static', zones)], wrap });
  for (const link of Object.keys(zones)) world.host.addLink(link);
  await world.settle();
  asked.length = 0;
  for (const [link, [destination = '']] of Object.entries(zones)) {
    world.host.foreignRouteDelete({ family: 'ipv4', destination, device: link, protocol: '75' });
  }
  await world.settle();
  for (const [link, [address = '']] of Object.entries(zones)) {
    expect(world.has(`route ${address} dev ${link} proto 75`), link).toBe(true);
  }
  // The first event is served at once, by itself.
  expect(asked.filter((each) => each === 'routes of one').length).toBeLessThan(10);
  expect(asked).toContain('routes of all');
});
