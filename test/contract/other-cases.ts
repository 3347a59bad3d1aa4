import assert from 'node:assert/strict';
import type { Host, HostEvent, SysctlPath } from '../../src/host/port.ts';
import type { Ipv4Address } from '../../src/model/address.ts';
import type { ContractCase } from './case.ts';
import { eventually, failure, zone4, zone6 } from './case.ts';

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
    name: 'purge does not take an address for another that begins with it',
    async run(host, world) {
      await world.addFlow({ ...elsewhere, src: '10.75.0.33', replyDst: '10.75.0.33' });
      assert.equal(await host.conntrack.purge(['10.75.0.3' as Ipv4Address]), 0);
    },
  },
];

const foreignTable = (name: string) => [{ add: { table: { family: 'inet', name } } }];

export const eventCases: readonly ContractCase[] = [
  {
    name: 'links are announced as they come, go up, are renamed and go',
    async run(host, world) {
      const events = await collect(host);
      const ifindex = await world.addLink('vif7.0');
      await events.find('birth', (e) => isLink(e, ifindex, 'vif7.0') && !e.link.up && !e.deleted);
      await world.setLink('vif7.0', 'up');
      await events.find('up', (e) => isLink(e, ifindex, 'vif7.0') && e.link.up && !e.deleted);
      await world.renameLink('vif7.0', 'vif8.0');
      await events.find('rename', (e) => isLink(e, ifindex, 'vif8.0') && !e.deleted);
      await world.deleteLink('vif8.0');
      // On a real kernel a rename restarts the monitor, and what falls into the gap is covered by `lost`.
      await events.find('death', (e) => e.kind === 'lost' || (isLink(e, ifindex, 'vif8.0') && e.deleted));
    },
  },
  {
    name: 'routes are announced, with their author’s protocol, and IPv6 ones when their link goes down',
    async run(host, world) {
      const events = await collect(host);
      const ifindex = await world.addLink('vif7.0');
      await world.setLink('vif7.0', 'up');
      await host.rtnetlink.apply([zone4, zone6].map((address) => ({ kind: 'route-add', ifindex, address })));
      const ours = { kind: 'route', device: 'vif7.0', protocol: '75' } as const;
      const four = { ...ours, family: 'ipv4', destination: zone4 } as const;
      const six = { ...ours, family: 'ipv6', destination: zone6 } as const;
      await events.find('IPv4 route', (e) => same(e, { ...four, deleted: false }));
      await events.find('IPv6 route', (e) => same(e, { ...six, deleted: false }));
      await world.setLink('vif7.0', 'down');
      await events.find('IPv6 route gone', (e) => same(e, { ...six, deleted: true }));
      await events.find('link down', (e) => e.kind === 'link' && e.link.ifindex === ifindex && !e.link.up);
      // The kernel takes the IPv4 route without a word: whoever waits for that event waits for ever.
      assert.ok(!events.seen.some((e) => same(e, { ...four, deleted: true })));
      assert.deepEqual(await host.rtnetlink.routes('ipv4'), []);
    },
  },
  {
    name: 'a deleted IPv4 route is announced',
    async run(host, world) {
      const events = await collect(host);
      const ifindex = await world.addLink('vif7.0');
      await world.setLink('vif7.0', 'up');
      await world.addRoute(zone4, 'vif7.0');
      const route = { kind: 'route', family: 'ipv4', destination: zone4, device: 'vif7.0' } as const;
      await events.find('foreign route', (e) => same(e, { ...route, protocol: 'static', deleted: false }));
      await host.rtnetlink.apply([{ kind: 'local-add', address: zone4 }]);
      await host.rtnetlink.apply([{ kind: 'local-del', address: zone4 }]);
      await events.find('local gone', (e) => same(e, { ...route, device: 'lo', protocol: '75', deleted: true }));
      assert.ok(ifindex > 0);
    },
  },
  {
    name: 'settings of links are announced with what changed',
    async run(host, world) {
      await world.addLink('vif7.0');
      const events = await collect(host);
      const unsaid = { forwarding: undefined, strictReversePath: undefined, proxiesNeighbours: undefined };
      const about = { kind: 'netconf', family: 'ipv4', link: 'vif7.0', ...unsaid } as const;
      host.sysctl.write(conf4('vif7.0', 'proxy_arp'), '1');
      await events.find('proxy_arp', (e) => same(e, { ...about, proxiesNeighbours: true }));
      host.sysctl.write(conf4('vif7.0', 'rp_filter'), '1');
      await events.find('rp_filter strict', (e) => same(e, { ...about, strictReversePath: true }));
      host.sysctl.write(conf4('vif7.0', 'rp_filter'), '2');
      await events.find('rp_filter loose', (e) => same(e, { ...about, strictReversePath: false }));
      host.sysctl.write(conf6('vif7.0', 'proxy_ndp'), '1');
      await events.find('proxy_ndp', (e) => same(e, { ...about, family: 'ipv6', proxiesNeighbours: true }));
      host.sysctl.write(conf6('all', 'forwarding'), '1');
      await events.find('forwarding', (e) => same(e, { ...about, family: 'ipv6', link: 'all', forwarding: true }));
      await events.find('spread', (e) => same(e, { ...about, family: 'ipv6', forwarding: true }));
    },
  },
  {
    name: 'the settings that the kernel keeps to itself are not announced',
    async run(host, world) {
      await world.addLink('vif7.0');
      const events = await collect(host);
      host.sysctl.write(conf6('vif7.0', 'accept_ra'), '0');
      host.sysctl.write({ family: 'ipv4', group: 'neigh', link: 'vif7.0', key: 'proxy_delay' }, '0');
      host.sysctl.write(conf4('vif7.0', 'send_redirects'), '0');
      host.sysctl.write(conf4('vif7.0', 'proxy_arp'), '1');
      await events.find('proxy_arp', (e) => e.kind === 'netconf' && e.proxiesNeighbours === true);
      assert.equal(events.seen.filter((e) => e.kind === 'netconf').length, 1);
    },
  },
  {
    name: 'foreign nft transactions are announced with the tables they touch, our own are not',
    async run(host, world) {
      const events = await collect(host);
      await host.nft.transact(foreignTable('edera'));
      await world.nft([...foreignTable('one'), ...foreignTable('two')]);
      const first = await events.find('foreign transaction', (e) => e.kind === 'nft');
      assert.ok(first.kind === 'nft');
      assert.deepEqual([...first.tables].sort(), ['inet one', 'inet two']);
      await world.nft([{ add: { chain: { family: 'inet', table: 'edera', name: 'intruder' } } }]);
      await events.find('intrusion', (e) => e.kind === 'nft' && e.tables.has('inet edera'));
    },
  },
];

interface Collected {
  readonly seen: HostEvent[];
  find(what: string, wanted: (event: HostEvent) => boolean): Promise<HostEvent>;
}

async function collect(host: Host): Promise<Collected> {
  const seen: HostEvent[] = [];
  await host.watch((event) => seen.push(event));
  return {
    seen,
    find: (what, wanted) =>
      eventually(
        what,
        () => seen.find(wanted),
        () => seen,
      ),
  };
}

function isLink(event: HostEvent, ifindex: number, name: string): event is HostEvent & { kind: 'link' } {
  return event.kind === 'link' && event.link.ifindex === ifindex && event.link.name === name;
}

function same(event: HostEvent, wanted: HostEvent): boolean {
  const sorted = (value: HostEvent) => JSON.stringify(Object.entries(value).sort());
  return sorted(event) === sorted(wanted);
}
