import assert from 'node:assert/strict';
import type { SysctlPath } from '../../src/host/port.ts';
import type { Ipv4Address } from '../../src/model/address.ts';
import type { ContractCase } from './case.ts';
import { failure, zone4, zone6 } from './case.ts';

const conf4 = (link: string, key: string): SysctlPath => ({ family: 'ipv4', group: 'conf', link, key });
const conf6 = (link: string, key: string): SysctlPath => ({ family: 'ipv6', group: 'conf', link, key });
const ipForward: SysctlPath = { family: 'ipv4', group: 'top', link: '', key: 'ip_forward' };

export const legacyCases: readonly ContractCase[] = [
  {
    name: 'a filter table of iptables-legacy that is not there is not made by looking',
    async run(host) {
      for (const family of ['ipv4', 'ipv6', 'ipv4', 'ipv6'] as const) {
        assert.deepEqual(await host.legacyFilter(family), { kind: 'none' });
      }
    },
  },
];

export const sysctlCases: readonly ContractCase[] = [
  {
    name: 'a new link has the kernel’s own values',
    async run(host, world) {
      await world.addLink('vif7.0');
      const conf = (path: typeof conf4, keys: string) =>
        Object.fromEntries(keys.split(' ').map((key) => [key, host.sysctl.read(path('vif7.0', key))]));
      assert.deepEqual(conf(conf4, 'proxy_arp rp_filter accept_redirects send_redirects accept_source_route'), {
        proxy_arp: '0',
        rp_filter: '0',
        accept_redirects: '1',
        send_redirects: '1',
        accept_source_route: '1',
      });
      assert.deepEqual(conf(conf4, 'secure_redirects arp_ignore arp_announce forwarding'), {
        secure_redirects: '1',
        arp_ignore: '0',
        arp_announce: '0',
        forwarding: '0',
      });
      assert.deepEqual(conf(conf6, 'accept_ra proxy_ndp accept_redirects disable_ipv6 forwarding accept_dad'), {
        accept_ra: '1',
        proxy_ndp: '0',
        accept_redirects: '1',
        disable_ipv6: '0',
        forwarding: '0',
        accept_dad: '1',
      });
      assert.deepEqual(conf(conf6, 'dad_transmits autoconf accept_source_route'), {
        dad_transmits: '1',
        autoconf: '1',
        accept_source_route: '0',
      });
      for (const family of ['ipv4', 'ipv6'] as const) {
        const delay = host.sysctl.read({ family, group: 'neigh', link: 'vif7.0', key: 'proxy_delay' });
        assert.equal(delay, '80');
      }
    },
  },
  {
    name: 'what is written is read back, and a rename takes it along',
    async run(host, world) {
      await world.addLink('vif7.0');
      host.sysctl.write(conf4('vif7.0', 'proxy_arp'), '1');
      host.sysctl.write({ family: 'ipv6', group: 'neigh', link: 'vif7.0', key: 'proxy_delay' }, '0');
      await world.renameLink('vif7.0', 'vif8.0');
      assert.equal(host.sysctl.read(conf4('vif8.0', 'proxy_arp')), '1');
      assert.equal(host.sysctl.read({ family: 'ipv6', group: 'neigh', link: 'vif8.0', key: 'proxy_delay' }), '0');
      assert.equal(host.sysctl.read(conf4('vif7.0', 'proxy_arp')), undefined);
    },
  },
  {
    name: 'what is not there reads as undefined and is vanished to a write',
    async run(host, world) {
      await world.addLink('vif7.0');
      for (const path of [conf4('vif9.0', 'proxy_arp'), conf6('vif7.0', 'no_such_key')]) {
        assert.equal(host.sysctl.read(path), undefined);
        await failure('vanished', () => host.sysctl.write(path, '1'));
      }
      host.sysctl.write(conf4('vif7.0', 'proxy_arp'), '1');
      await world.deleteLink('vif7.0');
      assert.equal(host.sysctl.read(conf4('vif7.0', 'proxy_arp')), undefined);
    },
  },
  {
    name: 'a value the kernel does not take is refused and changes nothing',
    async run(host, world) {
      await world.addLink('vif7.0');
      await failure('refused', () => host.sysctl.write(conf4('vif7.0', 'rp_filter'), 'strict'));
      assert.equal(host.sysctl.read(conf4('vif7.0', 'rp_filter')), '0');
    },
  },
  {
    name: 'forwarding on the host spreads to its links, those to come included',
    async run(host, world) {
      await world.addLink('vif7.0');
      host.sysctl.write(ipForward, '1');
      host.sysctl.write(conf6('all', 'forwarding'), '1');
      await world.addLink('vif8.0');
      const paths = ['all', 'vif7.0', 'vif8.0'].flatMap((link) => [
        conf4(link, 'forwarding'),
        conf6(link, 'forwarding'),
      ]);
      assert.deepEqual(
        paths.map((path) => host.sysctl.read(path)),
        paths.map(() => '1'),
      );
      assert.equal(host.sysctl.read(ipForward), '1');
    },
  },
];

