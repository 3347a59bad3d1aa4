/** Everything essential with one family only: by configuration, or because the host has no IPv6. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { ping } from '../lab/ping.ts';
import {
  addServedZone,
  isCutOff,
  openScene,
  reaches,
  type Scene,
  type SceneOptions,
  untilForgotten,
  untilPasses,
  untilState,
} from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

interface Case {
  readonly what: string;
  readonly on: 'ipv4' | 'ipv6';
  readonly off: 'ipv4' | 'ipv6';
  readonly scene: SceneOptions;
  /** What must not occur in the ruleset. */
  readonly foreignTable: RegExp;
}

const cases: readonly Case[] = [
  {
    what: 'IPv6 switched off in daemon.toml',
    on: 'ipv4',
    off: 'ipv6',
    scene: { config: '[network.ipv6]\nsubnet = ""\n' },
    foreignTable: /"ip6"|fdd4/,
  },
  {
    what: 'IPv4 switched off in daemon.toml',
    on: 'ipv6',
    off: 'ipv4',
    scene: { config: '[network.ipv4]\nsubnet = ""\n' },
    foreignTable: /"ip"|10\.75\./,
  },
  { what: 'IPv6 disabled on the host', on: 'ipv4', off: 'ipv6', scene: { ipv6: false }, foreignTable: /"ip6"|fdd4/ },
];

describe.each(cases)('with $what', ({ on, off, scene: options, foreignTable }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ ...options, settings: { reconcile: { 'resync-seconds': 1 } } });
    await Promise.all([scene.world.internet, scene.zones[1]].map((place) => startEchoServer(place)));
    return () => scene.world.destroy();
  });

  it('zones talk with the outside and each other, the outside sees the host, the sibling the zone', async () => {
    const [one, two] = scene.zones;
    for (const to of [farHost[on], gateway[on], two[on]]) expect(await reaches(one, to), to).toBe(true);
    for (const exchange of [tcpConnect, udpExchange]) {
      expect(await exchange(one, farHost[on], 7000)).toMatchObject({ ok: true, peer: hostUplink[on] });
      expect(await exchange(one, String(two[on]), 7000)).toMatchObject({ ok: true, peer: one[on] });
    }
  });

  it('nothing is there of the other family, and nothing passes', async () => {
    const [one, two] = scene.zones;
    expect(await scene.world.host.snapshot()).not.toContain(String(one[off]));
    expect(JSON.stringify(await scene.world.host.nftJson())).not.toMatch(foreignTable);
    for (const to of [farHost[off], two[off]]) expect(await isCutOff(one, to), to).toBe(true);
    expect(await scene.daemon.status()).toMatchObject({ state: 'ready', failures: [], subnets: { [off]: null } });
  });

  it('a forged source is stopped', async () => {
    const [one, two] = scene.zones;
    await one.forge(String(two[on]));
    expect(await isCutOff(one, farHost[on], two[on])).toBe(true);
  });

  it('the documented objects are there', async () => {
    const { host } = scene.world;
    const [filter, version] = on === 'ipv4' ? ['ip', '-4'] : ['ip6', '-6'];
    expect(await host.mustExec('ip', ['-N', version, 'route', 'show', String(scene.zones[0][on])])).toContain(
      'dev vif7.0 proto 75',
    );
    const chain = await host.mustExec('nft', ['list', 'chain', filter, 'filter', 'EDERA-FORWARD']);
    expect(chain).toMatch(
      /oifname "vif7.0" counter packets \d+ bytes \d+ accept\n\s*iifname "vif7.0" counter packets \d+ bytes \d+ accept/,
    );
    expect(await host.mustExec(`${filter}tables-nft`, ['-S'])).toContain('-A EDERA-FORWARD -o vif7.0 -j ACCEPT');
  });

  it('a zone that comes and goes leaves no trace', async () => {
    const { world, daemon } = scene;
    const before = await world.host.snapshot();
    const zone = await addServedZone(world, daemon, { domid: 9 });
    expect(await reaches(zone, farHost[on])).toBe(true);
    await zone.remove();
    await untilForgotten(daemon, zone.link);
    // Its link is forgotten when it goes, and what its siblings had of it a moment later.
    await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
  });

  it('a zone with an address of the other family alone gets nothing, and the log says why', async () => {
    const { world, daemon } = scene;
    const zone = await world.addZone({ domid: 10, [on]: null });
    await world.declareZone(zone);
    const line = await daemon.waitForLog(
      ({ link, reason }) => link === zone.link && /switched off/.test(String(reason)),
    );
    expect(line['msg']).toContain(String(zone[off]));
    await zone.remove();
  });

  it('passes over an unchanged host change nothing, and a restart loses no packet', async () => {
    const { world, zones } = scene;
    const { host } = world;
    const nft = await host.eventLog('nft', ['monitor']);
    const ip = await host.eventLog('ip', ['-o', 'monitor', 'link', 'route', 'netconf']);
    await untilPasses(scene.daemon, 2);
    const transfer = await startTransfer(zones[0], farHost[on], 7000);
    const restarted = async () => {
      await scene.daemon.kill();
      const next = await world.startDaemon();
      for (const { link } of zones) await untilState(next, link);
    };
    const [pings] = await Promise.all([ping(zones[1], farHost[on], { count: 100 }), restarted()]);
    expect(pings).toMatchObject({ sent: 100, received: 100 });
    expect(await transfer.waitForMore(10_000)).toMatchObject({ broken: null });
    expect(await nft.settled(() => host.nft('add table inet marker; delete table inet marker'), 'marker')).toEqual([]);
    expect(await ip.settled(() => host.ip('route add 10.98.0.0/16 dev uplink0'), '10.98.0.0/16')).toEqual([]);
  });
});

describe('IPv6 that is switched on', () => {
  it('later, by configuration, gives zones their IPv6 in one transaction', async () => {
    const { world, daemon, zones } = await openScene({ config: '[network.ipv6]\nsubnet = ""\n' });
    try {
      const { transactions } = await daemon.status();
      await world.files.writeDefaults();
      await waitFor(() => reaches(zones[0], farHost.ipv6), { what: 'IPv6' });
      expect(await reaches(zones[0], zones[1].ipv6)).toBe(true);
      expect((await daemon.status()).transactions - transactions).toBe(1);
    } finally {
      world.destroy();
    }
  });
});
