import { expect, it } from 'vitest';
import type { AskedDirectory } from '../../../src/directories/zone-directory.ts';
import type { ZoneEntry } from '../../../src/directories/zone-entry.ts';
import { strangeLinkCalled, strangeLinks } from '../../../src/lifecycle/strange-links.ts';
import { parseAddress } from '../../../src/model/address.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { sentenceOf } from '../../../src/model/fault.ts';
import { type LinkName, parseLinkName } from '../../../src/model/link-name.ts';
import { startWorld } from './support.ts';

it('are guests’ under other names, emulated cards, and what only looks like a zone’s', () => {
  const links = [
    { ifindex: 1, name: 'lo', up: true },
    { ifindex: 2, name: 'eth0', up: true, bus: 'pci' },
    { ifindex: 3, name: 'vif7.0', up: true, bus: 'xen-backend' },
    { ifindex: 4, name: 'web0', up: true, bus: 'xen-backend', device: 'vif-4-1' },
    { ifindex: 8, name: 'vif-app', up: true, bus: 'xen-backend', device: 'vif-8-0' },
    { ifindex: 9, name: 'odd0', up: true, bus: 'xen-backend', device: 'vif-0-0' },
    { ifindex: 5, name: 'vif7.0-emu', up: true, kind: 'tun' },
    { ifindex: 6, name: 'vifbr0', up: true, kind: 'bridge' },
    { ifindex: 10, name: 'viftap', up: true, kind: 'tun' },
    { ifindex: 11, name: 'vif-odd', up: true },
    { ifindex: 7, name: 'db0', up: true },
  ];
  const formerly = new Map([[7, zoneLink('vif9.0')]]);
  expect(strangeLinks(links, formerly, []).map(sentenceOf)).toMatchInlineSnapshot(`
    [
      "web0 is a guest's vif4.1 under another name (vifname), and has no network: zones are served by the name that Xen gives their link, and what this one sends is dropped; remove vifname from the guest's vif line, or its next start has the other name again; fix: ip link set web0 down && ip link set web0 name vif4.1 && ip link set vif4.1 up",
      "vif-app is a guest's vif8.0 under another name (vifname), and has no network: zones are served by the name that Xen gives their link, and what this one sends is dropped; remove vifname from the guest's vif line, or its next start has the other name again; fix: ip link set vif-app down && ip link set vif-app name vif8.0 && ip link set vif8.0 up",
      "odd0 is a guest's link under another name (vifname), and has no network: zones are served by the name that Xen gives their link, and what this one sends is dropped; remove vifname from the guest's vif line, or its next start has the other name again",
      "vif7.0-emu is the emulated card of an HVM guest: it has no network, and what it sends is dropped; the guest has one by vif7.0, with a Xen network driver",
      "viftap is filtered like a link of zones: its name begins with vif, and it cannot be told from a guest's. What it sends is dropped as spoofed; give it another name",
      "vif-odd is filtered like a link of zones: its name begins with vif, and it cannot be told from a guest's. What it sends is dropped as spoofed; give it another name",
      "db0 is a guest's vif9.0 under another name (vifname), and has no network: zones are served by the name that Xen gives their link, and what this one sends is dropped; remove vifname from the guest's vif line, or its next start has the other name again; fix: ip link set db0 down && ip link set db0 name vif9.0 && ip link set vif9.0 up",
    ]
  `);
});

it('of a zone that a directory gives an address are a failure, of others a warning', () => {
  const [app, web] = ['app0', 'web0'].map((name, index) => ({
    ifindex: index,
    name,
    up: true,
    bus: 'xen-backend',
    device: `vif-${index + 7}-0`,
  }));
  const levels = (...entries: ZoneEntry[]) =>
    strangeLinks(
      [app, web].flatMap((link) => link ?? []),
      new Map(),
      [directoryOf(entries)],
    ).map(({ level }) => level);
  const entry = { link: zoneLink('vif7.0'), addresses: [], name: undefined, origin: '' };
  const addresses = [parseAddress('10.75.0.7') ?? []].flat();
  expect(levels()).toEqual(['warning', 'warning']);
  expect(levels(entry)).toEqual(['warning', 'warning']);
  expect(levels({ ...entry, addresses })).toEqual(['bad', 'warning']);
  expect(levels({ ...entry, unusable: { why: '', fix: undefined } })).toEqual(['bad', 'warning']);
});

it('are found by either name', () => {
  const links = [{ name: 'eth0' }, { name: 'web0', bus: 'xen-backend', device: 'vif-7-0' }];
  for (const name of ['web0', 'vif7.0']) expect(strangeLinkCalled(name, links)?.links).toEqual(['web0', 'vif7.0']);
  expect(strangeLinkCalled('eth0', links)).toBeUndefined();
  expect(strangeLinkCalled('vif8.0', links)).toBeUndefined();
});

function zoneLink(name: string): LinkName {
  return parseLinkName(name) as LinkName;
}

function directoryOf(entries: readonly ZoneEntry[]): AskedDirectory {
  return { name: 'xenstore', snapshot: { state: 'answered', entries, problems: [], detail: '', since: 0 } };
}

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
  const isGuarded = (name: string) => world.has(name, `${name}-emu`, 'counter drop');
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
  expect(world.has('web0', 'web0-emu', 'counter drop')).toBe(true);
});

it('are not the host’s own, which the rules leave alone as long as they are that', async () => {
  const world = await startWorld({});
  const isLeftAlone = (name: string, kind = 'bridge') => world.has(`iifname "${name}" iifkind ${kind} return`);
  world.host.addLink('vifbr0', { kind: 'bridge' });
  world.host.addLink('viftap', { kind: 'tun' });
  world.host.addLink('vif-web', { bus: 'xen-backend', device: 'vif-7-0' });
  world.host.addLink('vif9.0-emu', { kind: 'veth' });
  world.host.addLink('vif8.0', { kind: 'veth' });
  await world.settle();
  expect(isLeftAlone('vifbr0')).toBe(true);
  expect(world.has('iifkind tun')).toBe(false);
  expect(world.has('iifkind veth')).toBe(false);
  world.host.renameLink('vif8.0', 'vifx');
  world.host.renameLink('vifbr0', 'vifbr1');
  await world.settle();
  expect(world.has('vifx', 'iifkind')).toBe(false);
  expect([isLeftAlone('vifbr0'), isLeftAlone('vifbr1')]).toEqual([false, true]);
  world.host.renameLink('vifbr1', 'br1');
  await world.settle();
  expect(world.has('iifkind')).toBe(false);
});
