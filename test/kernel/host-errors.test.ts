/** ICMP errors of dom0's own: to the zone whose packet they are about, by its own link, and to nobody else. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Family, families } from '../../src/model/address.ts';
import { farHost, hostUplink, internetGateway, netbackMac } from '../lab/addresses.ts';
import { ethernet, etherTypes, extension, ipv4, ipv6, protocols, udp } from '../lab/frames/packets.ts';
import { type FrameTools, frameTools } from '../lab/frames/tools.ts';
import type { Namespace } from '../lab/namespace.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

/** On the uplink's subnet; nobody has it. */
const nobody = { ipv4: '192.0.2.200', ipv6: '2001:db8::200' };
const nft = { ipv4: 'ip', ipv6: 'ip6' } as const;

let scene: Scene;
let tools: FrameTools;
beforeEach(async () => {
  scene = await openScene({ routeBack: true });
  const { world, zones } = scene;
  tools = await frameTools(world);
  for (const place of [...zones, world.internet]) await countErrors(place);
  return () => world.destroy();
});

describe.each(families)('an error of dom0’s own (%s)', (family) => {
  const flag = family === 'ipv4' ? '-4' : '-6';
  it('reaches the zone that it is about', async () => {
    const { zones } = scene;
    const { stdout } = await zones[0].exec('ping', [flag, '-c', '1', '-W', '5', '-t', '1', farHost[family]]);
    expect(stdout).toMatch(/Time to live exceeded|Hop limit/);
    expect(await errorsAt(zones[0])).toBe(1);
    expect(await refused()).toBe(0);
  });

  it('reaches the zone also where the packet was translated already: nobody is there on the uplink', async () => {
    const { stdout } = await scene.zones[0].exec('ping', [flag, '-c', '1', '-W', '8', nobody[family]]);
    expect(stdout).toMatch(/Unreachable|unreachable/);
    expect(await refused()).toBe(0);
  });

  it('reaches the outside that asked', async () => {
    const { world, zones } = scene;
    const to = String(zones[0][family]);
    const { stdout } = await world.internet.exec('ping', [flag, '-c', '1', '-W', '5', '-t', '1', to]);
    expect(stdout).toMatch(/Time to live exceeded|Hop limit/);
  });

  it('about a zone’s packet goes to no other source that somebody gave the packet, and asks for no neighbour', async () => {
    const { world, daemon, zones } = scene;
    const [zone, sibling] = zones;
    // What is taken away here stays away.
    process.kill(daemon.pid, 'SIGSTOP');
    await world.host.setSysctls({ [`net/ipv4/conf/${zone.link}/rp_filter`]: 0 });
    let dropped = 0;
    for (const source of [String(sibling[family]), farHost[family], nobody[family]]) {
      await changeSource(family, source);
      await sendWithOneHop(family);
      dropped += 1;
      await waitFor(async () => (await refused()) === dropped, { what: `the error to ${source} to be dropped` });
    }
    for (const place of [sibling, world.internet]) expect(await errorsAt(place), place.name).toBe(0);
    expect(await world.host.mustExec('ip', [flag, 'neigh', 'show', nobody[family]])).toBe('');
    process.kill(daemon.pid, 'SIGCONT');
  });

  it('does not leave by the uplink where somebody routes the zone’s address there', async () => {
    const { world, zones } = scene;
    const [zone] = zones;
    // Errors only: what the zone sends must not seem to come from the wrong side.
    const protocol = family === 'ipv4' ? 'icmp' : 'ipv6-icmp';
    const route = `route add default via ${internetGateway[family]} dev uplink0 table 100`;
    const rule = `rule add pref 50 to ${zone[family]} ipproto ${protocol} lookup 100`;
    for (const line of [route, rule]) await world.host.mustExec('ip', [flag, ...line.split(' ')]);
    await sendWithOneHop(family);
    await waitFor(async () => (await refused()) >= 1, { what: 'the error to be dropped' });
    expect(await errorsAt(world.internet)).toBe(0);
  });
});

it('dom0 does not answer what it reads ahead of every rule: options for every hop that it does not know', async () => {
  const { world, zones } = scene;
  const ends = [String(zones[0].ipv6), hostUplink.ipv6] as const;
  // An option of no known kind; who does not know it says so to the sender (RFC 8200 4.2).
  const inner = extension(
    protocols.hopByHop,
    Buffer.from([0x9e, 4, 0, 0, 0, 0]),
    udp(4710, 4711, Buffer.alloc(8), ends),
  );
  await send('ipv6', ipv6(...ends, inner));
  await waitFor(async () => (await refused()) >= 1, { what: 'the answer to be dropped' });
  for (const place of [...zones, world.internet]) expect(await errorsAt(place), place.name).toBe(0);
});

/** What dom0 would have to forward, and may not any further. */
async function sendWithOneHop(family: Family): Promise<void> {
  const ends = [String(scene.zones[0][family]), farHost[family]] as const;
  const inner = udp(4710, 4711, Buffer.alloc(8), ends);
  await send(family, family === 'ipv4' ? ipv4(...ends, inner, { ttl: 1 }) : ipv6(...ends, inner, { hopLimit: 1 }));
}

/** From the first zone. */
async function send(family: Family, packet: Buffer): Promise<void> {
  const [zone] = scene.zones;
  const mac = (await zone.mustExec('cat', ['/sys/class/net/eth0/address'])).trim();
  await tools.send(zone, [ethernet(netbackMac, mac, etherTypes[family], packet)]);
}

/** What dom0 did not let out, in both chains. */
async function refused(): Promise<number> {
  const { host } = scene.world;
  const texts = await Promise.all(
    ['host-errors', 'output-errors'].map((chain) => host.mustExec('nft', ['list', 'chain', 'inet', 'edera', chain])),
  );
  return packetsIn(texts.join());
}

async function countErrors(place: Namespace): Promise<void> {
  await place.mustExec('nft', [
    [
      'add table inet lab',
      'add chain inet lab errors { type filter hook prerouting priority -300; }',
      'add rule inet lab errors icmp type { destination-unreachable, time-exceeded, parameter-problem } counter',
      'add rule inet lab errors icmpv6 type < echo-request counter',
    ].join('; '),
  ]);
}

async function errorsAt(place: Namespace): Promise<number> {
  return packetsIn(await place.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'errors']));
}

function packetsIn(listing: string): number {
  return [...listing.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** Behind connection tracking (-200), which goes on knowing whose the packet is. */
async function changeSource(family: Family, source: string): Promise<void> {
  const table = `${nft[family]} lab`;
  const rule = `iifname "vif7.0" ${nft[family]} saddr set ${source}`;
  await scene.world.host.nft(
    `add table ${table}; delete table ${table}; add table ${table}; add chain ${table} change { type filter hook prerouting priority -150; }; add rule ${table} change ${rule}`,
  );
}
