import { describe, expect, it } from 'vitest';
import type { Family } from '../../../src/model/address.ts';
import { mayBeAdvertised, planForwarding } from '../../../src/routes/forwarding.ts';
import { planGateways, planLinkRoutes } from '../../../src/routes/plan.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { address } from '../nft/support.ts';

const [three, four] = [address('10.75.0.3'), address('10.75.0.4')];
const up = { ifindex: 7, name: 'vif7.0', up: true };
const down = { ...up, up: false };

describe('routes of a link', () => {
  it('are what is missing, and no longer what is not wanted', () => {
    expect(planLinkRoutes(up, { ifindex: 7, addresses: [three] }, new Set([four]))).toEqual({
      withdraw: [{ kind: 'route-del', ifindex: 7, address: four }],
      install: [{ kind: 'route-add', ifindex: 7, address: three }],
    });
  });

  it('are nothing where all is well, and where the link is gone', () => {
    const nothing = { withdraw: [], install: [] };
    expect(planLinkRoutes(up, { ifindex: 7, addresses: [three] }, new Set([three]))).toEqual(nothing);
    expect(planLinkRoutes(undefined, { ifindex: 7, addresses: [three] }, new Set([four]))).toEqual(nothing);
  });

  it('come after the link is up, all of them, since going down took them', () => {
    expect(planLinkRoutes(down, { ifindex: 7, addresses: [three] }, new Set([three])).install).toEqual([
      { kind: 'link-up', ifindex: 7 },
      { kind: 'route-add', ifindex: 7, address: three },
    ]);
  });

  it('do not bring a link up that gets nothing', () => {
    expect(planLinkRoutes(down, undefined, new Set()).install).toEqual([]);
  });
});

describe('gateways', () => {
  it('are added where they are missing, and taken away only where that is allowed', () => {
    const add = [{ kind: 'local-add', address: three }];
    expect(planGateways([three], new Set([four]), false)).toEqual({ withdraw: [], install: add });
    expect(planGateways([three], new Set([four]), true).withdraw).toEqual([{ kind: 'local-del', address: four }]);
    expect(planGateways([three], new Set([three]), true)).toEqual({ withdraw: [], install: [] });
  });
});

describe('forwarding', () => {
  const uplink = () => ['eth0', 'eth0'];

  it('goes on where it is off, advertisements first, and is left alone where it is on', () => {
    const host = new FakeHost();
    host.addLink('eth0');
    const changes = planForwarding(host.sysctl, ['ipv4', 'ipv6'], uplink);
    expect(changes.map(({ path, value }) => `${path.link} ${path.key} ${value}`)).toEqual([
      'all ip_forward 1',
      'eth0 accept_ra 2',
      'all forwarding 1',
    ]);
    for (const { path, value } of changes) host.sysctl.write(path, value);
    expect(planForwarding(host.sysctl, ['ipv4', 'ipv6'], uplink)).toEqual([]);
  });

  it('leaves links alone that refuse advertisements', () => {
    const host = new FakeHost();
    host.addLink('eth0');
    host.sysctl.write({ family: 'ipv6', group: 'conf', link: 'eth0', key: 'accept_ra' }, '0');
    expect(planForwarding(host.sysctl, ['ipv6'], uplink)).toHaveLength(1);
  });

  it('is nothing for a family that the kernel does not have', () => {
    expect(planForwarding(new FakeHost({ ipv6: false }).sysctl, ['ipv6'], uplink)).toEqual([]);
    expect(planForwarding(new FakeHost().sysctl, [], uplink)).toEqual([]);
  });
});

describe('links that may live on router advertisements', () => {
  const route = (device: string, family: Family, maker: string) => ({ device, family, protocol: maker });
  const card = { ifindex: 2, name: 'enp1s0', up: true, bus: 'pci' };
  const others = [
    { ifindex: 1, name: 'lo', up: true },
    { ifindex: 3, name: 'docker0', up: true, kind: 'bridge' },
    { ifindex: 4, name: 'veth1234', up: true, kind: 'veth' },
    { ifindex: 5, name: 'vif7.0', up: true, bus: 'xen-backend' },
    { ifindex: 6, name: 'web0', up: true, bus: 'xen-backend' },
    { ifindex: 7, name: 'enp2s0', up: true, bus: 'pci', master: 'bond0' },
  ];
  const links = [card, ...others];

  it('are uplinks and cards where IPv6 has no other default route, and never what belongs to a guest', () => {
    expect(mayBeAdvertised({ links, defaultRoutes: [], named: [] })).toEqual(['enp1s0']);
    const defaultRoutes = [route('br0', 'ipv4', 'dhcp'), route('vif7.0', 'ipv4', 'static')];
    expect(mayBeAdvertised({ links, defaultRoutes, named: ['bond0'] })).toEqual(['br0', 'bond0', 'enp1s0']);
  });

  it('are only those that do where somebody has given this host a route', () => {
    const defaultRoutes = [route('br0', 'ipv4', 'dhcp'), route('br1', 'ipv6', 'static'), route('br2', 'ipv6', 'ra')];
    expect(mayBeAdvertised({ links, defaultRoutes, named: ['bond0'] })).toEqual(['br2']);
  });
});
