/** What goes leaves nothing behind: a link, a file, the whole program. What belongs to others stays to the byte. */
import { beforeAll, describe, expect, it } from 'vitest';
import { addServedZone, openScene, reaches, type Scene, untilForgotten, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

describe('a zone that goes', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
    return () => scene.world.destroy();
  });

  it('with its link leaves no trace, and its sibling works on', async () => {
    const { world, daemon, zones } = scene;
    const before = await world.host.snapshot();
    const zone = await addServedZone(world, daemon, { domid: 9 });
    await reaches(zone, zones[0].ipv4);
    expect(await world.host.snapshot()).not.toBe(before);
    await zone.remove();
    await untilForgotten(daemon, zone.link);
    await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
    await world.removeZoneFile(zone.link);
    expect(await reaches(zones[0], zones[1].ipv4)).toBe(true);
  });

  it.each([{ ipv4: null }, { ipv6: null }, {}])('with its file leaves no trace (without %o)', async (options) => {
    const { world, daemon } = scene;
    const zone = await unservedLinkThatIsUp(world, { domid: 11, ...options });
    await untilState(daemon, zone.link, 'unserved');
    const before = await world.host.snapshot();
    await world.declareZone(zone);
    await untilState(daemon, zone.link);
    expect(await world.host.snapshot()).not.toBe(before);
    await world.removeZoneFile(zone.link);
    await untilState(daemon, zone.link, 'unserved');
    await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
    await zone.remove();
  });

  it('by the loss of one address leaves no trace of that one', async () => {
    const { world, daemon } = scene;
    const zone = await addServedZone(world, daemon, { domid: 12 });
    await world.writeZoneFile(zone.link, { ipv4: zone.ipv4 });
    await daemon.waitForLog(({ link, addresses }) => link === zone.link && String(addresses) === zone.ipv4);
    await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).not.toContain(String(zone.ipv6));
    expect(await world.host.snapshot()).toContain(`${zone.ipv4} dev ${zone.link}`);
    await zone.remove();
    await world.removeZoneFile(zone.link);
  });
});

describe('cleanup', () => {
  it('brings a host without firewall back to what it was before the first start', () =>
    withWorld({}, async (world) => {
      const zone = await unservedLinkThatIsUp(world, { domid: 7 });
      const before = await world.host.snapshot();
      await world.declareZone(zone);
      const daemon = await world.startDaemon();
      await untilState(daemon, zone.link);
      await daemon.stop();
      expect(await world.host.snapshot()).not.toBe(before);
      expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await world.host.snapshot()).toBe(before);
      expect(await world.host.sysctl(`net/ipv4/conf/${zone.link}/proxy_arp`)).toBe('0');
      const again = await world.cli(['cleanup']);
      expect(again.exitCode).toBe(0);
      expect(again.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('note:'))).toEqual([
        'nothing of ours is here',
      ]);
    }));

  it('leaves tables, chains, rules, routes and proxies of others as they were', () =>
    withWorld({}, async (world) => {
      const zone = await unservedLinkThatIsUp(world, { domid: 7 });
      await furnish(world, zone);
      const before = await world.host.snapshot();
      await world.declareZone(zone);
      const daemon = await world.startDaemon();
      await untilState(daemon, zone.link);
      expect(linesMissing(before, await world.host.snapshot())).toEqual([]);
      await daemon.stop();
      await world.cli(['cleanup']);
      expect(await world.host.snapshot()).toBe(before);
    }));

  it('keeps the operator’s chain where it holds rules, and says so', () =>
    withScene({}, async ({ world, daemon }) => {
      await world.host.nft('add rule ip filter EDERA-USER udp dport 53 counter drop');
      await daemon.stop();
      const { stdout, exitCode } = await world.cli(['cleanup']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/note: ip filter EDERA-USER contains or is used by rules of yours/);
      expect(await world.host.mustExec('nft', ['list', 'chain', 'ip', 'filter', 'EDERA-USER'])).toContain(
        'udp dport 53',
      );
      expect(await world.host.mustExec('nft', ['list', 'tables'])).not.toContain('edera');
    }));

  it('--dry-run prints the steps and changes nothing', () =>
    withScene({}, async ({ world, daemon }) => {
      await daemon.stop();
      const before = await world.host.snapshot();
      const { stdout, exitCode } = await world.cli(['cleanup', '--dry-run']);
      expect(exitCode).toBe(0);
      expect(stdout).toContain('would: ip route del 10.75.1.7/32 dev vif7.0 proto 75\n');
      expect(stdout).toContain('would: nft delete table inet edera\n');
      expect(await world.host.snapshot()).toBe(before);
    }));

  it('refuses while the daemon runs, and changes nothing', () =>
    withScene({}, async ({ world, zones }) => {
      const before = await world.host.snapshot();
      const { stderr, exitCode } = await world.cli(['cleanup']);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/protect-network is running .*; stop it first/);
      expect(await world.host.snapshot()).toBe(before);
      expect(await reaches(zones[0], zones[1].ipv4)).toBe(true);
    }));
});

/** Forwarding is on, and the link up with its own addresses: what the kernel adds for these is no trace of ours. */
async function unservedLinkThatIsUp(world: World, options: Parameters<World['addZone']>[0]): Promise<Zone> {
  const zone = await world.addZone(options);
  const { link } = zone;
  await world.host.setSysctls({
    'net/ipv4/ip_forward': 1,
    'net/ipv6/conf/all/forwarding': 1,
    [`net/ipv6/conf/${link}/accept_dad`]: 0,
  });
  await world.host.ip(`link set ${link} up`);
  // The kernel adds them once the guest has its end up, too.
  const hasLinkLocal = async () => (await world.host.routes(6, 'local')).some(({ dev }) => dev === link);
  await waitFor(hasLinkLocal, { what: `the link-local address of ${link}`, deadlineMs: 20_000 });
  return zone;
}

/** What a host may hold of others, as near to ours as it gets. */
async function furnish({ host }: World, { link }: Zone): Promise<void> {
  await host.nft(`
    add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy accept; };
    add chain ip filter DOCKER-USER; add rule ip filter FORWARD counter jump DOCKER-USER;
    add rule ip filter FORWARD iifname "docker0" counter accept;
    add table inet firewalld; add set inet firewalld s { type ipv4_addr; };
    add element inet firewalld s { 10.75.0.9 };
    add chain inet firewalld f { type filter hook forward priority 10; };
    add rule inet firewalld f ip saddr @s counter drop;
    add table ip6 filter; add chain ip6 filter own; add rule ip6 filter own counter accept`);
  await host.ip(
    `route add 10.75.200.1/32 dev ${link}`,
    `route add 10.75.200.2/32 dev ${link} proto static`,
    `route add 10.99.0.0/16 via 192.0.2.2 proto 186`,
    `route add fdd4:1476:6c7e::c801/128 dev ${link} proto static`,
    `neigh add proxy fdd4:1476:6c7e::c801 dev ${link}`,
    `neigh add proxy 2001:db8::77 dev uplink0`,
  );
}

function linesMissing(before: string, after: string): string[] {
  const there = new Set(after.split('\n'));
  return before.split('\n').filter((line) => !there.has(line));
}
