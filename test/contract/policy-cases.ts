import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { NftCommand } from '../../src/host/port.ts';
import type { Ipv4Address } from '../../src/model/address.ts';
import * as make from '../../src/nft/commands.ts';
import type { ContractCase } from './case.ts';
import { failure } from './case.ts';

const at = { family: 'inet', table: 'edera' } as const;
const type = ['ifname', 'ipv4_addr', 'inet_proto', 'inet_service'];
const leasesAt = { ...at, set: 'leases' } as const;
const setUp: readonly NftCommand[] = [
  make.addTable('inet', 'edera'),
  make.addSet('inet', 'edera', { name: 'leases', type, leased: { size: 2 } }),
  make.addSet('inet', 'edera', { name: 'nets', type, intervals: true }),
];
const first = 'vif7.0 198.51.100.7 tcp 443';
const second = 'vif7.0 198.51.100.7 udp 123';
const lease = (key: string, seconds: number, comment = 'api.example.com') => ({ key, seconds, comment });
const nets = (kind: 'add-elements' | 'delete-elements', ...keys: string[]): NftCommand => ({
  kind,
  ...at,
  set: 'nets',
  keys,
});

export const policyCases: readonly ContractCase[] = [
  {
    name: 'a lease lasts as long as it says, with its name, and longer or shorter by another one',
    async run(host) {
      await host.nft.transact(setUp);
      assert.deepEqual(await host.nft.leases(leasesAt, type), []);
      await host.nft.lease(leasesAt, [lease(first, 1000), lease(second, 70, 'ntp.example.org')]);
      const about = async (key: string) => {
        const found = (await host.nft.leases(leasesAt, type)).find((each) => each.key === key);
        return found && { ...found, seconds: Math.ceil(found.seconds / 10) * 10 };
      };
      assert.deepEqual(await about(first), lease(first, 1000));
      assert.deepEqual(await about(second), lease(second, 70, 'ntp.example.org'));
      await host.nft.lease(leasesAt, [lease(first, 2000, 'other.example.com'), lease(second, 60)]);
      assert.deepEqual(await about(first), lease(first, 2000, 'other.example.com'));
      assert.deepEqual(await about(second), lease(second, 60));
    },
  },
  {
    name: 'a lease again with the same time is one from now on',
    async run(host) {
      await host.nft.transact(setUp);
      await host.nft.lease(leasesAt, [lease(first, 100)]);
      await delay(1100);
      await host.nft.lease(leasesAt, [lease(first, 100)]);
      const [found] = await host.nft.leases(leasesAt, type);
      assert.ok(found !== undefined && found.seconds > 99.5, `${found?.seconds} s`);
    },
  },
  {
    name: 'leases end, those that are not there as well; a full set takes no more, and none of the others',
    async run(host) {
      await host.nft.transact(setUp);
      await host.nft.lease(leasesAt, [lease(first, 1000)]);
      await host.nft.release(leasesAt, [second, first]);
      assert.deepEqual(await host.nft.leases(leasesAt, type), []);
      const third = 'vif8.0 198.51.100.7 tcp 443';
      const all = [first, second, third].map((key) => lease(key, 100));
      await failure('refused', () => host.nft.lease(leasesAt, all));
      assert.deepEqual(await host.nft.leases(leasesAt, type), []);
    },
  },
  {
    name: 'leases of a set that is not there are none, and cannot be made',
    async run(host) {
      assert.deepEqual(await host.nft.leases(leasesAt, type), []);
      await failure('vanished', () => host.nft.lease(leasesAt, [lease(first, 100)]));
    },
  },
  {
    name: 'elements may be intervals in each part, listed as they were made; leases are none of a table’s elements',
    async run(host) {
      const keys = [
        'vif7.0 10.0.0.0-10.255.255.255 tcp 1-65535',
        'vif7.0 198.51.100.1-198.51.100.6 udp 443',
        'vif8.0 192.0.2.1 tcp 8000-8010',
      ];
      const elements = async () => {
        const objects = (await host.nft.table('inet', 'edera')) ?? [];
        return objects.flatMap(({ set }) => (set as { elem?: unknown[] } | undefined)?.elem ?? []).length;
      };
      await host.nft.transact([...setUp, nets('add-elements', ...keys.slice(0, 1))]);
      await host.nft.transact([nets('add-elements', ...keys.slice(1))]);
      await host.nft.lease(leasesAt, [lease(first, 100)]);
      assert.equal(await elements(), 3);
      await host.nft.transact([nets('delete-elements', ...keys.slice(0, 2))]);
      assert.equal(await elements(), 1);
    },
  },
  {
    name: 'connections are told by who began them, with who answers, and end one by one',
    async run(host, world) {
      const zone = '10.75.0.3' as Ipv4Address;
      const peer = '198.51.100.1';
      await world.addFlow({ src: zone, dst: '192.0.2.9', replySrc: peer, replyDst: zone });
      await world.addFlow({ src: zone, dst: '192.0.2.8', replySrc: '192.0.2.8', replyDst: '203.0.113.1' });
      await world.addFlow({ src: '192.0.2.7', dst: zone, replySrc: zone, replyDst: '192.0.2.7' });
      const begun = await host.conntrack.begunBy([zone]);
      assert.deepEqual(begun.map(({ source, destination }) => `${source} > ${destination}`).sort(), [
        `${zone} > 192.0.2.8`,
        `${zone} > ${peer}`,
      ]);
      await host.conntrack.end(begun.filter(({ destination }) => destination === peer));
      assert.deepEqual(await world.flows(), [`${zone} > 192.0.2.8`, `192.0.2.7 > ${zone}`]);
      await host.conntrack.end(begun);
      assert.deepEqual(await world.flows(), [`192.0.2.7 > ${zone}`]);
      assert.deepEqual(await host.conntrack.begunBy([]), []);
    },
  },
];