const elsewhere = { src: '10.75.0.9', dst: '192.0.2.1', replySrc: '192.0.2.1', replyDst: '10.75.0.9' };

export const conntrackCases: readonly ContractCase[] = [
  {
    name: 'purge deletes what names an address on any side in any direction, and counts it once',
    async run(host, world) {
      assert.equal(await host.conntrack.purge([zone4]), 0);
      await world.addFlow(elsewhere);
      await world.addFlow({ src: zone4, dst: '192.0.2.1', replySrc: '192.0.2.1', replyDst: '198.51.100.1' });
      await world.addFlow({ src: '192.0.2.2', dst: zone4, replySrc: zone4, replyDst: '192.0.2.2' });
      await world.addFlow({ src: '192.0.2.3', dst: '198.51.100.1', replySrc: zone4, replyDst: '192.0.2.3' });
      await world.addFlow({ src: zone6, dst: '2001:db8::1', replySrc: '2001:db8::1', replyDst: zone6 });
      assert.equal(await host.conntrack.purge([zone4, zone6]), 4);
      assert.deepEqual(await world.flows(), [`${elsewhere.src} > ${elsewhere.dst}`]);
    },
  },
  {
    name: 'purge finds an address that stands only as the reply’s destination',
    async run(host, world) {
      await world.addFlow({ src: '192.0.2.4', dst: '192.0.2.5', replySrc: '192.0.2.5', replyDst: zone4 });
      assert.equal(await host.conntrack.purge([zone4]), 1);
    },
  },
  {
    name: 'purge finds an address among more connections than a page of the kernel’s file holds',
    async run(host, world) {
      for (let number = 1; number <= 40; number += 1) {
        const peer = `198.51.100.${number}`;
        await world.addFlow({ src: '192.0.2.1', dst: peer, replySrc: peer, replyDst: '192.0.2.1' });
      }
      await world.addFlow({ src: '192.0.2.4', dst: '192.0.2.5', replySrc: '192.0.2.5', replyDst: zone4 });
      assert.equal(await host.conntrack.purge([zone4, zone6]), 1);
      assert.equal((await world.flows()).length, 40);
      const many = Array.from({ length: 20 }, (_, number) => `198.51.100.${number + 1}` as Ipv4Address);
      assert.equal(await host.conntrack.purge(many), 20);
    },
  },
  {
    name: 'connections are counted by who has begun them',
    async run(host, world) {
      assert.deepEqual(await host.conntrack.countBySource(), new Map());
      await world.addFlow(elsewhere);
      for (const dst of ['192.0.2.1', '192.0.2.2', zone4])
        await world.addFlow({ src: zone4, dst, replySrc: dst, replyDst: '198.51.100.1' });
      await world.addFlow({ src: zone6, dst: '2001:db8::1', replySrc: '2001:db8::1', replyDst: zone6 });
      const expected = [
        [elsewhere.src, 1],
        [zone4, 3],
        [zone6, 1],
      ] as const;
      assert.deepEqual([...(await host.conntrack.countBySource())].sort(), [...expected].sort());
    },
  },
  {
    name: 'purge does not take an address for another that begins with it',
    async run(host, world) {
      await world.addFlow({ ...elsewhere, src: '10.75.0.33', replyDst: '10.75.0.33' });
      assert.equal(await host.conntrack.purge(['10.75.0.3' as Ipv4Address]), 0);
    },
  },
];
