import assert from 'node:assert/strict';
import type { Host, RtnetlinkChange } from '../../src/host/port.ts';
import { prefixesOf } from '../../src/model/address.ts';
import type { ContractCase } from './case.ts';
import { gateway6, neverAnIfindex, zone4, zone6 } from './case.ts';

export const rtnetlinkCases: readonly ContractCase[] = [
  {
    name: 'links are listed with ifindex, name and whether they are up',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const seen = async () => {
        const { ifindex: index, name, up } = (await link(host, 'vif7.0')) ?? {};
        return { ifindex: index, name, up };
      };
      assert.deepEqual(await seen(), { ifindex, name: 'vif7.0', up: false });
      await world.setLink('vif7.0', 'up');
      assert.deepEqual(await seen(), { ifindex, name: 'vif7.0', up: true });
    },
  },
  {
    name: 'links are listed with what they are, whose port they are and what they stand on',
    async run(host, world) {
      await world.addLink('vif7.0');
      await world.addBridge('xenbr0');
      await world.addMacvlan('m0', 'vif7.0');
      const seen = async (name: string) => {
        const { master, lower, kind } = (await link(host, name)) ?? {};
        return [master, lower, kind];
      };
      assert.deepEqual(await seen('xenbr0'), [undefined, undefined, 'bridge']);
      assert.deepEqual(await seen('m0'), [undefined, 'vif7.0', 'macvlan']);
      await world.deleteLink('m0');
      await world.setMaster('vif7.0', 'xenbr0');
      assert.deepEqual((await seen('vif7.0')).slice(0, 2), ['xenbr0', undefined]);
      await world.setMaster('vif7.0', undefined);
      assert.deepEqual((await seen('vif7.0')).slice(0, 2), [undefined, undefined]);
    },
  },
  {
    name: 'links are listed with their sysctls as they are then',
    async run(host, world) {
      await world.addLink('vif7.0');
      const keys = { ipv4: ['proxy_arp', 'accept_source_route'], ipv6: ['accept_ra', 'proxy_ndp', 'accept_dad'] };
      const places = (['ipv4', 'ipv6'] as const).flatMap((family) => keys[family].map((key) => ({ family, key })));
      const told = async () => {
        const settings = (await link(host, 'vif7.0'))?.settings;
        return places.map(({ family, key }) => settings?.({ family, group: 'conf', key }));
      };
      const before = await told();
      const read = places.map((place) => host.sysctl.read({ ...place, group: 'conf', link: 'vif7.0' }));
      assert.deepEqual(before, read);
      const first = (await link(host, 'vif7.0'))?.settings;
      for (const [place, value] of places.map((each, at) => [each, before[at] === '0' ? '1' : '0'] as const)) {
        host.sysctl.write({ ...place, group: 'conf', link: 'vif7.0' }, value);
      }
      assert.deepEqual(
        await told(),
        before.map((value) => (value === '0' ? '1' : '0')),
      );
      // Another listing leaves the first as it was.
      assert.deepEqual(
        places.map(({ family, key }) => first?.({ family, group: 'conf', key })),
        before,
      );
      assert.equal(first?.({ family: 'ipv4', group: 'conf', key: 'no_such' }), undefined);
    },
  },
  {
    name: 'links are listed with how long the kernel waits before it answers for others',
    async run(host, world) {
      await world.addLink('vif7.0');
      await world.addLink('vif8.0');
      for (const family of ['ipv4', 'ipv6'] as const) {
        const place = { family, group: 'neigh', key: 'proxy_delay' } as const;
        const told = async (name: string) => (await link(host, name))?.settings?.(place);
        assert.equal(await told('vif7.0'), host.sysctl.read({ ...place, link: 'vif7.0' }));
        assert.notEqual(await told('vif7.0'), '0');
        host.sysctl.write({ ...place, link: 'vif7.0' }, '0');
        assert.equal(await told('vif7.0'), '0');
        assert.equal(await told('vif8.0'), host.sysctl.read({ ...place, link: 'vif8.0' }));
      }
    },
  },
  {
    name: 'a renamed link keeps its ifindex, and a name that comes back has a new one',
    async run(host, world) {
      const first = await world.addLink('vif7.0');
      await world.renameLink('vif7.0', 'vif8.0');
      assert.equal((await link(host, 'vif8.0'))?.ifindex, first);
      const second = await world.addLink('vif7.0');
      assert.ok(second > first);
      assert.equal((await link(host, 'vif7.0'))?.ifindex, second);
    },
  },
  {
    name: 'link-up brings a link up, and again is no error',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const up = { kind: 'link-up', ifindex } as const;
      assert.deepEqual(await outcome(host, up, up), ['ok', 'ok']);
      assert.equal((await link(host, 'vif7.0'))?.up, true);
    },
  },
  {
    name: 'host routes of both families are added, listed as ours, and present ones are no error',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      const changes = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address }) as const);
      assert.deepEqual(await outcome(host, ...changes, ...changes), ['ok', 'ok', 'ok', 'ok']);
      const ours = { type: 'unicast', table: 'main', device: 'vif7.0', protocol: '75' };
      assert.deepEqual(await host.rtnetlink.routes('ipv4'), [{ family: 'ipv4', destination: zone4, ...ours }]);
      assert.deepEqual(await host.rtnetlink.routes('ipv6'), [{ family: 'ipv6', destination: zone6, ...ours }]);
    },
  },
  {
    name: 'a listing narrowed to a link holds only its routes, without its name',
    async run(host, world) {
      const [seven, eight] = [await upLink(world, 'vif7.0'), await upLink(world, 'vif8.0')];
      await outcome(host, { kind: 'route-add', ifindex: seven, address: zone4 });
      const [route, ...more] = await host.rtnetlink.routes('ipv4', { ifindex: seven });
      assert.deepEqual([route?.destination, route?.device, more.length], [zone4, undefined, 0]);
      assert.deepEqual(await host.rtnetlink.routes('ipv4', { ifindex: eight }), []);
      assert.deepEqual(await host.rtnetlink.routes('ipv4', { ifindex: neverAnIfindex }), []);
    },
  },
  {
    name: 'a route to a link that is down is refused',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const changes = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address }) as const);
      assert.deepEqual(await outcome(host, ...changes), ['refused', 'refused']);
    },
  },
  {
    name: 'a change to a link that never was is vanished, and deleting from it has nothing to do',
    async run(host) {
      const ifindex = neverAnIfindex;
      const changes: RtnetlinkChange[] = [
        { kind: 'link-up', ifindex },
        { kind: 'route-add', ifindex, address: zone4 },
        { kind: 'route-add', ifindex, address: zone6 },
        { kind: 'proxy-add', ifindex, address: gateway6 },
        { kind: 'route-del', ifindex, address: zone4 },
        { kind: 'proxy-del', ifindex, address: gateway6 },
      ];
      assert.deepEqual(await outcome(host, ...changes), ['vanished', 'vanished', 'vanished', 'vanished', 'ok', 'ok']);
    },
  },
  {
    name: 'a link that was born again under its name does not get its predecessor’s changes',
    async run(host, world) {
      const dead = await upLink(world, 'vif7.0');
      await outcome(host, { kind: 'route-add', ifindex: dead, address: zone4 });
      await world.deleteLink('vif7.0');
      const born = await upLink(world, 'vif7.0');
      assert.deepEqual(await outcome(host, { kind: 'route-add', ifindex: dead, address: zone4 }), ['vanished']);
      assert.deepEqual(await outcome(host, { kind: 'route-add', ifindex: born, address: zone4 }), ['ok']);
      assert.deepEqual(await outcome(host, { kind: 'route-del', ifindex: dead, address: zone4 }), ['ok']);
      assert.deepEqual(await world.routes('ipv4'), [`${zone4} dev vif7.0 proto 75`]);
    },
  },
  {
    name: 'a failed change does not stop those after it',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      const broken = { kind: 'route-add', ifindex: neverAnIfindex, address: zone4 } as const;
      assert.deepEqual(await outcome(host, broken, { ...broken, ifindex }, broken), ['vanished', 'ok', 'vanished']);
      assert.deepEqual(await world.routes('ipv4'), [`${zone4} dev vif7.0 proto 75`]);
    },
  },
  {
    name: 'a route that insists stands beside somebody else’s, once, and goes alone',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      await upLink(world, 'vif8.0');
      for (const address of [zone4, zone6]) await world.addRoute(address, 'vif8.0');
      const adds = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address, insist: true }) as const);
      for (let time = 0; time < 2; time += 1) assert.deepEqual(await outcome(host, ...adds), ['ok', 'ok']);
      for (const [family, address] of [
        ['ipv4', zone4],
        ['ipv6', zone6],
      ] as const) {
        const expected = [`${address} dev vif7.0 proto 75`, `${address} dev vif8.0 proto static`];
        assert.deepEqual([...(await world.routes(family))].sort(), expected);
        assert.deepEqual(await outcome(host, { kind: 'route-del', ifindex, address }), ['ok']);
        assert.deepEqual(await world.routes(family), expected.slice(1));
      }
    },
  },
  {
    name: 'somebody else’s route to the same place is in the way, and is never deleted',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      const other = await upLink(world, 'vif8.0');
      await world.addRoute(zone4, 'vif7.0');
      await outcome(host, { kind: 'route-add', ifindex: other, address: zone6 });
      const adds = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address }) as const);
      assert.deepEqual(await outcome(host, ...adds), ['exists', 'exists']);
      const deletions = [zone4, zone6].map((address) => ({ kind: 'route-del', ifindex, address }) as const);
      assert.deepEqual(await outcome(host, ...deletions), ['ok', 'ok']);
      assert.deepEqual(await world.routes('ipv4'), [`${zone4} dev vif7.0 proto static`]);
      assert.deepEqual(await world.routes('ipv6'), [`${zone6} dev vif8.0 proto 75`]);
      assert.deepEqual(await host.rtnetlink.routes('ipv4'), []);
    },
  },
  {
    name: 'a route that nobody on this host has set is not in the way: ours stands ahead of it',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      await upLink(world, 'vif8.0');
      await world.addRoute(zone4, 'vif8.0', 'dhcp');
      assert.deepEqual(await outcome(host, { kind: 'route-add', ifindex, address: zone4 }), ['ok']);
      const [ours, theirs] = await world.routes('ipv4');
      assert.equal(ours, `${zone4} dev vif7.0 proto 75`);
      assert.match(theirs ?? '', /^\S+ dev vif8\.0 proto /);
    },
  },
  {
    name: 'an IPv6 route of somebody else’s to the same place stays, and ours needs not insist to be added',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      await upLink(world, 'vif8.0');
      await world.addRoute(zone6, 'vif8.0');
      assert.deepEqual(await outcome(host, { kind: 'route-add', ifindex, address: zone6 }), ['ok']);
      const theirs = `${zone6} dev vif8.0 proto static`;
      assert.deepEqual([...(await world.routes('ipv6'))].sort(), [`${zone6} dev vif7.0 proto 75`, theirs]);
      assert.deepEqual(await outcome(host, { kind: 'route-del', ifindex, address: zone6 }), ['ok']);
      assert.deepEqual(await world.routes('ipv6'), [theirs]);
    },
  },
  {
    name: 'our routes are deleted, and absent ones are no error',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      const both = [zone4, zone6];
      await outcome(host, ...both.map((address) => ({ kind: 'route-add', ifindex, address }) as const));
      const deletions = both.map((address) => ({ kind: 'route-del', ifindex, address }) as const);
      assert.deepEqual(await outcome(host, ...deletions, ...deletions), ['ok', 'ok', 'ok', 'ok']);
      assert.deepEqual([...(await world.routes('ipv4')), ...(await world.routes('ipv6'))], []);
    },
  },
  {
    name: 'local routes make the host answer for an address, and go again',
    async run(host) {
      const addresses = [zone4, zone6];
      const adds = addresses.map((address) => ({ kind: 'local-add', address }) as const);
      assert.deepEqual(await outcome(host, ...adds, ...adds), ['ok', 'ok', 'ok', 'ok']);
      const local = { type: 'local', table: 'local', device: 'lo', protocol: '75' };
      assert.deepEqual(await host.rtnetlink.routes('ipv4'), [{ family: 'ipv4', destination: zone4, ...local }]);
      assert.deepEqual(await host.rtnetlink.routes('ipv6'), [{ family: 'ipv6', destination: zone6, ...local }]);
      const own = () => Promise.all(addresses.map((address) => host.rtnetlink.isOwn(address)));
      assert.deepEqual(await own(), [true, true]);
      const deletions = addresses.map((address) => ({ kind: 'local-del', address }) as const);
      assert.deepEqual(await outcome(host, ...deletions, ...deletions), ['ok', 'ok', 'ok', 'ok']);
      assert.deepEqual(await own(), [false, false]);
      assert.deepEqual([...(await host.rtnetlink.routes('ipv4')), ...(await host.rtnetlink.routes('ipv6'))], []);
    },
  },
  {
    name: 'a block is unreachable by a route of ours, and goes again',
    async run(host) {
      const prefixes = prefixesOf('10.75.2.0/24', 'fdd4:1476:6c7e:2::/64');
      const adds = prefixes.map((prefix) => ({ kind: 'block-add', prefix }) as const);
      assert.deepEqual(await outcome(host, ...adds, ...adds), ['ok', 'ok', 'ok', 'ok']);
      const listed = (await Promise.all([host.rtnetlink.routes('ipv4'), host.rtnetlink.routes('ipv6')])).flat();
      assert.deepEqual(
        listed.map(({ destination, type, table, protocol }) => [destination, type, table, protocol]),
        prefixes.map(({ text }) => [text, 'unreachable', 'main', '75']),
      );
      const deletions = prefixes.map((prefix) => ({ kind: 'block-del', prefix }) as const);
      assert.deepEqual(await outcome(host, ...deletions, ...deletions), ['ok', 'ok', 'ok', 'ok']);
      assert.deepEqual([...(await host.rtnetlink.routes('ipv4')), ...(await host.rtnetlink.routes('ipv6'))], []);
    },
  },
  {
    name: 'default routes are listed with their device and author, whoever made them, until the link goes down',
    async run(host, world) {
      assert.deepEqual(await host.rtnetlink.defaultRoutes(), []);
      await upLink(world, 'uplink');
      await world.addDefaultRoute('ipv4', 'uplink');
      await world.addDefaultRoute('ipv6', 'uplink');
      const about = { device: 'uplink', protocol: 'static' };
      assert.deepEqual(await host.rtnetlink.defaultRoutes(), [
        { family: 'ipv4', ...about },
        { family: 'ipv6', ...about },
      ]);
      const out = [
        { family: 'ipv4', device: 'uplink' },
        { family: 'ipv6', device: 'uplink' },
      ];
      assert.deepEqual(await host.rtnetlink.waysOut(), out);
      await world.setLink('uplink', 'down');
      assert.deepEqual(await host.rtnetlink.defaultRoutes(), []);
      assert.deepEqual(await host.rtnetlink.waysOut(), []);
    },
  },
  {
    name: 'neighbour proxies are added, listed, and deleted, each as often as one likes; only ours are listed',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      await world.addProxy(zone6, 'vif7.0');
      const add = { kind: 'proxy-add', ifindex, address: gateway6 } as const;
      assert.deepEqual(await outcome(host, add, add), ['ok', 'ok']);
      assert.deepEqual(await host.rtnetlink.proxies(), [{ address: gateway6, ifindex }]);
      assert.deepEqual(await host.rtnetlink.proxies({ ifindex }), [{ address: gateway6, ifindex }]);
      const remove = { ...add, kind: 'proxy-del' } as const;
      assert.deepEqual(await outcome(host, remove, remove), ['ok', 'ok']);
      assert.deepEqual(await host.rtnetlink.proxies(), []);
    },
  },
  {
    name: 'link down takes routes and proxies, and up brings none back',
    async run(host, world) {
      const ifindex = await upLink(world, 'vif7.0');
      const routes = [zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address }) as const);
      await outcome(host, ...routes, { kind: 'proxy-add', ifindex, address: gateway6 });
      await world.setLink('vif7.0', 'down');
      await world.setLink('vif7.0', 'up');
      assert.deepEqual([...(await host.rtnetlink.routes('ipv4')), ...(await host.rtnetlink.routes('ipv6'))], []);
      assert.deepEqual(await host.rtnetlink.proxies(), []);
    },
  },
];

async function link(host: Host, name: string) {
  return (await host.rtnetlink.links()).find((candidate) => candidate.name === name);
}

async function upLink(world: Parameters<ContractCase['run']>[1], name: string): Promise<number> {
  const ifindex = await world.addLink(name);
  await world.setLink(name, 'up');
  return ifindex;
}

/** Per change `ok` or the error's code. */
export async function outcome(host: Host, ...changes: RtnetlinkChange[]): Promise<string[]> {
  const results = await host.rtnetlink.apply(changes);
  return results.map((result) => (result.ok ? 'ok' : result.error.code));
}
