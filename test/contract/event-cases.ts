import assert from 'node:assert/strict';
import type { HostEvent, SysctlPath } from '../../src/host/port.ts';
import { addTable } from '../../src/nft/commands.ts';
import type { ContractCase } from './case.ts';
import { zone4, zone6 } from './case.ts';
import { collect, isLink, same } from './collect.ts';

const conf4 = (link: string, key: string): SysctlPath => ({ family: 'ipv4', group: 'conf', link, key });
const conf6 = (link: string, key: string): SysctlPath => ({ family: 'ipv6', group: 'conf', link, key });
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
      await events.find('death', (e) => isLink(e, ifindex, 'vif8.0') && e.deleted);
      assert.ok(!events.seen.some(({ kind }) => kind === 'lost'));
    },
  },
  {
    name: 'a link that a bridge takes and frees is announced as that, and never as gone',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      await world.addBridge('xenbr0');
      const events = await collect(host);
      await world.setMaster('vif7.0', 'xenbr0');
      await events.find('taken', (e) => isLink(e, ifindex, 'vif7.0') && e.link.master === 'xenbr0');
      const before = events.seen.length;
      await world.setMaster('vif7.0', undefined);
      const isFree = (e: HostEvent) => isLink(e, ifindex, 'vif7.0') && e.link.master === undefined;
      await events.find('freed', (e) => isFree(e) && events.seen.indexOf(e) >= before);
      await world.setLink('vif7.0', 'up');
      await events.find('up', (e) => isLink(e, ifindex, 'vif7.0') && e.link.up);
      assert.ok(!events.seen.some((e) => e.kind === 'link' && e.deleted));
      assert.ok(
        !events.seen
          .slice(events.seen.findIndex((e, at) => at >= before && isFree(e)))
          .some((e) => e.kind === 'link' && e.link.master !== undefined),
      );
    },
  },
  {
    name: 'a device on top of a link is announced with the link’s name',
    async run(host, world) {
      await world.addLink('vif7.0');
      const events = await collect(host);
      const ifindex = await world.addMacvlan('m0', 'vif7.0');
      await events.find('birth', (e) => isLink(e, ifindex, 'm0') && e.link.lower === 'vif7.0' && !e.deleted);
      await world.deleteLink('m0');
      await events.find('end', (e) => isLink(e, ifindex, 'm0') && e.link.lower === 'vif7.0' && e.deleted);
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
      await host.nft.transact([addTable('inet', 'edera')]);
      await world.nft([...foreignTable('one'), ...foreignTable('two')]);
      const first = await events.find('foreign transaction', (e) => e.kind === 'nft');
      assert.ok(first.kind === 'nft');
      assert.deepEqual([...first.tables].sort(), ['inet one', 'inet two']);
      await world.nft([{ add: { chain: { family: 'inet', table: 'edera', name: 'intruder' } } }]);
      await events.find('intrusion', (e) => e.kind === 'nft' && e.tables.has('inet edera'));
    },
  },
];
