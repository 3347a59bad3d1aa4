/** What a link's coming and going does to the host, and in which order. */
import { setImmediate as nextTask } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FakeHost } from '../../fake/kernel.ts';
import { expectIdle, MemoryDirectory, startWorld } from './support.ts';

const seven = { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'] };

describe('opening', () => {
  it('gives a link everything it needs', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    world.addLink('vif7.0');
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(world.lines('link 2')).toEqual(['link 2 vif7.0 up']);
    expect(world.lines('proto 75')).toEqual([
      'route 10.75.0.3 dev vif7.0 proto 75',
      'route fdd4:1476:6c7e::3 dev vif7.0 proto 75',
      'route local 10.75.0.1 dev lo table local proto 75',
      'route local fdd4:1476:6c7e::1 dev lo table local proto 75',
      'proxy fdd4:1476:6c7e::1 dev vif7.0 proto 75',
    ]);
    expect(world.lines('sysctl')).toMatchInlineSnapshot(`
      [
        "sysctl net/ipv4/conf/all/accept_redirects = 0",
        "sysctl net/ipv4/conf/all/forwarding = 1",
        "sysctl net/ipv4/conf/vif7.0/accept_redirects = 0",
        "sysctl net/ipv4/conf/vif7.0/accept_source_route = 0",
        "sysctl net/ipv4/conf/vif7.0/proxy_arp = 1",
        "sysctl net/ipv4/conf/vif7.0/rp_filter = 1",
        "sysctl net/ipv4/conf/vif7.0/secure_redirects = 0",
        "sysctl net/ipv4/conf/vif7.0/send_redirects = 0",
        "sysctl net/ipv4/neigh/vif7.0/proxy_delay = 0",
        "sysctl net/ipv6/conf/all/forwarding = 1",
        "sysctl net/ipv6/conf/vif7.0/accept_dad = 0",
        "sysctl net/ipv6/conf/vif7.0/accept_ra = 0",
        "sysctl net/ipv6/conf/vif7.0/accept_redirects = 0",
        "sysctl net/ipv6/conf/vif7.0/autoconf = 0",
        "sysctl net/ipv6/conf/vif7.0/proxy_ndp = 1",
        "sysctl net/ipv6/neigh/vif7.0/proxy_delay = 0",
      ]
    `);
    expect(world.lines('"vif7.0"')).toEqual(
      ['oifname', 'iifname', 'oifname', 'iifname'].map((key) => `${key} "vif7.0" counter accept`),
    );
    expect(world.lines('vif7.0 . ')).toHaveLength(6);
  });

  it('forgets connections, then guards, then sets the link up, and routes to it last', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    const before = world.trace.length;
    world.addLink('vif7.0');
    await world.settle();
    const steps = world.trace.slice(before);
    expect(kindsOf(steps)).toEqual(['purge', 'element', 'rule', 'sysctl', 'link-up', 'route-add', 'proxy-add']);
    expect(steps.findIndex((step) => step.endsWith('accept_ra=0'))).toBeLessThan(steps.indexOf('link-up if2'));
  });

  it('takes one transaction, and then nothing more', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    const { transactions: generation } = world.host.nft;
    world.addLink('vif7.0');
    await world.settle();
    expect(world.host.nft.transactions).toBe(generation + 1);
    await expectIdle(world);
  });

  it('gives a link that no directory knows nothing, and says so once', async () => {
    const world = await startWorld();
    const before = world.host.render();
    world.addLink('vif9.0');
    await world.settle();
    expect(world.host.render()).toBe(before.replace('link 1 lo up\n', 'link 1 lo up\nlink 2 vif9.0 down\n'));
    expect(world.stateOf('vif9.0')).toBe('unserved');
    expect(world.log.filter(({ msg, level }) => level > 20 && msg.includes('vif9.0'))).toMatchObject([
      { level: 40, msg: 'vif9.0 has no network: no zone directory knows this link' },
    ]);
  });

  it.each(['eth0', 'vif7.0-emu', 'vif07.0', 'tap7.0'])('does not touch %s', async (name) => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    const { length } = world.trace;
    world.addLink(name);
    await world.settle();
    expect(world.trace.slice(length)).toEqual([]);
  });

  it('serves a link whose zone becomes known later, and a burst of links in few transactions', async () => {
    const world = await startWorld();
    const { transactions: generation } = world.host.nft;
    for (let index = 1; index <= 100; index += 1) world.addLink(`vif${index}.0`);
    await world.settle();
    expect(world.host.nft.transactions).toBe(generation);
    for (let index = 1; index <= 100; index += 1) world.directory.set(`vif${index}.0`, `10.75.0.${index + 2}`);
    await world.settle();
    expect(world.lines('route 10.75.0.', 'proto 75')).toHaveLength(100);
    expect(world.host.nft.transactions - generation).toBeLessThanOrEqual(3);
    await expectIdle(world);
  });

  it('has no IPv6 of ours where the kernel has none', async () => {
    const world = await startWorld({
      host: new FakeHost({ ipv6: false }),
      directories: [new MemoryDirectory('static', seven)],
    });
    world.addLink('vif7.0');
    await world.settle();
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(world.has('fdd4')).toBe(false);
    expect(world.has('table ip6')).toBe(false);
  });
});

