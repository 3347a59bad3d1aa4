import assert from 'node:assert/strict';
import type { ContractCase } from './case.ts';
import { zone4, zone6 } from './case.ts';
import { collect, isLink } from './collect.ts';

const holes = ['throw', 'prohibit', 'unreachable', 'blackhole'] as const;

/** What was once misread: words for people are no part of it any more. */
export const routeEventCases: readonly ContractCase[] = [
  ...holes.flatMap((type) =>
    ([zone4, zone6] as const).map(
      (address): ContractCase => ({
        name: `a ${type} route to ${address} is announced as a route to that address, and listed as no route by a link`,
        async run(host, world) {
          const events = await collect(host);
          await world.addHole(type, address);
          await events.find(
            type,
            (e) => e.kind === 'route' && e.destination === address && e.protocol === '75' && !e.deleted,
          );
          const family = address === zone4 ? 'ipv4' : 'ipv6';
          const [route, ...others] = await host.rtnetlink.routes(family);
          const listed = type === 'unreachable' ? type : 'other';
          assert.deepEqual([route?.destination, route?.type, others.length], [address, listed, 0]);
        },
      }),
    ),
  ),
  {
    name: 'a file that is no network namespace disturbs nothing',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      await world.leaveStrayFile();
      const events = await collect(host);
      await world.setLink('vif7.0', 'up');
      await events.find('up', (e) => isLink(e, ifindex, 'vif7.0') && e.link.up);
      assert.ok(!events.seen.some(({ kind }) => kind === 'lost'));
    },
  },
  {
    name: 'a name for our protocol number hides nothing of ours',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      await world.setLink('vif7.0', 'up');
      await world.nameProtocol();
      const events = await collect(host);
      await host.rtnetlink.apply([
        { kind: 'route-add', ifindex, address: zone4 },
        { kind: 'proxy-add', ifindex, address: zone6 },
      ]);
      await events.find('route', (e) => e.kind === 'route' && e.destination === zone4 && e.protocol === '75');
      assert.deepEqual(
        (await host.rtnetlink.routes('ipv4')).map(({ destination, protocol }) => [destination, protocol]),
        [[zone4, '75']],
      );
      assert.deepEqual(await host.rtnetlink.proxies(), [{ address: zone6, ifindex }]);
    },
  },
  {
    name: 'renames of strangers’ links lose no event',
    async run(host, world) {
      const ifindex = await world.addLink('veth0');
      const events = await collect(host);
      for (let time = 1; time <= 16; time += 1) await world.renameLink(`veth${time - 1}`, `veth${time}`);
      await events.find('the last rename', (e) => isLink(e, ifindex, 'veth16'));
      const renames = events.seen.filter((e) => e.kind === 'link' && e.link.ifindex === ifindex && !e.deleted);
      assert.ok(renames.length >= 16, `${renames.length} of 16`);
      assert.ok(!events.seen.some(({ kind }) => kind === 'lost'));
    },
  },
  {
    name: 'a link that leaves a bridge is not announced as gone',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const events = await collect(host);
      await world.visitBridge('vif7.0');
      await world.setLink('vif7.0', 'up');
      await events.find('up', (e) => isLink(e, ifindex, 'vif7.0') && e.link.up);
      assert.ok(!events.seen.some((e) => e.kind === 'link' && e.link.ifindex === ifindex && e.deleted));
    },
  },
  {
    name: 'what dies between two changes is vanished to the rest of them, and the others go on',
    async run(host, world) {
      const [dead, alive] = [await world.addLink('vif7.0'), await world.addLink('vif8.0')];
      await host.rtnetlink.apply([{ kind: 'link-up', ifindex: dead }]);
      await world.deleteLink('vif7.0');
      const results = await host.rtnetlink.apply([
        { kind: 'route-add', ifindex: dead, address: zone4 },
        { kind: 'proxy-add', ifindex: dead, address: zone6 },
        { kind: 'link-up', ifindex: alive },
        { kind: 'route-add', ifindex: alive, address: zone4 },
      ]);
      assert.deepEqual(
        results.map((result) => (result.ok ? 'ok' : result.error.code)),
        ['vanished', 'vanished', 'ok', 'ok'],
      );
    },
  },
];
