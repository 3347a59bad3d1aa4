/** A link of the host's own that is called like zones' is left alone, and nothing else that ever bears its name is. */
import { describe, expect, it } from 'vitest';
import { type Family, families } from '../../src/model/address.ts';
import { farHost, gateway, hostUplink, netbackMac } from '../lab/addresses.ts';
import { ipBatch } from '../lab/command.ts';
import { freshNamespaceLines } from '../lab/fresh-namespace.ts';
import { Namespace, sysctlLine } from '../lab/namespace.ts';
import { ping } from '../lab/ping.ts';
import { isCutOff, reaches, type Scene, untilState, withScene } from '../lab/served.ts';
import { farIndex, withoutDad } from '../lab/topology.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';

const neighbour = { ipv4: '172.30.0.9', ipv6: '2001:db8:30::9' };
const nobodys = { ipv4: '203.0.113.9', ipv6: '2001:db8:9::9' };
const bridge = { ipv4: '172.30.0.1', ipv6: '2001:db8:30::1' };

/** A bridge of the host's with somebody behind it, who is routed as any other network is. */
async function addBridge({ prefix, host, internet }: World): Promise<void> {
  const lan = lanOf(prefix);
  await ipBatch([
    ...freshNamespaceLines(lan.name),
    `link add eth0 ${farIndex} netns ${lan.name} type veth peer name port0 netns ${host.name}`,
    sysctlLine(lan.name, withoutDad('eth0')),
  ]);
  await host.ip('link add vifbr0 type bridge');
  await host.setSysctls(withoutDad('vifbr0'));
  await host.ip(
    `address add ${bridge.ipv4}/24 dev vifbr0`,
    `address add ${bridge.ipv6}/64 dev vifbr0 nodad`,
    'link set vifbr0 up',
    'link set port0 master vifbr0 up',
  );
  await lan.ip(
    `address add ${neighbour.ipv4}/24 dev eth0`,
    `address add ${neighbour.ipv6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${bridge.ipv4}`,
    `route add default via ${bridge.ipv6}`,
  );
  await internet.ip(
    `route add 172.30.0.0/24 via ${hostUplink.ipv4}`,
    `route add 2001:db8:30::/64 via ${hostUplink.ipv6}`,
  );
}

function lanOf(prefix: string): Namespace {
  return new Namespace(`${prefix}-lan`);
}

const denials = { isolation: { 'zone-to-zone': 'deny', metadata: 'deny', host: 'deny' } };

describe.each([
  ['with the defaults', {}],
  ['with everything denied to zones', denials],
])('a bridge vifbr0 of the host’s, %s', (_case, settings) => {
  it('reaches this host, the outside and zones as any other network, and nobody warns of it', () =>
    withScene({ settings, beforeDaemon: addBridge }, async ({ world, daemon, zones }) => {
      const lan = lanOf(world.prefix);
      for (const family of families) {
        expect(await reaches(lan, bridge[family]), `this host, ${family}`).toBe(true);
        expect(await reaches(lan, hostUplink[family]), `its uplink, ${family}`).toBe(true);
        expect(await reaches(lan, farHost[family]), `the outside, ${family}`).toBe(true);
        expect(await reaches(world.internet, neighbour[family]), `from the outside, ${family}`).toBe(true);
        expect(await reaches(zones[0], neighbour[family]), `from a zone, ${family}`).toBe(true);
        expect(await reaches(lan, zones[0][family]), `a zone, ${family}`).toBe(true);
        expect(await reaches(zones[0], zones[1][family]), `zone to zone, ${family}`).toBe(settings !== denials);
      }
      expect((await daemon.status()).warnings.filter((text) => text.includes('vifbr0'))).toEqual([]);
      expect((await world.cli(['doctor'])).stdout).not.toContain('vifbr0');
      expect((await world.cli(['explain', 'vif7.0', '--to', neighbour.ipv4])).exitCode).toBe(0);
      // What a zone sends there leaves under this host's address, as by any uplink.
      await lan.mustExec('nft', [
        'add table inet lab; add chain inet lab in { type filter hook input priority 0; }; add rule inet lab in ip saddr 10.75.0.0/16 counter drop',
      ]);
      expect(await reaches(zones[0], neighbour.ipv4)).toBe(true);
    }));

  it('has no say in zones’ addresses, and zones may forge none towards it', () =>
    withScene({ settings, beforeDaemon: addBridge }, async ({ world, zones }) => {
      const lan = lanOf(world.prefix);
      for (const family of families) {
        const length = family === 'ipv4' ? 32 : 128;
        const nodad = family === 'ipv4' ? '' : ' nodad';
        await lan.ip(`address add ${zones[1][family]}/${length} dev eth0${nodad}`);
        expect(await isCutOff(lan, bridge[family], zones[1][family]), family).toBe(true);
        await zones[0].ip(`address add ${neighbour[family].replace(/9$/, '77')}/${length} dev eth0${nodad}`);
        expect(await isCutOff(zones[0], neighbour[family], neighbour[family].replace(/9$/, '77')), family).toBe(true);
      }
    }));
});

