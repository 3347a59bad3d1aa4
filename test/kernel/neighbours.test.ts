/** What zones say to ARP and neighbour discovery teaches dom0 nothing, fills nothing, and hijacks nobody. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Arena, openArena } from '../attacks/arena.ts';
import { fromZone } from '../attacks/attack.ts';
import { changes, stateOf } from '../attacks/state.ts';
import { farHost, gateway, hostUplink } from '../lab/addresses.ts';
import { addressBytes, arp, etherTypes, icmpv6, ipv6, macBytes } from '../lab/frames/packets.ts';
import { reaches, untilState } from '../lab/served.ts';

const flood = 3000;

let arena: Arena;
beforeAll(async () => {
  arena = await openArena('ours');
  return () => arena.destroy();
});

describe('dom0’s neighbour table', () => {
  // The kernel's table holds 1024 entries for the whole machine: unbounded, 1016 of 5000 such frames' senders stayed in it.
  it('takes few of the senders that a zone makes up in neighbour solicitations, and siblings are still found', async () => {
    const { world, zones, tools, cast, daemon } = arena.parts;
    const frames = Array.from({ length: flood }, (_, place) => {
      const ends = [`fe80::7:${(place + 1).toString(16)}`, gateway.ipv6] as const;
      const option = Buffer.concat([Buffer.from([1, 1]), macBytes(cast.zone.mac)]);
      const question = icmpv6(ends, 135, 0, 0, Buffer.concat([addressBytes(gateway.ipv6), option]));
      return fromZone(cast, ipv6(...ends, question, { hopLimit: 255 }));
    });
    await tools.send(zones[0], frames);
    expect((await neighbours(zones[0].link)).length).toBeLessThan(60);
    await world.host.ip(`neighbour del ${zones[1].ipv6} dev ${zones[1].link}`);
    expect(await reaches(world.host, zones[1].ipv6)).toBe(true);
    expect(await reaches(zones[1], farHost.ipv6)).toBe(true);
    // The attacker's own way to dom0 is not lost either.
    expect(await reaches(zones[0], farHost.ipv6)).toBe(true);
    if (daemon !== undefined) await untilState(daemon, zones[0].link);
  });

  it('takes none of the senders that a zone makes up in ARP requests', async () => {
    const { zones, tools, cast } = arena.parts;
    const frames = Array.from({ length: flood }, (_, place) => {
      const sender = [cast.zone.mac, `10.75.${100 + (place >> 8)}.${place & 255}`] as const;
      const target = ['00:00:00:00:00:00', gateway.ipv4] as const;
      return fromZone(cast, arp({ operation: 'request', sender, target }), etherTypes.arp);
    });
    await tools.send(zones[0], frames);
    expect((await neighbours(zones[0].link)).filter((line) => line.startsWith('10.75.1'))).toEqual([
      expect.stringMatching(/^10\.75\.1\.7 /),
    ]);
  });

  async function neighbours(link: string): Promise<string[]> {
    const { host } = arena.parts.world;
    const texts = await Promise.all(
      ['-4', '-6'].map((flag) => host.mustExec('ip', ['-o', flag, 'neigh', 'show', 'dev', link])),
    );
    return texts
      .join('')
      .split('\n')
      .filter((line) => line !== '');
  }
});

describe('dom0’s own addresses on other links', () => {
  it('stay its own when a zone asks for them: nothing changes for dom0, nor for who is on those links', async () => {
    const { world, zones, cast, tools } = arena.parts;
    const uplinkMac = cast.host.mac;
    const before = await stateOf(world.host, cast);
    const questions = [hostUplink.ipv4, cast.nextHop.ipv4, String(zones[1].ipv4)].map((address) => {
      const sender = [cast.zone.mac, String(zones[0].ipv4)] as const;
      const question = arp({ operation: 'request', sender, target: ['00:00:00:00:00:00', address] });
      return fromZone(cast, question, etherTypes.arp);
    });
    await tools.send(zones[0], questions);
    for (const family of ['ipv4', 'ipv6'] as const) await reaches(zones[0], hostUplink[family]);
    expect(changes(before, await stateOf(world.host, cast))).toEqual([]);
    await world.internet.mustExec('ip', ['neighbour', 'flush', 'dev', 'eth0']);
    for (const family of ['ipv4', 'ipv6'] as const)
      expect(await reaches(world.internet, hostUplink[family])).toBe(true);
    const seen = await world.internet.mustExec('ip', ['neighbour', 'show', hostUplink.ipv4, 'dev', 'eth0']);
    expect(seen).toContain(uplinkMac);
  });
});
