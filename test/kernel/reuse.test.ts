/** An address that gets a new zone: nothing meant for the old one reaches it, whoever began to talk. */
import { describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { type Pair, sendDatagrams } from '../lab/datagrams.ts';
import { addServedZone, reaches, type Scene, untilForgotten, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

/** How zone 7 gives its addresses away; returns the zone that has them then, served. */
const handovers: Record<string, (scene: Scene) => Promise<Zone>> = {
  'whose old zone died': async ({ world, daemon, zones: [old] }) => {
    await old.remove();
    await untilForgotten(daemon, old.link);
    return addServedZone(world, daemon, sameAddresses(old));
  },
  'whose old zone lives on without it': async ({ world, daemon, zones: [old] }) => {
    const fresh = await world.addZone(sameAddresses(old));
    await world.removeZoneFile(old.link);
    await untilState(daemon, old.link, 'unserved');
    await world.declareZone(fresh);
    await untilState(daemon, fresh.link);
    return fresh;
  },
  'whose new zone has the old one’s link name too': async ({ world, daemon, zones: [old] }) => {
    await old.remove();
    return reborn(world, old, daemon);
  },
  'whose old zone died while the daemon was down': async ({ world, daemon, zones: [old] }) => {
    await daemon.kill();
    await old.remove();
    const fresh = await world.addZone(sameAddresses(old));
    await world.declareZone(fresh);
    await untilState(await world.startDaemon(), fresh.link);
    return fresh;
  },
  'whose new zone got the old one’s link name while the daemon was down': async ({ world, daemon, zones: [old] }) => {
    await daemon.kill();
    await old.remove();
    return reborn(world, old);
  },
  'that was handed over while the daemon was down': async ({ world, daemon, zones: [old] }) => {
    await daemon.kill();
    const fresh = await world.addZone(sameAddresses(old));
    await world.removeZoneFile(old.link);
    await world.declareZone(fresh);
    await untilState(await world.startDaemon(), fresh.link);
    return fresh;
  },
  'between whose zones the daemon was killed': async ({ world, daemon, zones: [old] }) => {
    await old.remove();
    await daemon.kill();
    const next = await world.startDaemon();
    await untilForgotten(next, old.link);
    await next.kill();
    const fresh = await world.addZone(sameAddresses(old));
    await world.declareZone(fresh);
    await untilState(await world.startDaemon(), fresh.link);
    return fresh;
  },
};

describe.each(Object.entries(handovers))('an address %s', (_name, handOver) => {
  it('does not bring the new one the old one’s packets', () =>
    withScene({ routeBack: true }, async (scene) => {
      const {
        world,
        zones: [old],
      } = scene;
      await beginFlows(world, old);
      await admitNoNewOnes(world);
      await count(old);
      await goOn(world, old);
      // While the old one lives, each flow's packets do arrive: what follows is not for want of sending.
      expect(await counted(old)).toEqual(Object.fromEntries(families.flatMap((family) => flowsOf(family, 1))));

      const fresh = await handOver(scene);
      await count(fresh);
      await goOn(world, fresh);
      expect(await reaches(fresh, farHost.ipv4)).toBe(true);
      expect(await reaches(fresh, farHost.ipv6)).toBe(true);
      expect(await counted(fresh)).toEqual(Object.fromEntries(families.flatMap((family) => flowsOf(family, 0))));
    }));
});

const families = ['ipv4', 'ipv6'] as const;

/** UDP ports. `outward`: the zone asked; `forwarded`: by a port of the host's; `routed`: by the zone's own address. */
const ports = {
  outward: { zone: 5555, outside: 9999 },
  forwarded: { zone: 7001, host: 6001, outside: 40_001 },
  routed: { zone: 7002, outside: 40_002 },
};

function flowsOf(family: string, packets: number): [string, number][] {
  return Object.keys(ports).map((flow) => [`${family} ${flow}`, packets]);
}

/** A datagram and its answer in each flow, so that the host knows the connections. */
async function beginFlows(world: World, zone: Zone): Promise<void> {
  const { outward, forwarded, routed } = ports;
  await world.host.nft(
    `add table inet lab; add chain inet lab ports { type nat hook prerouting priority dstnat; };
     add rule inet lab ports iifname uplink0 meta nfproto ipv4 udp dport ${forwarded.host} dnat ip to ${zone.ipv4}:${forwarded.zone};
     add rule inet lab ports iifname uplink0 meta nfproto ipv6 udp dport ${forwarded.host} dnat ip6 to [${zone.ipv6}]:${forwarded.zone}`,
  );
  await sendDatagrams(world.internet, begunOutside(zone));
  const answered = families.flatMap((family) =>
    [outward, forwarded, routed].map(
      (port): Pair => [
        [String(zone[family]), port.zone],
        [farHost[family], port.outside],
      ],
    ),
  );
  await sendDatagrams(zone, answered);
}

/** The operator closes the door behind them: only what the host remembers comes in from now on. */
async function admitNoNewOnes(world: World): Promise<void> {
  await world.host.nft('delete table inet lab');
  for (const iptables of ['iptables-nft', 'ip6tables-nft']) {
    const rule = ['-A', 'EDERA-USER', '-i', 'uplink0', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'DROP'];
    await world.host.mustExec(iptables, rule);
  }
}

/** Another datagram from the outside in each flow. */
async function goOn(world: World, zone: Zone): Promise<void> {
  const { outward } = ports;
  const answers = families.map(
    (family): Pair => [
      [farHost[family], outward.outside],
      // The masqueraded port is the zone's own: nothing else on this host had it.
      [hostUplink[family], outward.zone],
    ],
  );
  await sendDatagrams(world.internet, [...answers, ...begunOutside(zone)]);
}

/** What the outside sends in the flows that it has begun. */
function begunOutside(zone: Zone): Pair[] {
  const { forwarded, routed } = ports;
  return families.flatMap((family): Pair[] => [
    [
      [farHost[family], forwarded.outside],
      [hostUplink[family], forwarded.host],
    ],
    [
      [farHost[family], routed.outside],
      [String(zone[family]), routed.zone],
    ],
  ]);
}

/** Another zone, on another link. */
function sameAddresses({ ipv4, ipv6 }: Zone) {
  return { domid: 9, ipv4: ipv4 ?? null, ipv6: ipv6 ?? null };
}

/** Another zone on a link of the old one's name. Its file is there already; the link is another by its index. */
async function reborn(world: World, old: Zone, running?: Daemon): Promise<Zone> {
  const fresh = await world.addZone({ ...sameAddresses(old), domid: 7 });
  const [row] = JSON.parse(await world.host.mustExec('ip', ['-j', 'link', 'show', fresh.link])) as {
    ifindex: number;
  }[];
  const daemon = running ?? (await world.startDaemon());
  await waitFor(
    async () => {
      const { zones } = await daemon.status();
      return zones.some(({ ifindex, state }) => ifindex === row?.ifindex && state === 'ready');
    },
    { what: `${fresh.link} to be ready again`, deadlineMs: 15_000 },
  );
  return fresh;
}

/** Counts, ahead of everything, what comes of each flow from now on. */
async function count(zone: Zone): Promise<void> {
  const rules = families.flatMap((family) =>
    Object.entries(ports).map(([flow, { zone: port, outside }]) => {
      const match = `meta nfproto ${family} udp sport ${outside} udp dport ${port}`;
      return `add rule inet lab in ${match} counter comment "${family} ${flow}"`;
    }),
  );
  const chain = 'add chain inet lab in { type filter hook prerouting priority -300; }';
  await zone.mustExec('nft', [['add table inet lab', chain, ...rules].join('; ')]);
}

/** Datagrams by `family flow`. */
async function counted(zone: Zone): Promise<Record<string, number>> {
  const listing = await zone.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'in']);
  const lines = listing.matchAll(/counter packets (\d+) .* comment "([^"]+)"/g);
  return Object.fromEntries([...lines].map(([, packets, flow]) => [String(flow), Number(packets)]));
}