it('is left alone when it comes later, and guarded again under its name when it is gone', () =>
  withScene({}, async (scene) => {
    const { world } = scene;
    await addBridge(world);
    const lan = lanOf(world.prefix);
    await waitFor(() => reaches(lan, bridge.ipv4), { what: 'the bridge to be left alone' });
    await world.host.ip('link del vifbr0');
    await waitFor(async () => !(await rules(scene)).includes('vifbr0'), { what: 'the rules to forget it' });
  }));

it('does not open its name to a guest’s link, also while no daemon sees it come', () =>
  withScene({ beforeDaemon: addBridge }, async (scene) => {
    const { world, daemon, zones } = scene;
    expect(await rules(scene)).toContain('vifbr0');
    await daemon.kill();
    await world.host.ip(
      'link del vifbr0',
      'link set vif7.0 down',
      'link set vif7.0 name vifbr0',
      'link set vifbr0 up',
      ...families.map((family) => `route add ${nobodys[family]} dev vifbr0`),
    );
    await world.internet.ip(...families.map((family) => `route add ${nobodys[family]} via ${hostUplink[family]}`));
    // A link that goes down loses its proxies: the gateway is found without them.
    await zones[0].ip(
      ...families.map((family) => `neigh replace ${gateway[family]} lladdr ${netbackMac} dev eth0 nud permanent`),
    );
    await zones[0].ip(`address add ${nobodys.ipv4}/32 dev eth0`, `address add ${nobodys.ipv6}/128 dev eth0 nodad`);
    const answered = (family: Family, to: string) =>
      ping(zones[0], to, { count: 2, timeoutMs: 300, source: nobodys[family] }).then(({ received }) => received > 0);
    for (const family of families) {
      expect(await answered(family, farHost[family]), `the outside, ${family}`).toBe(false);
      expect(await answered(family, hostUplink[family]), `this host, ${family}`).toBe(false);
    }
    // The control: it is the rules that keep it from that.
    await world.host.nft('flush ruleset');
    for (const family of families)
      await waitFor(() => answered(family, farHost[family]), { what: `an answer by ${family}` });
  }));

it('is no tap, which may be a guest’s emulated card', () =>
  withScene({ beforeDaemon: ({ host }) => host.ip('tuntap add dev viftap mode tap') }, async (scene) => {
    expect(await rules(scene)).not.toContain('viftap');
    expect((await scene.daemon.status()).warnings.join()).toContain('viftap is filtered like a link of zones');
    await untilState(scene.daemon, 'vif7.0');
  }));

function rules({ world }: Scene): Promise<string> {
  return world.host.mustExec('nft', ['list', 'ruleset']);
}
