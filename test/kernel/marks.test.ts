/** Others use bits of the packet mark too: neither do we see theirs as ours, nor they ours as theirs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { flavours, iptables } from '../lab/iptables.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { allWays, openWays, type Ways } from '../lab/ways.ts';

const families = ['ipv4', 'ipv6'] as const;
const ours = '0x10000000/0x10000000';

/** Rules that act on a mark, as their makers write them, and the mark's value and mask. */
const users = [
  [
    'kube-proxy, to masquerade',
    '0x4000/0x4000',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j DROP',
  ],
  ['kube-proxy, to drop', '0x8000/0x8000', '-A FORWARD -m mark --mark 0x8000/0x8000 -j DROP'],
  ['podman', '0x2000/0x2000', '-A FORWARD -m mark --mark 0x2000/0x2000 -j DROP'],
  ['Tailscale, from its link', '0x40000/0xff0000', '-A FORWARD -m mark --mark 0x40000/0xff0000 -j DROP'],
  ['Tailscale, past its routes', '0x80000/0xff0000', '-A FORWARD -m mark --mark 0x80000/0xff0000 -j DROP'],
] as const;

describe('the mark', () => {
  let scene: Scene;
  let ways: Ways;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('of ours is on zones’ packets in FORWARD, and nowhere else', async () => {
    const { host } = scene.world;
    // Our bit, and no other: the kernel's own multicast reports carry odd marks (0xd4 seen on 6.18).
    const anywhereElse = ['PREROUTING', 'POSTROUTING'];
    for (const family of families) {
      await iptables(host, family, [
        `-I FORWARD -m mark --mark ${ours}`,
        ...anywhereElse.map((chain) => `-t mangle -A ${chain} -m mark --mark ${ours}`),
        `-t nat -A POSTROUTING -m mark --mark ${ours}`,
      ]);
    }
    expect(await ways.openAfterRepair()).toEqual(allWays);
    for (const family of families) {
      expect((await hits(scene, family, 'filter', 'FORWARD'))[0]).toBeGreaterThan(0);
      for (const chain of anywhereElse) expect(await hits(scene, family, 'mangle', chain), chain).toEqual([0]);
      expect(await hits(scene, family, 'nat', 'POSTROUTING')).toEqual([0]);
    }
  });

  it('of others is not taken for ours, nor ours for theirs', async () => {
    for (const family of families)
      await iptables(
        scene.world.host,
        family,
        users.map(([, , rule]) => rule),
      );
    // Each of the rules would drop what it took for its own.
    expect(await ways.openAfterRepair()).toEqual(allWays);
    const left = allWays.filter((way) => way.endsWith('ipv6'));
    for (const [who, mark] of users) {
      const rule = `-t mangle -A PREROUTING -i vif7.0 -j MARK --set-xmark ${mark}`;
      await iptables(scene.world.host, 'ipv4', [rule]);
      expect(await ways.open(left), who).toEqual(left);
      await iptables(scene.world.host, 'ipv4', [rule.replace('-A', '-D')]);
    }
  });

  it('of others comes through FORWARD unharmed', async () => {
    const { world, zones } = scene;
    for (const family of families) {
      const sent = `-t mangle -A POSTROUTING -s ${zones[0][family]}`;
      await iptables(world.host, family, [
        '-F FORWARD',
        '-t mangle -F',
        '-t mangle -A PREROUTING -j MARK --set-mark 0xce000',
        `${sent} -m mark --mark 0xce000`,
        `${sent} -m mark ! --mark 0xce000`,
      ]);
    }
    expect(await ways.openAfterRepair()).toEqual(allWays);
    for (const family of families) {
      const [kept, changed] = await hits(scene, family, 'mangle', 'POSTROUTING');
      expect(kept).toBeGreaterThan(0);
      expect(changed).toBe(0);
    }
  });
});

/** Packets counted by each rule of the chain. */
async function hits({ world }: Scene, family: 'ipv4' | 'ipv6', table: string, chain: string): Promise<number[]> {
  const listing = await world.host.mustExec(flavours[family], ['-t', table, '-L', chain, '-v', '-x', '-n']);
  return listing
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => Number.parseInt(line, 10));
}
