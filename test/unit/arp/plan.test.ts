import { describe, expect, it } from 'vitest';
import { applySysctls } from '../../../src/arp/apply.ts';
import { linkSysctls } from '../../../src/arp/link-sysctls.ts';
import { observeDrift } from '../../../src/arp/observe.ts';
import { planProxies, wantedProxies } from '../../../src/arp/plan.ts';
import { sysctlName } from '../../../src/host/sysctl.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { address, link } from '../nft/support.ts';

const [gateway, three, four] = ['fdd4:1476:6c7e::1', 'fdd4:1476:6c7e::3', 'fdd4:1476:6c7e::4'].map(address) as [
  ReturnType<typeof address>,
  ReturnType<typeof address>,
  ReturnType<typeof address>,
];

describe('neighbour proxies', () => {
  it('are for the gateway and for siblings, not for the zone itself', () => {
    expect(wantedProxies([address('10.75.0.3'), three], gateway, [three, four])).toEqual([gateway, four]);
  });

  it('are none for a zone without IPv6, and none without a gateway', () => {
    expect(wantedProxies([address('10.75.0.3')], gateway, [four])).toEqual([]);
    expect(wantedProxies([three], undefined, [four])).toEqual([]);
  });

  it('are all added again after the link was down', () => {
    const up = { ifindex: 7, name: 'vif7.0', up: true };
    expect(planProxies(up, [gateway, four], new Set([gateway, three]))).toEqual({
      withdraw: [{ kind: 'proxy-del', ifindex: 7, address: three }],
      install: [{ kind: 'proxy-add', ifindex: 7, address: four }],
    });
    expect(planProxies({ ...up, up: false }, [gateway], new Set([gateway])).install).toHaveLength(1);
    expect(planProxies(undefined, [gateway], new Set([three]))).toEqual({ withdraw: [], install: [] });
  });
});

describe("a link's sysctls", () => {
  const name = link('vif7.0');
  const families = ['ipv4', 'ipv6'] as const;

  it('stand in an order that protects dom0 before anything is opened', () => {
    const wanted = linkSysctls(name, { families, antiSpoof: true });
    expect(wanted.map(({ path, value }) => `${sysctlName(path)} = ${value}`)).toMatchInlineSnapshot(`
      [
        "net/ipv6/conf/vif7.0/accept_ra = 0",
        "net/ipv6/conf/vif7.0/autoconf = 0",
        "net/ipv6/conf/vif7.0/accept_redirects = 0",
        "net/ipv6/conf/vif7.0/accept_source_route = 0",
        "net/ipv6/conf/vif7.0/accept_dad = 0",
        "net/ipv6/conf/vif7.0/proxy_ndp = 1",
        "net/ipv6/neigh/vif7.0/proxy_delay = 0",
        "net/ipv4/conf/vif7.0/rp_filter = 1",
        "net/ipv4/conf/vif7.0/accept_redirects = 0",
        "net/ipv4/conf/vif7.0/secure_redirects = 0",
        "net/ipv4/conf/vif7.0/send_redirects = 0",
        "net/ipv4/conf/vif7.0/accept_source_route = 0",
        "net/ipv4/conf/vif7.0/proxy_arp = 1",
        "net/ipv4/neigh/vif7.0/proxy_delay = 0",
        "net/ipv6/conf/vif7.0/disable_ipv6 = 0",
        "net/ipv4/conf/vif7.0/forwarding = 1",
        "net/ipv6/conf/vif7.0/forwarding = 1",
      ]
    `);
  });

  it('protect dom0 from IPv6 also where zones have none, and are then no more than that', () => {
    const groups = linkSysctls(name, { families: ['ipv6'], antiSpoof: true }).map(({ path }) => path.family);
    expect(new Set(groups)).toEqual(new Set(['ipv6']));
    expect(linkSysctls(name, { families: ['ipv4'], antiSpoof: true })).toHaveLength(15);
  });

  it('leave spoofing to nobody to check where that is wished', () => {
    const wanted = linkSysctls(name, { families, antiSpoof: false });
    expect(wanted.find(({ path }) => path.key === 'rp_filter')?.value).toBe('0');
  });

  it('drift by what has another value, and not by what does not exist', () => {
    const host = new FakeHost();
    host.addLink('vif7.0');
    const wanted = linkSysctls(name, { families, antiSpoof: true });
    const drift = observeDrift(host.sysctl, 2, wanted);
    expect(applySysctls(host.sysctl, drift)).toEqual([]);
    expect(observeDrift(host.sysctl, 2, wanted)).toEqual([]);
    host.sysctl.write({ family: 'ipv4', group: 'conf', link: name, key: 'rp_filter' }, '2');
    expect(observeDrift(host.sysctl, 2, wanted)).toMatchObject([{ ifindex: 2, was: '2', value: '1' }]);
    host.deleteLink('vif7.0');
    expect(observeDrift(host.sysctl, 2, wanted)).toEqual([]);
  });

  it('are written as far as they can be, and the rest is told', () => {
    const host = new FakeHost();
    host.addLink('vif7.0');
    const drift = observeDrift(host.sysctl, 2, linkSysctls(name, { families, antiSpoof: true }));
    const error = new ProtectNetworkError('permission', 'read-only file system');
    host.failNext('sysctl.write', error);
    expect(applySysctls(host.sysctl, drift)).toEqual([{ change: drift[0], error }]);
    expect(observeDrift(host.sysctl, 2, drift)).toHaveLength(1);
  });
});
