/** Forgeries that carry an honest source, or none that a rule behind defragmentation could see. */
import { beforeEach, describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { isRefused, listenForDatagrams } from '../lab/datagrams.ts';
import { icmp, quoted, type RawSender, rawSender, udp } from '../lab/raw-packet.ts';
import { isCutOff, openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const port = 4711;

let scene: Scene;
let send: RawSender;
beforeEach(async () => {
  scene = await openScene({});
  send = await rawSender(scene.world);
  return () => scene.world.destroy();
});

describe('a forged fragment', () => {
  it('is never put together with a sibling’s own', async () => {
    const [attacker, victim] = scene.zones;
    const listener = await listenForDatagrams(scene.world.internet, [farHost.ipv4, port]);
    const heard = () => listener.stdout.join('\n');
    const source = String(victim.ipv4);
    const whole = udp(1, port, Buffer.from('genuine!genuine\n'));
    const common = { source, destination: farHost.ipv4, protocol: 'udp' } as const;
    const head = { ...common, offset: 0, moreFragments: true, payload: whole.subarray(0, 16) };
    const tail = { ...common, offset: 16, moreFragments: false, payload: whole.subarray(16) };
    await reaches(victim, farHost.ipv4);
    await reaches(attacker, farHost.ipv4);
    for (let id = 100; id < 110; id += 1) {
      await send(attacker, { ...tail, id, payload: Buffer.from('forged!\n') });
      await send(victim, { ...head, id });
    }
    // The control: the victim's own two halves arrive, and behind everything that could have come before.
    await send(victim, { ...head, id: 200 });
    await send(victim, { ...tail, id: 200 });
    await waitFor(async () => heard().includes('genuine!genuine'), { what: 'the whole datagram' });
    expect(heard()).not.toContain('forged');
    expect(await spoofs(attacker.link)).toBeGreaterThanOrEqual(10);
  });
});

describe('a source that changes in dom0 as packets leave defragmentation', () => {
  it.each(['ipv4', 'ipv6'] as const)('counts as a forgery, and is logged (%s)', async (family) => {
    const { world, daemon, zones } = scene;
    const [zone] = zones;
    const [table, icmpName, other] =
      family === 'ipv4' ? ['ip', 'icmp', '10.75.0.99'] : ['ip6', 'icmpv6', 'fdd4:1476:6c7e::99'];
    await world.host.nft(
      `add table ${table} lab; add chain ${table} lab change { type filter hook prerouting priority -400; }; add rule ${table} lab change iifname "${zone.link}" ${icmpName} type echo-request ${table} saddr set ${other}`,
    );
    // Forwarded, and to dom0 itself.
    for (const to of [farHost[family], hostUplink[family]]) expect(await isCutOff(zone, to), to).toBe(true);
    expect(await spoofs(zone.link)).toBe(4);
    const line = await daemon.waitForLog(({ msg }) =>
      String(msg).startsWith(`${zone.link}: dropped packet with spoofed source `),
    );
    expect(line['msg']).toContain(`source ${other} (to `);
  });
});

it('a packet that comes in fragments counts once as sent by its zone', async () => {
  const { daemon, zones } = scene;
  const [zone] = zones;
  const sent = async () => (await daemon.status()).zones.find(({ link }) => link === zone.link)?.sent?.packets ?? 0;
  await reaches(zone, farHost.ipv4);
  const before = await sent();
  await zone.mustExec('ping', ['-c', '1', '-W', '5', '-s', '4000', farHost.ipv4]);
  expect((await sent()) - before).toBe(1);
});

describe('an ICMP error of a zone', () => {
  const inner = quoted(hostUplink.ipv4, farHost.ipv4, 'icmp', Buffer.from([0, 0, 0, 0, 1, 2, 3, 4]));

  it('about a connection that is not its own changes no route of dom0', async () => {
    const { world, zones } = scene;
    const [zone] = zones;
    for (let id = 1; id <= 4; id += 1) {
      await send(zone, {
        ...{ source: String(zone.ipv4), destination: hostUplink.ipv4, id, offset: 0, moreFragments: false },
        ...{ protocol: 'icmp', payload: icmp(3, 4, 552, inner) },
      });
    }
    await waitFor(async () => (await foreignErrors(zone.link)) >= 4, { what: 'the errors to be dropped' });
    const route = await world.host.mustExec('ip', ['route', 'get', farHost.ipv4]);
    expect(route).not.toMatch(/mtu|expires/);
  });

  it('about its own connection is heard: a closed port is refused, not silent', async () => {
    const [zone] = scene.zones;
    expect(await isRefused(scene.world.host, [String(zone.ipv4), 9])).toBe(true);
    expect(await foreignErrors(zone.link)).toBe(0);
  });
});

it('dom0’s loopback addresses are out of reach, whatever route_localnet says', async () => {
  const { world, zones } = scene;
  const [zone] = zones;
  await world.host.setSysctls({ 'net/ipv4/conf/all/route_localnet': 1 });
  await zone.setSysctls({ 'net/ipv4/conf/all/route_localnet': 1 });
  // The zone's own kernel would keep such packets to itself: its local table is asked last here.
  await zone.ip(
    'rule add pref 100 lookup local',
    'rule del pref 0 lookup local',
    'rule add pref 10 to 127.0.0.9 lookup main',
    `route add 127.0.0.9/32 via 10.75.0.1 dev eth0 onlink src ${zone.ipv4}`,
  );
  expect(await isCutOff(zone, '127.0.0.9', String(zone.ipv4))).toBe(true);
});

it('an address of the subnet that nobody has does not leave by the uplink', async () => {
  const { world, zones } = scene;
  const [zone] = zones;
  await world.internet.mustExec('nft', [
    'add table inet lab; add chain inet lab in { type filter hook prerouting priority -300; }; add rule inet lab in ip daddr 10.75.0.0/16 counter',
  ]);
  expect(await isCutOff(zone, '10.75.7.7')).toBe(true);
  expect(await world.internet.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'in'])).toContain('packets 0 ');
  expect(await reaches(zone, farHost.ipv4)).toBe(true);
});

async function spoofs(link: string): Promise<number> {
  const { zones } = await scene.daemon.status();
  return zones.find((zone) => zone.link === link)?.spoofed?.packets ?? 0;
}

/** ICMP errors of the zone's that were dropped. */
async function foreignErrors(link: string): Promise<number> {
  const { zones } = await scene.daemon.status();
  return zones.find((zone) => zone.link === link)?.dropped.error?.packets ?? Number.NaN;
}
