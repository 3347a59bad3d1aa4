/** The operator's rules come first and hold, whatever happens to ours; a blanket end of `FORWARD` cuts no zone off. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { type } from '../lab/documentation.ts';
import { startEchoServer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { copiesOfOurs, flavours, iptables } from '../lab/iptables.ts';
import {
  addServedZone,
  isCutOff,
  openScene,
  reaches,
  type Scene,
  untilNothingToDo,
  untilState,
  withScene,
} from '../lab/served.ts';
import { openOf } from '../lab/ways.ts';
import type { Zone } from '../lab/zone.ts';

const families = ['ipv4', 'ipv6'] as const;
/** An address of the outside; the guide leaves it to the reader. */
const allowed = '203.0.113.80';
const nameServer = '8.8.8.8';

/** The zone-networking guide, "Example: restrict zone egress to specific destinations". */
const egressExample = `
# Create a chain for zone egress filtering
nft add chain ip filter ZONE-EGRESS
# Jump to it for traffic from the zone subnet
nft add rule ip filter FORWARD ip saddr 10.75.0.0/16 counter jump ZONE-EGRESS
# Allow DNS
nft add rule ip filter ZONE-EGRESS ip daddr { 8.8.8.8, 8.8.4.4 } udp dport 53 counter accept
# Allow HTTPS to specific destinations
nft add rule ip filter ZONE-EGRESS tcp dport 443 ip daddr { ${allowed} } counter accept
# Drop everything else from zones
nft add rule ip filter ZONE-EGRESS counter drop
`;
/** "Example: restrict a specific zone". */
const zoneExample = 'nft add rule ip filter FORWARD iifname "vif1339.2" tcp dport != 443 counter drop';
/** "Example of the auto-generated forwarding rules", with a link's name in place of vifX.X. */
const generatedExample = `
nft add chain ip filter EDERA-FORWARD
nft insert rule ip filter FORWARD counter jump EDERA-FORWARD
nft add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept
nft add rule ip filter EDERA-FORWARD iifname "vif7.0" counter accept
`;

const everywhere = ['dns', 'https to the allowed', 'https elsewhere', 'http', 'ping'];
const restricted = ['dns', 'https to the allowed'];
const withoutHttp = everywhere.filter((what) => what !== 'http');

describe('the zone-networking guide’s examples, typed while the daemon runs', () => {
  it(
    'restrict all zones to some destinations, and go on to',
    () =>
      withScene({}, async (scene) => {
        const { world, zones } = scene;
        await openOutside(scene);
        expect(await reachedBy(zones[0], everywhere)).toEqual(everywhere);
        await type(world.host, egressExample);
        await untilNothingToDo(world);
        for (const zone of zones) expect(await reachedBy(zone, restricted)).toEqual(restricted);

        await world.host.nft('flush ruleset');
        await untilNothingToDo(world);
        await type(world.host, egressExample);
        await untilNothingToDo(world);
        expect(await reachedBy(zones[0], restricted)).toEqual(restricted);

        for (const harm of ['flush chain ip filter EDERA-FORWARD', 'delete table inet edera']) {
          await world.host.nft(harm);
          await untilNothingToDo(world);
          expect(await reachedBy(zones[1], restricted), harm).toEqual(restricted);
        }

        await scene.daemon.stop();
        const daemon = await world.startDaemon();
        await untilState(daemon, zones[0].link);
        expect(await reachedBy(zones[0], restricted)).toEqual(restricted);
        const late = await addServedZone(world, daemon, { domid: 9 });
        expect(await reachedBy(late, restricted)).toEqual(restricted);
        expect(await reaches(late, farHost.ipv6), 'the rules are for IPv4').toBe(true);
      }),
    180_000,
  );

  it(
    'restrict a single zone, and no other',
    () =>
      withScene({}, async (scene) => {
        const { world, daemon, zones } = scene;
        await openOutside(scene);
        const zone = await addServedZone(world, daemon, { domid: 1339, devid: 2, ipv4: '10.75.0.3' });
        await type(world.host, zoneExample);
        await untilNothingToDo(world);
        expect(await reachedBy(zone, withoutHttp)).toEqual(withoutHttp);
        expect(await reachedBy(zones[0], everywhere)).toEqual(everywhere);
        await world.host.nft('flush chain ip filter EDERA-FORWARD');
        await untilNothingToDo(world);
        await daemon.stop();
        const next = await world.startDaemon();
        await addServedZone(world, next, { domid: 9 });
        expect(await reachedBy(zone, withoutHttp)).toEqual(withoutHttp);
      }),
    120_000,
  );

  it('of the daemon’s own rules make nothing double', () =>
    withScene({}, async ({ world, zones: [one] }) => {
      await type(world.host, generatedExample);
      await untilNothingToDo(world);
      expect(new Set(Object.values(await copiesOfOurs(world.host, 'ipv4')))).toEqual(new Set([1]));
      expect(await reaches(one, farHost.ipv4)).toBe(true);
    }));
});

