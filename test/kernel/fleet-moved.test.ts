/** Whose word counts when it says that a zone of a fleet has moved away: routes that a program of this host has set, while they are there. */
import { beforeAll, expect, it } from 'vitest';
import { openScene, reaches, type Scene, untilState } from '../lab/served.ts';

let scene: Scene;
beforeAll(async () => {
  const prefixes = ['10.75.0.0/16', 'fdd4:1476:6c7e::/48'];
  const fleet = { block: ['10.75.0.0/17', 'fdd4:1476:6c7e::/64'], prefixes, uplinks: ['uplink0'] };
  // Long, so that events alone have to do.
  scene = await openScene({ settings: { fleet, reconcile: { 'resync-seconds': 3600 } } });
  return () => scene.world.destroy();
});

it('a host on the LAN cannot take a zone away by what it advertises', async () => {
  const { world, daemon, zones } = scene;
  const [zone, other] = zones;
  // What the kernel makes of a router advertisement with a prefix of 128 bits, and a DHCP client of option 121.
  await world.host.ip(
    `route add ${zone.ipv6}/128 dev uplink0 proto kernel metric 2048`,
    `route add ${zone.ipv4}/32 dev uplink0 proto dhcp metric 2048`,
  );
  // The control: a route of a routing daemon's counts.
  await world.host.ip(`route add ${other.ipv4}/32 dev uplink0 proto bird metric 2048`);
  await untilState(daemon, other.link, 'unserved');
  expect((await daemon.status()).zones.find(({ link }) => link === zone.link)?.state).toBe('ready');
  for (const address of [zone.ipv4, zone.ipv6]) expect(await reaches(world.host, address)).toBe(true);
  await world.host.ip(`route del ${other.ipv4}/32 dev uplink0`);
  await untilState(daemon, other.link);
});

it('a zone is this host’s again when the link goes by which the other host was reached', async () => {
  const { world, daemon, zones } = scene;
  const [, other] = zones;
  await world.host.ip(`route add ${other.ipv4}/32 dev uplink0 proto bird metric 2048`);
  await untilState(daemon, other.link, 'unserved');
  await world.host.ip('link set uplink0 down');
  expect((await world.host.routes()).filter(({ dst, dev }) => dst === other.ipv4 && dev === 'uplink0')).toEqual([]);
  await untilState(daemon, other.link);
});
