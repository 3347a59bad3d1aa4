import { expect, it } from 'vitest';
import { strangeLinks } from '../../../src/lifecycle/strange-links.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { startWorld } from './support.ts';

it('are guests’ under other names, emulated cards, and what only looks like a zone’s', () => {
  const links = [
    { ifindex: 1, name: 'lo', up: true },
    { ifindex: 2, name: 'eth0', up: true, bus: 'pci' },
    { ifindex: 3, name: 'vif7.0', up: true, bus: 'xen-backend' },
    { ifindex: 4, name: 'web0', up: true, bus: 'xen-backend' },
    { ifindex: 5, name: 'vif7.0-emu', up: true, kind: 'tun' },
    { ifindex: 6, name: 'vifbr0', up: true, kind: 'bridge' },
    { ifindex: 7, name: 'db0', up: true },
  ];
  expect(strangeLinks(links, new Map([[7, 'vif9.0']]))).toMatchInlineSnapshot(`
    [
      "web0 is a guest's link under another name (vifname): it has no network, and what it sends is dropped; leave vifname out of its vif line",
      "vif7.0-emu is the emulated card of an HVM guest: it has no network, and what it sends is dropped; the guest has one by vif7.0, with a Xen network driver",
      "vifbr0 is filtered like a link of zones, for its name begins with vif: what it sends is dropped as spoofed; give it another name",
      "db0 was vif9.0 until it was renamed (vifname): it has no network, and what it sends is dropped; leave vifname out of the guest's vif line",
    ]
  `);
});

it('are known by a rename, until they are renamed back or go', async () => {
  const world = await startWorld({});
  const warned = () => world.reconciler.mirror.formerly.size;
  world.addLink('vif7.0');
  await world.settle();
  world.host.renameLink('vif7.0', 'web0');
  await world.settle();
  expect(warned()).toBe(1);
  world.host.renameLink('web0', 'vif7.0');
  await world.settle();
  expect(warned()).toBe(0);
  world.host.renameLink('vif7.0', 'web0');
  world.host.deleteLink('web0');
  await world.settle();
  expect(warned()).toBe(0);
});

it('are warned of when they come, and no longer once they are gone', async () => {
  const world = await startWorld({});
  world.addLink('vif7.0-emu');
  await world.settle();
  const said = () => world.log.map(({ msg }) => msg).filter((msg) => /^(resolved: )?vif7\.0-emu is/.test(msg));
  expect(said()).toEqual([expect.stringMatching(/^vif7\.0-emu is the emulated card/)]);
  world.host.deleteLink('vif7.0-emu');
  await world.settle();
  expect(said().at(-1)).toMatch(/^resolved: vif7\.0-emu/);
});

it('are named by the guard while they are there, also where nothing else happens', async () => {
  const world = await startWorld({});
  const isGuarded = (name: string) => world.has(`iifname ${name} counter drop`);
  world.host.addLink('web0', { bus: 'xen-backend' });
  world.host.addLink('eth1', { bus: 'pci' });
  await world.settle();
  expect(isGuarded('web0')).toBe(true);
  world.host.renameLink('web0', 'web1');
  await world.settle();
  expect([isGuarded('web0'), isGuarded('web1')]).toEqual([false, true]);
  world.host.deleteLink('web1');
  await world.settle();
  expect(isGuarded('web1')).toBe(false);
});

it('are named by the guard where the first transaction that does so fails', async () => {
  const world = await startWorld({});
  world.host.failNext('nft.transact', new ProtectNetworkError('refused', 'no answer'));
  world.host.addLink('web0', { bus: 'xen-backend' });
  await world.settle();
  await world.pass(60_000);
  expect(world.has('iifname web0 counter drop')).toBe(true);
});
