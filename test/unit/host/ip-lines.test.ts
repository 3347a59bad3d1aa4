import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpLine } from '../../../src/host/ip-lines.ts';

describe('links', () => {
  it.each([
    [
      String.raw`[LINK]3: vif7.0@z0: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop state DOWN group default \    link/ether ea:73:72:a3:e7:c1 brd ff:ff:ff:ff:ff:ff`,
      { ifindex: 3, name: 'vif7.0', up: false },
      false,
    ],
    [
      String.raw`[LINK]3: vif7.0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc mq state DOWN group default \    link/ether fe:ff:ff:ff:ff:ff brd ff:ff:ff:ff:ff:ff`,
      { ifindex: 3, name: 'vif7.0', up: true },
      false,
    ],
    [
      '[LINK]4: vif8.0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default ',
      { ifindex: 4, name: 'vif8.0', up: true },
      false,
    ],
    [
      '[LINK]Deleted 3: vif8.0@NONE: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default ',
      { ifindex: 3, name: 'vif8.0', up: false },
      true,
    ],
    // LOWER_UP and M-DOWN contain the letters, but are other flags.
    ['[LINK]5: eth0: <BROADCAST,LOWER_UP> mtu 1500 ', { ifindex: 5, name: 'eth0', up: false }, false],
  ])('reads %s', (line, link, deleted) => {
    expect(parseIpLine(line)).toEqual({ kind: 'link', link, deleted });
  });
});

describe('routes', () => {
  const route = { kind: 'route', device: 'vif7.0', protocol: '75', deleted: false };

  it.each([
    ['[ROUTE]10.75.0.3 dev vif7.0 proto 75 scope link ', { ...route, family: 'ipv4', destination: '10.75.0.3' }],
    [
      '[ROUTE]Deleted fdd4:1476:6c7e::3 dev vif7.0 proto 75 metric 1024 pref medium',
      { ...route, family: 'ipv6', destination: 'fdd4:1476:6c7e::3', deleted: true },
    ],
    [
      '[ROUTE]multicast ff00::/8 dev vif7.0 table local proto kernel metric 256 pref medium',
      { ...route, family: 'ipv6', destination: 'ff00::/8', protocol: 'kernel' },
    ],
    [
      '[ROUTE]Deleted local 10.75.0.1 dev lo table local proto 75 scope host ',
      { ...route, family: 'ipv4', destination: '10.75.0.1', device: 'lo', deleted: true },
    ],
    [
      '[ROUTE]default via 192.0.2.1 dev eth0 proto static ',
      { ...route, family: 'ipv4', destination: 'default', device: 'eth0', protocol: 'static' },
    ],
    [
      '[ROUTE]default via fe80::1 dev eth0 proto ra metric 1024 expires 1798sec hoplimit 64 pref medium',
      { ...route, family: 'ipv6', destination: 'default', device: 'eth0', protocol: 'ra' },
    ],
    [
      '[ROUTE]blackhole 10.75.0.3 proto static ',
      { ...route, family: 'ipv4', destination: '10.75.0.3', device: undefined, protocol: 'static' },
    ],
    [
      '[ROUTE]10.75.0.9 dev vif9.0 scope link linkdown ',
      { ...route, family: 'ipv4', destination: '10.75.0.9', device: 'vif9.0', protocol: undefined },
    ],
  ])('reads %s', (line, event) => {
    expect(parseIpLine(line)).toEqual(event);
  });
});

describe('netconf', () => {
  it('reads what the kernel mentions, and leaves open what it does not', () => {
    const line =
      '[NETCONF]inet vif7.0 forwarding on rp_filter strict mc_forwarding off proxy_neigh on ignore_routes_with_linkdown off ';
    const event = { kind: 'netconf', family: 'ipv4', link: 'vif7.0' };
    expect(parseIpLine(line)).toEqual({
      ...event,
      forwarding: true,
      strictReversePath: true,
      proxiesNeighbours: true,
    });
    expect(parseIpLine('[NETCONF]inet all forwarding on ')).toEqual({
      ...event,
      link: 'all',
      forwarding: true,
      strictReversePath: undefined,
      proxiesNeighbours: undefined,
    });
    expect(parseIpLine('[NETCONF]inet6 vif7.0 forwarding off proxy_neigh off ')).toEqual({
      ...event,
      family: 'ipv6',
      forwarding: false,
      strictReversePath: undefined,
      proxiesNeighbours: false,
    });
  });

  it.each(['loose', 'off'])('takes rp_filter %s for not strict', (value) => {
    expect(parseIpLine(`[NETCONF]inet vif7.0 rp_filter ${value} `)).toMatchObject({ strictReversePath: false });
  });

  it('says nothing of a link that goes: its own event follows', () => {
    expect(parseIpLine('[NETCONF]Deleted inet vif7.0 ')).toBeUndefined();
  });
});

describe('everything else', () => {
  it.each([
    'netlink receive error No buffer space available (105)',
    'Dump was interrupted and may be inconsistent.',
    'Failed to open rtnetlink socket',
  ])('takes %j for lost events', (line) => {
    expect(parseIpLine(line)).toMatchObject({ kind: 'lost', reason: expect.stringContaining(line) });
  });

  it('keeps a long complaint short', () => {
    expect(JSON.stringify(parseIpLine('x'.repeat(100_000))).length).toBeLessThan(300);
  });

  it.each([
    '',
    '   ',
    '\tnexthop via 192.0.2.1 dev eth0 weight 1',
    '[NEIGH]10.75.0.3 dev vif7.0 lladdr 00:16:3e:00:00:01',
  ])('overlooks %j', (line) => {
    expect(parseIpLine(line)).toBeUndefined();
  });

  it('never throws', () => {
    const label = fc.constantFrom('', '[LINK]', '[LINK]Deleted ', '[ROUTE]', '[ROUTE]Deleted ', '[NETCONF]', '[');
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('3: vif7.0@z0: <UP>', 'inet', 'dev', 'proto', '10.75.0.3', '::/0', 'rp_filter', 'local', ' '),
    );
    fc.assert(
      fc.property(label, fc.array(word), (head, words) => {
        parseIpLine(head + words.join(' '));
      }),
      { numRuns: 5000 },
    );
  });
});
