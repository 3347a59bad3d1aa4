/** systemd-networkd and NetworkManager, running for real, with and without the files that we ship. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { farHost, hostUplink, internetGateway } from '../lab/addresses.ts';
import { repository } from '../lab/program.ts';
import { addServedZone, reaches, type Scene, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';
import { installNetworkManager } from '../managers/network-manager.ts';
import { installNetworkd } from '../managers/networkd.ts';
import { unpackManagers } from '../managers/packages.ts';

const shipped = (file: string) => readFile(join(repository, 'systemd', file), 'utf8');
/** What images of clouds and installers bring: whatever looks like a network card. */
const everyCard = '[Match]\nType=ether\n[Network]\nDHCP=yes\n';
const everyLink = '[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\n';
const uplink = `[Match]
Name=uplink0
[Network]
Address=${hostUplink.ipv4}/24
Address=${hostUplink.ipv6}/64
Gateway=${internetGateway.ipv4}
Gateway=${internetGateway.ipv6}
IPv6AcceptRA=no
`;

describe('systemd-networkd', () => {
  it('takes zones’ links for cards of its own, which we repair', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      const networkd = await installNetworkd(world, { '20-uplink.network': uplink, '80-ethernet.network': everyCard });
      networkd.start();
      expect(await networkd.verdict(one.link)).toMatch(/^configur/);
      await daemon.waitForLog(({ msg }) => /changed .*; put back after/.test(String(msg)), 30_000);
    }));

  it('leaves them alone with the file that we ship, and their routes and the gateway’s too', () =>
    withScene({ defaultRoute: false }, async (scene) => {
      const { world, daemon, zones } = scene;
      const networkd = await installNetworkd(world, {
        '05-protect-network.network': await shipped('05-protect-network.network'),
        '20-uplink.network': uplink,
        '80-everything.network': everyLink,
      });
      const before = await ours(scene);
      // As at boot: networkd alone brings the uplink's addresses and routes.
      await world.host.ip('address flush dev uplink0');
      networkd.start();
      await untilReaching(zones[0]);
      expect(await networkd.verdict(zones[0].link)).toBe('unmanaged');
      const born = await addServedZone(world, daemon, { domid: 30 });
      expect(await networkd.verdict(born.link)).toBe('unmanaged');
      await networkd.stop();
      networkd.start();
      expect(await networkd.verdict(born.link)).toBe('unmanaged');
      await untilReaching(born);
      await born.remove();
      await waitFor(async () => JSON.stringify(await ours(scene)) === JSON.stringify(before), {
        what: 'the state before',
      });
      expect((await daemon.status()).repairs).toBe(0);
    }));
});

describe('NetworkManager', () => {
  it('takes zones’ links for cards of its own, and their IPv6 routes away, which we repair', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      const manager = await installNetworkManager(world, {});
      manager.start();
      expect(await manager.verdict(one.link)).not.toBe('unmanaged');
      await daemon.waitForLog(({ msg }) => /changed the route .*put back/.test(String(msg)), 30_000);
    }));

  it.each([
    ['', ''],
    [', also where somebody names other devices after us', '[keyfile]\nunmanaged-devices=interface-name:docker*\n'],
  ])('leaves them alone with the file that we ship%s', (_what, later) =>
    withScene({}, async (scene) => {
      const { world, daemon, zones } = scene;
      const manager = await installNetworkManager(world, {
        '05-protect-network.conf': await shipped('05-protect-network.networkmanager.conf'),
        '90-later.conf': later,
      });
      const before = await ours(scene);
      manager.start();
      expect(await manager.verdict(zones[0].link)).toBe('unmanaged');
      const born = await addServedZone(world, daemon, { domid: 30 });
      expect(await manager.verdict(born.link)).toBe('unmanaged');
      await manager.stop();
      manager.start();
      expect(await manager.verdict(born.link)).toBe('unmanaged');
      await untilReaching(born);
      await born.remove();
      await waitFor(async () => JSON.stringify(await ours(scene)) === JSON.stringify(before), {
        what: 'the state before',
      });
      expect((await daemon.status()).repairs).toBe(0);
    }),
  );
});

describe('systemd-sysctl', () => {
  it('with the file that we ship leaves a new link’s rp_filter strict where systemd’s defaults loosen every link', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      const key = `net/ipv4/conf/${one.link}/rp_filter`;
      const { environment, program } = await unpackManagers();
      const loosen = join(world.files.directory, '50-default.conf');
      const file = join(repository, 'systemd/60-protect-network.sysctl.conf');
      await world.host.mustExec('sh', ['-c', 'echo "net.ipv4.conf.*.rp_filter = 2" >"$1"', 'sh', loosen]);
      // As udev calls it for each new link. The daemon sleeps, so that its repair is not what is seen.
      const apply = (...files: string[]) => {
        const command = [program('/lib/systemd/systemd-sysctl'), `--prefix=/net/ipv4/conf/${one.link}`, ...files];
        return world.host.mustExec('env', [...environment, ...command]);
      };
      process.kill(daemon.pid, 'SIGSTOP');
      await apply(loosen);
      expect(await world.host.sysctl(key)).toBe('2');
      await apply(loosen, file);
      expect(await world.host.sysctl(key)).toBe('1');
      expect(await world.host.sysctl('net/ipv4/conf/uplink0/rp_filter')).toBe('0');
    }));
});

async function untilReaching(zone: Zone): Promise<void> {
  await waitFor(async () => (await reaches(zone, farHost.ipv4)) && (await reaches(zone, farHost.ipv6)), {
    what: `${zone.link} to reach the outside`,
    deadlineMs: 30_000,
  });
}

/** All routes with our protocol number, proxies, and what zones' links carry of addresses. */
async function ours({ world: { host } }: Scene): Promise<string[]> {
  const lists = await Promise.all([
    host.mustExec('ip', ['-4', 'route', 'show', 'table', 'all', 'proto', '75']),
    host.mustExec('ip', ['-6', 'route', 'show', 'table', 'all', 'proto', '75']),
    host.mustExec('ip', ['-o', 'address', 'show', 'dev', 'vif7.0']),
    host.mustExec('ip', ['rule']),
  ]);
  return [...lists.flatMap((text) => text.split('\n').map((line) => line.trim())), ...(await host.proxies())];
}