describe('a blanket end of FORWARD', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    return () => scene.world.destroy();
  });

  it.each([
    ['a reject appended', ['-A FORWARD -j REJECT'], true],
    ['a drop appended', ['-A FORWARD -j DROP'], true],
    ['a reject at the head', ['-I FORWARD -j REJECT'], false],
    ['a drop with a comment at the head', ['-I FORWARD -m comment --comment "no routing here" -j DROP'], false],
    ['a chain that rejects', ['-A OTHERS -j REJECT', '-A FORWARD -j OTHERS'], true],
    ['a chain that later rejects', ['-I FORWARD -j OTHERS', '-A OTHERS -j REJECT'], false],
  ])('%s: zones are not cut off, and a rule of the operator’s ahead of it holds', async (_what, rules, isBehind) => {
    const { world, zones } = scene;
    const [one, two] = zones;
    for (const family of families) {
      await iptables(world.host, family, ['-N OTHERS', `-A FORWARD -i ${two.link} -j DROP`, ...rules]);
    }
    await untilNothingToDo(world);
    const tried = families.flatMap((family) => [
      reaches(one, farHost[family]),
      reaches(world.internet, one[family]),
      isCutOff(two, farHost[family]),
    ]);
    expect(await Promise.all(tried)).toEqual([true, true, isBehind, true, true, isBehind]);
    for (const family of families) await iptables(world.host, family, ['-F FORWARD', '-F OTHERS', '-X OTHERS']);
  });
});

describe('placement first', () => {
  it('pins our jump to the head, where only EDERA-USER comes before it', () =>
    withScene({ settings: { forward: { placement: 'first' } } }, async ({ world, zones: [one, two] }) => {
      const { host } = world;
      for (const rule of [
        ['-A', 'FORWARD', '-j', 'REJECT'],
        ['-I', 'FORWARD', '-i', one.link, '-j', 'DROP'],
      ]) {
        await host.mustExec(flavours.ipv4, rule);
        await untilNothingToDo(world);
      }
      const [, first] = (await host.mustExec(flavours.ipv4, ['-S', 'FORWARD'])).split('\n');
      expect(first).toBe('-A FORWARD -j EDERA-FORWARD');
      expect(await reaches(one, farHost.ipv4)).toBe(true);
      await host.mustExec(flavours.ipv4, ['-A', 'EDERA-USER', '-i', one.link, '-j', 'DROP']);
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
      expect(await reaches(two, farHost.ipv4)).toBe(true);
    }));
});

/** Servers for what the examples speak of. */
async function openOutside({ world }: Scene): Promise<void> {
  await world.internet.ip(...[allowed, nameServer].map((address) => `address add ${address}/32 dev lo`));
  await Promise.all([53, 80, 443].map((port) => startEchoServer(world.internet, port)));
}

/** What of `everywhere` the zone reaches; `expected` as `openOf` has it. */
function reachedBy(zone: Zone, expected: readonly string[]): Promise<string[]> {
  const tcp = (address: string, port: number) => async () => (await tcpConnect(zone, address, port)).ok;
  const probes = [
    async () => (await udpExchange(zone, nameServer, 53)).ok,
    tcp(allowed, 443),
    tcp(farHost.ipv4, 443),
    tcp(allowed, 80),
    () => reaches(zone, farHost.ipv4),
  ];
  return openOf(new Map(probes.map((probe, index) => [String(everywhere[index]), probe])), expected);
}
