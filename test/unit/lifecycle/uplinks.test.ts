/** This host's own IPv6 outlives that we switch forwarding on. */
import { describe, expect, it } from 'vitest';
import { Mirror } from '../../../src/lifecycle/mirror.ts';
import { emptyPlan } from '../../../src/lifecycle/pass-plan.ts';
import { Uplinks } from '../../../src/lifecycle/uplinks.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { configOf, startWorld } from './support.ts';

const forwardingIpv6 = { family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' } as const;
const advertisements = (host: FakeHost, link: string) =>
  host.sysctl.read({ family: 'ipv6', group: 'conf', link, key: 'accept_ra' });

describe('a link that takes router advertisements', () => {
  it('goes on with it though none has come yet, where it is a card, and not where it is a guest’s', async () => {
    const host = new FakeHost();
    host.addLink('enp1s0', { bus: 'pci' });
    host.addLink('docker0', { kind: 'bridge' });
    host.addLink('web0', { bus: 'xen-backend' });
    const world = await startWorld({ host });
    expect(world.has('ipv6/conf/all/forwarding = 1')).toBe(true);
    expect(['enp1s0', 'docker0', 'web0'].map((link) => advertisements(host, link))).toEqual(['2', '1', '1']);
  });

  it('goes on with it where it comes later, and is a card or named in the settings', async () => {
    const config = configOf();
    const uplink = { ...config.settings.uplink, interfaces: ['wan'] };
    const world = await startWorld({ config: { ...config, settings: { ...config.settings, uplink } } });
    world.host.addLink('enp2s0', { bus: 'usb' });
    world.host.addLink('wan', { kind: 'veth' });
    world.host.addLink('web0', { bus: 'xen-backend' });
    world.host.addLink('veth1', { kind: 'veth' });
    await world.settle();
    expect(['enp2s0', 'wan', 'web0', 'veth1'].map((link) => advertisements(world.host, link))).toEqual([
      '2',
      '2',
      '1',
      '1',
    ]);
  });

  it('is not forgotten where it comes while a plan for another is applied, or where a plan could not be', async () => {
    const host = new FakeHost();
    const mirror = new Mirror();
    await mirror.observeAll(host);
    const uplinks = new Uplinks(host, mirror, () => configOf());
    const comes = async (name: string) => {
      const ifindex = host.addLink(name, { bus: 'pci' });
      const link = (await host.rtnetlink.links()).find((each) => each.ifindex === ifindex);
      if (link !== undefined) uplinks.heard({ kind: 'link', link, deleted: false });
    };
    const planned = () => {
      const forwarding = uplinks.plan(['ipv6']);
      uplinks.passed({ ...emptyPlan, forwarding });
      return forwarding.map(({ path }) => `${path.link} ${path.key}`);
    };
    for (const { path, value } of uplinks.plan(['ipv6'])) host.sysctl.write(path, value);
    uplinks.passed({ ...emptyPlan, forwarding: [{ path: forwardingIpv6, value: '1', was: '0' }] });
    await comes('enp2s0');
    const plan = uplinks.plan(['ipv6']);
    await comes('enp3s0');
    uplinks.passed({ ...emptyPlan, forwarding: plan });
    expect(planned()).toEqual(['enp2s0 accept_ra', 'enp3s0 accept_ra']);
    for (const { path, value } of plan) host.sysctl.write(path, value);
    expect(planned()).toEqual(['enp3s0 accept_ra']);
  });

  it('is left alone where somebody else had switched forwarding on', async () => {
    const host = new FakeHost();
    host.sysctl.write({ family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' }, '1');
    host.addLink('enp1s0', { bus: 'pci' });
    const world = await startWorld({ host });
    world.host.addLink('enp2s0', { bus: 'pci' });
    await world.settle();
    expect(['enp1s0', 'enp2s0'].map((link) => advertisements(host, link))).toEqual(['1', '1']);
  });
});
