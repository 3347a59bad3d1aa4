import { describe, expect, it } from 'vitest';
import { planForwarding } from '../../../src/routes/forwarding.ts';
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
  const ra = { family: 'ipv6', device: 'eth0', protocol: 'ra' } as const;

  it('goes on where it is off, advertisements first, and is left alone where it is on', () => {
    const host = new FakeHost();
    host.addLink('eth0');
    const changes = planForwarding(host.sysctl, ['ipv4', 'ipv6'], [ra, ra]);
    expect(changes.map(({ path, value }) => `${path.link} ${path.key} ${value}`)).toEqual([
      'all ip_forward 1',
      'eth0 accept_ra 2',
      'all forwarding 1',
    ]);
    for (const { path, value } of changes) host.sysctl.write(path, value);
    expect(planForwarding(host.sysctl, ['ipv4', 'ipv6'], [ra])).toEqual([]);
  });

  it('leaves uplinks alone that do not live on advertisements, or refuse them', () => {
    const host = new FakeHost();
    host.addLink('eth0');
    expect(planForwarding(host.sysctl, ['ipv6'], [{ ...ra, protocol: 'static' }])).toHaveLength(1);
    host.sysctl.write({ family: 'ipv6', group: 'conf', link: 'eth0', key: 'accept_ra' }, '0');
    expect(planForwarding(host.sysctl, ['ipv6'], [ra])).toHaveLength(1);
  });

  it('is nothing for a family that the kernel does not have', () => {
    expect(planForwarding(new FakeHost({ ipv6: false }).sysctl, ['ipv6'], [])).toEqual([]);
    expect(planForwarding(new FakeHost().sysctl, [], [])).toEqual([]);
  });
});
