/** What Edera's zone-networking document and ours (docs/what-is-on-the-host.md) promise to be on the host, under these very names. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import { addServedZone, isCutOff, openScene, reaches, type Scene, withScene } from '../lab/served.ts';
import type { Zone } from '../lab/zone.ts';

describe('the documented objects of a zone', () => {
  let scene: Scene;
  let zone: Zone;
  beforeAll(async () => {
    scene = await openScene();
    const options = { domid: 1339, devid: 2, ipv4: '10.75.0.3', ipv6: 'fdd4:1476:6c7e::3' };
    zone = await addServedZone(scene.world, scene.daemon, options);
    return () => scene.world.destroy();
  });

  it('are its two routes, with protocol 75', async () => {
    const { host } = scene.world;
    // In numbers, since a host may have names for them: scope 253 is `link`.
    expect((await host.mustExec('ip', ['-N', 'route', 'show', '10.75.0.3/32'])).trim()).toBe(
      '10.75.0.3 dev vif1339.2 proto 75 scope 253',
    );
    expect(await host.mustExec('ip', ['-N', '-6', 'route', 'show', 'fdd4:1476:6c7e::3/128'])).toMatch(
      /^fdd4:1476:6c7e::3 dev vif1339.2 proto 75 /,
    );
  });

  it.each([
    ['ipv4/conf/vif1339.2/proxy_arp', '1'],
    ['ipv6/conf/vif1339.2/proxy_ndp', '1'],
    ['ipv4/neigh/vif1339.2/proxy_delay', '0'],
    ['ipv6/neigh/vif1339.2/proxy_delay', '0'],
    ['ipv4/conf/vif1339.2/rp_filter', '1'],
    ['ipv6/conf/vif1339.2/accept_ra', '0'],
    ['ipv4/conf/vif1339.2/accept_redirects', '0'],
    ['ipv6/conf/vif1339.2/accept_redirects', '0'],
    ['ipv4/conf/vif1339.2/send_redirects', '0'],
    ['ipv4/ip_forward', '1'],
    ['ipv6/conf/all/forwarding', '1'],
  ])('are the sysctls: net/%s is %s', async (key, value) => {
    expect(await scene.world.host.sysctl(`net/${key}`)).toBe(value);
  });

  it('leave the sysctls of other links alone', async () => {
    const { host } = scene.world;
    expect(await host.sysctl('net/ipv4/conf/uplink0/proxy_arp')).toBe('0');
    expect(await host.sysctl('net/ipv4/conf/all/rp_filter')).toBe('0');
    expect(await host.sysctl('net/ipv4/conf/all/proxy_arp')).toBe('0');
    expect(await host.sysctl('net/ipv4/neigh/uplink0/proxy_delay')).not.toBe('0');
  });

  it('are the link, up, and proxy entries for the gateway and the siblings', async () => {
    const { host } = scene.world;
    expect(await host.mustExec('ip', ['link', 'show', 'vif1339.2'])).toMatch(/<[^>]*\bUP\b/);
    const [one, two] = scene.zones;
    const own = (await host.proxies()).filter((entry) => entry.endsWith(' vif1339.2'));
    expect(own).toEqual([gateway.ipv6, one.ipv6, two.ipv6].map((address) => `${address} vif1339.2`).sort());
    expect(await host.proxies()).toContain(`${zone.ipv6} ${one.link}`);
  });

  it.each(['ip', 'ip6'])(
    'are in table %s filter: one jump, its chain in the promised order, and the pair',
    async (family) => {
      const { host } = scene.world;
      const forward = await host.mustExec('nft', ['list', 'chain', family, 'filter', 'FORWARD']);
      expect(forward.match(/jump/g)).toHaveLength(1);
      expect(forward).toMatch(/type filter hook forward priority filter; policy accept;/);
      expect(forward).toMatch(/counter packets \d+ bytes \d+ jump EDERA-FORWARD/);
      const rules = await rulesOf(scene, family, 'EDERA-FORWARD');
      expect(rules.slice(0, 3)).toEqual([
        'iifname != "vif*" oifname != "vif*" return',
        'jump EDERA-USER',
        'meta mark & 0x10000000 == 0x10000000 counter accept',
      ]);
      for (const link of ['vif7.0', 'vif8.0', 'vif1339.2']) {
        const at = rules.indexOf(`oifname "${link}" counter accept`);
        expect(at, link).toBeGreaterThan(2);
        expect(rules[at + 1]).toBe(`iifname "${link}" counter accept`);
      }
      expect(rules).toHaveLength(3 + 2 * 3);
      expect(await rulesOf(scene, family, 'EDERA-USER')).toEqual([]);
    },
  );

  it('are in table inet edera: elements with counters of their own, and masquerade for both subnets', async () => {
    const { host } = scene.world;
    const table = await host.mustExec('nft', ['list', 'table', 'inet', 'edera']);
    expect(table).toMatch(/"vif1339.2" \. 10\.75\.0\.3 counter packets/);
    expect(table).toMatch(/"vif1339.2" \. fdd4:1476:6c7e::3 counter packets/);
    expect(table).toMatch(/ip saddr 10\.75\.0\.0\/16 ip daddr != 10\.75\.0\.0\/16 .*masquerade/);
    expect(table).toMatch(/ip6 saddr fdd4:1476:6c7e::\/48 ip6 daddr != fdd4:1476:6c7e::\/48 .*masquerade/);
    expect(table).toMatch(/hook prerouting priority -450/);
    expect(table).toMatch(/hook postrouting priority srcnat/);
  });
});

describe('the documented pair', () => {
  it('alone lets zones through where our own table is gone and the policy is drop', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      process.kill(daemon.pid, 'SIGSTOP');
      await world.host.nft('delete table inet edera; add chain ip filter FORWARD { policy drop; }');
      expect(await reaches(one, two.ipv4)).toBe(true);
      await world.host.nft('flush chain ip filter EDERA-FORWARD');
      expect(await isCutOff(one, two.ipv4)).toBe(true);
    }));
});

describe('the gateway', () => {
  it.each(['ipv4', 'ipv6'] as const)(
    'answers, and siblings reach each other, on a host without default route (%s)',
    (family) =>
      withScene({ defaultRoute: false }, async ({ zones: [one, two] }) => {
        expect(await reaches(one, gateway[family])).toBe(true);
        expect(await reaches(one, two[family])).toBe(true);
      }),
  );

  it('answers also without any uplink', () =>
    withScene({ uplink: false }, async ({ zones: [one, two] }) => {
      for (const to of [gateway.ipv4, gateway.ipv6, two.ipv4, two.ipv6]) expect(await reaches(one, to), to).toBe(true);
    }));

  it('is still reached once a default route comes', () =>
    withScene({ defaultRoute: false }, async ({ world, zones: [one] }) => {
      await world.host.ip('route add default via 192.0.2.2');
      expect(await reaches(one, farHost.ipv4)).toBe(true);
    }));
});

/** As nft prints them, counters without their values. */
async function rulesOf({ world }: Scene, family: string, chain: string): Promise<string[]> {
  const listing = await world.host.mustExec('nft', ['list', 'chain', family, 'filter', chain]);
  const lines = listing.split('\n').map((line) => line.trim().replace(/ packets \d+ bytes \d+/g, ''));
  return lines.slice(2, lines.indexOf('}'));
}