describe('siblings', () => {
  it('are answered for after a newcomer is open, and do not keep it waiting', async () => {
    const world = await startWorld({
      directories: [new MemoryDirectory('static', { ...seven, 'vif8.0': ['fdd4:1476:6c7e::4'] })],
    });
    world.addLink('vif7.0');
    await world.settle();
    world.addLink('vif8.0');
    let atReady: string[] | undefined;
    for (let turn = 0; turn < 1000 && atReady === undefined; turn += 1) {
      await nextTask();
      if (world.stateOf('vif8.0') === 'ready') atReady = world.lines('proxy fdd4');
    }
    expect(atReady).toEqual([
      'proxy fdd4:1476:6c7e::1 dev vif7.0 proto 75',
      'proxy fdd4:1476:6c7e::1 dev vif8.0 proto 75',
    ]);
  });

  it('answer for each other over IPv6, and no longer when one goes', async () => {
    const world = await startWorld({
      directories: [new MemoryDirectory('static', { ...seven, 'vif8.0': ['fdd4:1476:6c7e::4'] })],
    });
    world.addLink('vif7.0');
    await world.settle();
    world.addLink('vif8.0');
    await world.settle();
    expect(world.lines('proxy fdd4')).toEqual([
      'proxy fdd4:1476:6c7e::1 dev vif7.0 proto 75',
      'proxy fdd4:1476:6c7e::1 dev vif8.0 proto 75',
      'proxy fdd4:1476:6c7e::3 dev vif8.0 proto 75',
      'proxy fdd4:1476:6c7e::4 dev vif7.0 proto 75',
    ]);
    world.host.deleteLink('vif8.0');
    await world.settle();
    expect(world.lines('proxy fdd4')).toEqual(['proxy fdd4:1476:6c7e::1 dev vif7.0 proto 75']);
  });
});

describe('closing', () => {
  it('leaves nothing of a link that went', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    const before = world.host.render();
    world.addLink('vif7.0');
    await world.settle();
    world.host.deleteLink('vif7.0');
    await world.settle();
    expect(world.host.render()).toBe(before);
    expect(world.stateOf('vif7.0')).toBeUndefined();
    await expectIdle(world);
  });

  it('is the reverse of opening: routes, then accepts and guard, then connections', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    world.addLink('vif7.0');
    await world.settle();
    const { length } = world.trace;
    world.directory.unset('vif7.0');
    await world.settle();
    expect(kindsOf(world.trace.slice(length))).toEqual(['route-del', 'proxy-del', 'element', 'rule', 'purge']);
    expect(world.lines('vif7.0 . ')).toEqual([]);
    expect(world.has('dev vif7.0')).toBe(false);
    expect(world.stateOf('vif7.0')).toBe('unserved');
    await expectIdle(world);
  });

  it('forgets the connections of the address, and so does opening', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    world.addLink('vif7.0');
    await world.settle();
    world.host.addFlow({ src: '10.75.0.3', dst: '192.0.2.1', replyDst: '203.0.113.1' });
    world.host.addFlow({ src: '10.75.0.9', dst: '192.0.2.1' });
    world.host.deleteLink('vif7.0');
    await world.settle();
    expect(world.lines('flow')).toEqual(['flow 10.75.0.9 > 192.0.2.1 reply 192.0.2.1 > 10.75.0.9']);
    world.host.addFlow({ src: '192.0.2.1', dst: '203.0.113.1', replySrc: 'fdd4:1476:6c7e::3' });
    world.addLink('vif7.0');
    await world.settle();
    expect(world.lines('flow')).toHaveLength(1);
  });
});

describe('a restart', () => {
  it('changes nothing and purges nothing', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', seven)] });
    world.addLink('vif7.0');
    await world.settle();
    world.host.addFlow({ src: '10.75.0.3', dst: '192.0.2.1' });
    const before = world.host.render();
    const { transactions: generation } = world.host.nft;
    const { length } = world.trace;
    await world.restart();
    expect(world.trace.slice(length)).toEqual([]);
    expect(world.host.nft.transactions).toBe(generation);
    expect(world.host.render()).toBe(before);
    expect(world.stateOf('vif7.0')).toBe('ready');
  });

  it('takes away what went meanwhile, and serves what came', async () => {
    const world = await startWorld({
      directories: [new MemoryDirectory('static', { ...seven, 'vif8.0': ['10.75.0.4'] })],
    });
    world.addLink('vif7.0');
    await world.settle();
    await world.reconciler.stop();
    world.host.deleteLink('vif7.0');
    world.addLink('vif8.0');
    await world.restart();
    expect(world.has('vif7.0')).toBe(false);
    expect(world.stateOf('vif8.0')).toBe('ready');
    await expectIdle(world);
  });
});

/** The kinds of step in their order, each once per run of its like. */
function kindsOf(steps: readonly string[]): string[] {
  const kinds = steps.map((step) => {
    if (step.startsWith('net/')) return 'sysctl';
    return /^(?:add|delete) (\w+)/.exec(step)?.[1] ?? step.split(' ')[0] ?? '';
  });
  return kinds.filter((kind, index) => kind !== kinds[index - 1]);
}
