/** Who may not, does not: forged sources; the operator's rules; what a zone could teach dom0. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { addressBytes, ethernet, etherTypes, icmpv6, ipv6, linkLocalOf } from '../lab/frames/packets.ts';
import { frameTools } from '../lab/frames/tools.ts';
import type { Namespace } from '../lab/namespace.ts';
import { ping } from '../lab/ping.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo, untilState, withScene } from '../lab/served.ts';
import { pause, waitFor } from '../lab/wait-for.ts';
import { withWorld } from '../lab/world.ts';

const linkSettings = fileURLToPath(new URL('../lab/link-settings.ts', import.meta.url));

describe.each(['ipv4', 'ipv6'] as const)('a forged source (%s)', (family) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    await Promise.all([scene.world.internet, scene.zones[1]].map(countEchoRequests));
    return () => scene.world.destroy();
  });

  const sources = {
    ipv4: {
      'free in the subnet': '10.75.0.99',
      'the sibling’s': '10.75.1.8',
      'the gateway’s': gateway.ipv4,
      'dom0’s': hostUplink.ipv4,
      'anybody’s': '8.8.8.8',
    },
    ipv6: {
      'free in the subnet': 'fdd4:1476:6c7e::99',
      'the sibling’s': 'fdd4:1476:6c7e::108',
      'the gateway’s': gateway.ipv6,
      'dom0’s': hostUplink.ipv6,
      'anybody’s': '2001:db8:77::7',
    },
  }[family];

  it('is what the counters would show: the zone’s own address arrives at both', async () => {
    const [one, two] = scene.zones;
    for (const to of [farHost[family], two[family]]) expect(await reaches(one, to)).toBe(true);
    expect(await Promise.all([scene.world.internet, two].map(echoRequests))).toEqual([1, 1]);
  });

  it.each(Object.entries(sources))(
    '%s reaches neither the outside nor a sibling, and is counted',
    async (_name, source) => {
      const [one, two] = scene.zones;
      const places = [scene.world.internet, two];
      // A guest that has its sibling's address reaches that by itself.
      const targets = [farHost[family], String(two[family])].filter((to) => to !== source);
      const before = await Promise.all(places.map(echoRequests));
      const { spoofed } = await untilState(scene.daemon, one.link);
      await one.forge(source);
      for (const to of targets) await ping(one, to, { source, count: 2, timeoutMs: 100 });
      await one.ip(`address del ${source} dev lo`);
      expect(await Promise.all(places.map(echoRequests))).toEqual(before);
      const after = await untilState(scene.daemon, one.link);
      expect((after.spoofed?.packets ?? 0) - (spoofed?.packets ?? 0)).toBeGreaterThanOrEqual(2 * targets.length);
    },
  );

  it('of a zone is not believed when it comes from the outside', async () => {
    const [one, two] = scene.zones;
    const address = family === 'ipv4' ? `${one.ipv4}/32 dev lo` : `${one.ipv6}/128 dev lo nodad`;
    await scene.world.internet.ip(`address add ${address}`);
    const before = await echoRequests(two);
    await ping(scene.world.internet, String(two[family]), { source: String(one[family]), count: 2, timeoutMs: 100 });
    expect(await echoRequests(two)).toBe(before);
  });
});

describe('the operator’s rules', () => {
  it('of the zone-networking document hold, word for word, and are not ours to touch', () =>
    withScene({}, async ({ world, zones: [one, two] }) => {
      await Promise.all([startEchoServer(world.internet), startEchoServer(world.internet, 443)]);
      await world.host.nft('add rule ip filter FORWARD iifname "vif7.0" tcp dport != 443 counter drop');
      await untilNothingToDo(world);
      expect(await tcpConnect(one, farHost.ipv4, 7000, { timeoutMs: 300 })).toMatchObject({ ok: false });
      expect(await tcpConnect(one, farHost.ipv4, 443)).toMatchObject({ ok: true });
      expect(await tcpConnect(two, farHost.ipv4, 7000)).toMatchObject({ ok: true });
      const chain = await world.host.mustExec('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']);
      expect(chain).toMatch(/tcp dport != 443 counter packets [1-9]/);
    }));

  it('that end with a blanket reject do not cut zones off; those before it hold', () =>
    withScene({}, async ({ world, zones: [one, two] }) => {
      await world.host.mustExec('iptables-nft', ['-A', 'FORWARD', '-i', two.link, '-j', 'DROP']);
      await world.host.mustExec('iptables-nft', ['-A', 'FORWARD', '-j', 'REJECT']);
      await untilNothingToDo(world);
      expect(await reaches(one, farHost.ipv4)).toBe(true);
      expect(await isCutOff(two, farHost.ipv4)).toBe(true);
    }));

  it('in EDERA-USER hold, and survive repair and restart', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      await world.host.nft('add rule ip filter EDERA-USER ip daddr 198.51.100.10 counter drop');
      await world.host.nft('flush chain ip filter EDERA-FORWARD');
      await daemon.stop();
      await world.startDaemon();
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
      expect(await reaches(one, '192.0.2.2')).toBe(true);
    }));
});

describe('dom0', () => {
  it('accepts no router advertisements from a zone link before it brings it up', () =>
    withScene({}, async ({ world, daemon }) => {
      const settings = world.host.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', linkSettings]);
      await waitFor(async () => settings.stdout.includes('listening'), { what: 'the listener' });
      const zone = await world.addZone({ domid: 9 });
      expect(await world.host.sysctl(`net/ipv6/conf/${zone.link}/accept_ra`)).toBe('1');
      await world.declareZone(zone);
      await untilState(daemon, zone.link);
      const told = settings.stdout.filter((line) => line.startsWith(`${zone.link} `));
      expect(told[0]).toBe(`${zone.link} down accept_ra 1`);
      expect(told.find((line) => line.includes(' up '))).toBe(`${zone.link} up accept_ra 0`);
    }));

  it('keeps a default route that it has from router advertisements when forwarding goes on', () =>
    withWorld({}, async (world) => {
      const { host } = world;
      await host.ip(
        'route del default via 2001:db8::2 dev uplink0',
        'route add default via 2001:db8::2 dev uplink0 proto ra',
      );
      await world.startDaemon();
      expect(await host.sysctl('net/ipv6/conf/all/forwarding')).toBe('1');
      expect(await host.sysctl('net/ipv6/conf/uplink0/accept_ra')).toBe('2');
    }));

  it('leaves accept_ra of an uplink alone that has its default route by hand, and forwarding where it is on', () =>
    withWorld({}, async (world) => {
      const { host } = world;
      await world.startDaemon();
      expect(await host.sysctl('net/ipv6/conf/uplink0/accept_ra')).toBe('1');
    }));

  it('sends a zone’s IPv6 to the zone, whatever a router advertisement on its uplink calls on-link', () =>
    withScene({}, async ({ world, zones: [one, two] }) => {
      const { host, internet } = world;
      const address = String(one.ipv6);
      await host.setSysctls({ 'net/ipv6/conf/uplink0/accept_ra': 2 });
      const advertisement = await advertisementOf(internet, address);
      const frames = await frameTools(world);
      const learned = () => host.mustExec('ip', ['-6', 'route', 'show', address, 'dev', 'uplink0', 'proto', 'kernel']);
      await waitFor(
        async () => {
          await frames.send(internet, [advertisement]);
          return (await learned()) !== '';
        },
        { what: 'the kernel to take the prefix', everyMs: 100 },
      );
      expect(await host.mustExec('ip', ['-6', 'route', 'get', address])).toContain(`dev ${one.link}`);
      expect(await reaches(two, address)).toBe(true);
      expect(await reaches(one, farHost.ipv6)).toBe(true);
    }));

  // The kernel takes the route without a route event; only an address event tells, and nobody listens to those.
  it('has a zone’s route again after the last address on its link was deleted', () =>
    withScene({}, async ({ world, zones: [one] }) => {
      await world.host.ip(`address add 10.75.0.2/32 dev ${one.link}`);
      await pause(50);
      await world.host.ip(`address del 10.75.0.2/32 dev ${one.link}`);
      await waitFor(async () => (await world.host.mustExec('ip', ['route'])).includes(`${one.ipv4} dev ${one.link}`), {
        what: 'the route',
        deadlineMs: 2000,
      });
      expect(await reaches(one, farHost.ipv4)).toBe(true);
    }));
});

/** From a router, with `address` as an on-link prefix for an hour (RFC 4861 4.2 and 4.6.2). */
async function advertisementOf(place: Namespace, address: string): Promise<Buffer> {
  const mac = (await place.mustExec('cat', ['/sys/class/net/eth0/address'])).trim();
  const ends = [linkLocalOf(mac), 'ff02::1'] as const;
  const hour = [0, 0, 14, 16];
  const prefix = Buffer.concat([Buffer.from([3, 4, 128, 0x80, ...hour, ...hour, 0, 0, 0, 0]), addressBytes(address)]);
  const body = Buffer.concat([Buffer.alloc(8), prefix]);
  const message = icmpv6(ends, 134, 0, Buffer.from([64, 0, 7, 8]), body);
  return ethernet('33:33:00:00:00:01', mac, etherTypes.ipv6, ipv6(...ends, message, { hopLimit: 255 }));
}

async function countEchoRequests(place: Namespace): Promise<void> {
  await place.mustExec('nft', [
    `add table inet lab; add chain inet lab in { type filter hook prerouting priority -300; };
     add rule inet lab in icmp type echo-request counter; add rule inet lab in icmpv6 type echo-request counter`,
  ]);
}

async function echoRequests(place: Namespace): Promise<number> {
  const listing = await place.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'in']);
  return [...listing.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}
