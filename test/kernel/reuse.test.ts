/** An address that gets a new zone: nothing meant for the old one reaches it. */
import { describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import type { Namespace } from '../lab/namespace.ts';
import { addServedZone, reaches, type Scene, untilForgotten, untilState, withScene } from '../lab/served.ts';
import type { Zone } from '../lab/zone.ts';

/** How zone 7 gives its addresses to zone 9; returns that one, served. */
const handovers: Record<string, (scene: Scene) => Promise<Zone>> = {
  'whose old zone died': async ({ world, daemon, zones: [old] }) => {
    await old.remove();
    await untilForgotten(daemon, old.link);
    return addServedZone(world, daemon, sameAddresses(old));
  },
  'whose old zone died while the daemon was down': async ({ world, daemon, zones: [old] }) => {
    await daemon.kill();
    await old.remove();
    const fresh = await world.addZone(sameAddresses(old));
    await world.declareZone(fresh);
    const next = await world.startDaemon();
    await untilState(next, fresh.link);
    return fresh;
  },
  'whose old zone lives on without it': async ({ world, daemon, zones: [old] }) => {
    const fresh = await world.addZone(sameAddresses(old));
    await world.removeZoneFile(old.link);
    await untilState(daemon, old.link, 'unserved');
    await world.declareZone(fresh);
    await untilState(daemon, fresh.link);
    return fresh;
  },
};

describe.each(Object.entries(handovers))('an address %s', (_name, handOver) => {
  it.each(['ipv4', 'ipv6'] as const)('does not bring the new one the old one’s replies (%s)', (family) =>
    withScene({}, async (scene) => {
      const {
        world,
        zones: [old],
      } = scene;
      const [outside, host] = [farHost[family], hostUplink[family]];
      await send(old, { from: old[family], port: 5555 }, { to: outside, port: 9999 });
      await countFrom(old, 9999);
      // While the old one lives its replies do arrive: port 5555 of the host is its own.
      await send(world.internet, { from: outside, port: 9999 }, { to: host, port: 5555 });
      expect(await counted(old)).toBe(1);

      const fresh = await handOver(scene);
      await countFrom(fresh, 9999);
      await send(world.internet, { from: outside, port: 9999 }, { to: host, port: 5555 });
      expect(await reaches(fresh, outside)).toBe(true);
      expect(await counted(fresh)).toBe(0);
    }),
  );
});

function sameAddresses({ ipv4, ipv6 }: Zone) {
  return { domid: 9, ipv4: ipv4 ?? null, ipv6: ipv6 ?? null };
}

/** One datagram. */
async function send(
  where: Namespace,
  source: { from: string | undefined; port: number },
  target: { to: string; port: number },
): Promise<void> {
  const args = ['-u', '-q', '0', '-s', String(source.from), '-p', String(source.port), target.to, String(target.port)];
  await where.mustExec('nc', args, { input: '?' });
}

/** Counts, ahead of everything, what comes from that UDP port. */
async function countFrom(zone: Zone, port: number): Promise<void> {
  await zone.mustExec('nft', [
    `add table inet lab; add chain inet lab in { type filter hook prerouting priority -300; };
     add rule inet lab in udp sport ${port} counter`,
  ]);
}

async function counted(zone: Zone): Promise<number> {
  const listing = await zone.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'in']);
  return Number(/counter packets (\d+)/.exec(listing)?.[1]);
}
