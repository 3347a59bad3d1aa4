/** Two dom0s with two uplinks each, one router running BIRD and the other FRR: both ways at once, and one of them when the other is dead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dom0, type Fleet, fleetSettings, openFleet, type Router } from '../lab/fleet.ts';
import { ping } from '../lab/ping.ts';
import { reaches, untilState } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';

let fleet: Fleet;
let two: Dom0;
let three: Dom0;
let seven: Zone;
let eight: Zone;

beforeAll(async () => {
  fleet = await openFleet({ lans: 2, isFrr: true });
  [two, three] = [fleet.host(2), fleet.host(3)];
  [seven, eight] = [await two.addZone(7), await three.addZone(8)];
  await untilWays(two, eight, 2);
  await untilWays(three, seven, 2);
});
afterAll(() => fleet?.destroy());

it('zones of other hosts are reached by both uplinks, with FRR as well as with BIRD', async () => {
  for (const address of [eight.ipv4, eight.ipv6]) expect(await reaches(seven, address)).toBe(true);
});

describe('of two uplinks the other serves', () => {
  it.each([
    ['when one has no carrier', 'link set host2 down', 'link set host2 up'],
    ['when one is dead without a sign, as BFD finds', 'link set host2 nomaster', 'link set host2 master lan'],
  ])('%s', async (_, end, begin) => {
    const [router] = fleet.routers;
    await router?.namespace.ip(end);
    await untilWays(two, eight, 1);
    await untilWays(three, seven, 1);
    for (const [from, to] of [
      [seven, eight],
      [eight, seven],
    ] as const) {
      expect((await ping(from, String(to.ipv4), { count: 20 })).received).toBe(20);
      expect(await reaches(from, to.ipv6)).toBe(true);
    }
    await router?.namespace.ip(begin);
    await untilWays(two, eight, 2);
    await untilWays(three, seven, 2);
  });

  it('when the BIRD of one router is killed, and both again when it is back', async () => {
    const { bird } = fleet.routers[0] as Router;
    await bird.stop('SIGKILL');
    await untilWays(two, eight, 1);
    expect((await ping(seven, String(eight.ipv4), { count: 20 })).received).toBe(20);
    bird.start();
    await untilWays(two, eight, 2);
  });
});

it('a zone that has moved away by two ways is let go', async () => {
  const old = await two.addZone(20, { ipv6: null });
  await untilWays(three, old, 2);
  await three.world.files.writeSettings(fleetSettings(3, 2, ['10.75.2.20']));
  await three.daemon.waitForLog(({ msg }) => String(msg).includes('configuration reloaded'));
  const there = await three.addZone(20, { ipv4: '10.75.2.20', ipv6: null });
  await untilState(two.daemon, old.link, 'unserved');
  await untilWays(two, there, 2);
  await waitFor(() => reaches(seven, there.ipv4), { what: 'the zone at its new host' });
  await there.remove();
  await three.world.removeZoneFile(there.link);
  await untilState(two.daemon, old.link);
  await waitFor(() => reaches(eight, old.ipv4), { what: 'the zone that is left' });
});

/** Until `at` routes to the zone by so many links, in each family that it has. */
async function untilWays({ number, world }: Dom0, zone: Zone, count: number): Promise<void> {
  for (const address of [zone.ipv4, zone.ipv6]) {
    if (address === undefined) continue;
    const six = address.includes(':') ? ['-6'] : [];
    await waitFor(
      async () => {
        const text = await world.host.mustExec('ip', [...six, 'route', 'show', address, 'proto', 'bird']);
        return (text.match(/dev eth/g) ?? []).length === count;
      },
      { what: `${count} ways from dom0 ${number} to ${address}`, deadlineMs: 20_000, everyMs: 20 },
    );
  }
}
