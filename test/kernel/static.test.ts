/** The static directory: what a file says is done at once, and what is wrong in one hurts nobody else. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { families } from '../../src/model/address.ts';
import { farHost } from '../lab/addresses.ts';
import { ping } from '../lab/ping.ts';
import { addServedZone, isCutOff, openScene, reaches, type Scene, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

describe('a zone file that cannot be used', () => {
  let scene: Scene;
  let domid = 100;
  beforeAll(async () => {
    scene = await openScene();
    return () => scene.world.destroy();
  });

  it.each([
    ['outside the subnet', 'ipv4 = "10.76.0.3"', /10\.76\.0\.3 is outside the zone subnet 10\.75\.0\.0\/16/],
    ['the network address', 'ipv4 = "10.75.0.0"', /10\.75\.0\.0 is the network address/],
    ['the gateway', 'ipv4 = "10.75.0.1"', /10\.75\.0\.1 is the gateway/],
    ['the host', 'ipv6 = "fdd4:1476:6c7e::2"', /fdd4:1476:6c7e::2 is the host's own address/],
    ['the broadcast address', 'ipv4 = "10.75.255.255"', /10\.75\.255\.255 is the broadcast address/],
    [
      'one good and one bad address',
      'ipv4 = "10.75.3.3"\nipv6 = "2001:db8::1"',
      /2001:db8::1 is outside the zone subnet/,
    ],
    ['a sibling’s address', 'ipv4 = "10.75.1.7"', /10\.75\.1\.7 already belongs to vif7\.0/],
    [
      'a sibling’s address of the other family',
      'ipv4 = "10.75.3.4"\nipv6 = "fdd4:1476:6c7e::107"',
      /fdd4:1476:6c7e::107 already belongs to vif7\.0/,
    ],
    ['half a file', 'ipv4 = "10.75', /:1:\d+: .*expected valid TOML/],
    ['an empty file', '', /has no address/],
    ['a key that is none', 'ipv4 = "10.75.3.5"\nmac = "x"', /:2:1: unknown key/],
    ['a list with one that is none', 'ipv4 = ["10.75.3.5", "x"]', /:1:22: .*expected an address in quotes/],
  ])('%s: a log line, nothing for its link, and everybody else is served', async (_what, text, sentence) => {
    const { world, daemon, zones } = scene;
    domid += 1;
    const link = `vif${domid}.0`;
    await world.addLink(link);
    await untilState(daemon, link, 'unserved');
    const before = await world.host.snapshot();
    await world.files.writeZoneText(link, `${text}\n`);
    const line = await daemon.waitForLog(
      ({ msg, level }) => sentence.test(String(msg)) && String(msg).includes(link) && level === 40,
    );
    expect(line).toBeDefined();
    await untilState(daemon, link, 'unserved');
    await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
    expect(await reaches(zones[0], farHost.ipv4)).toBe(true);
    await world.removeZoneFile(link);
  });
});

describe('a zone file with several addresses of a family', () => {
  it('lets the zone talk under each of them and under no other, and it is reached at each', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      const more = { ipv4: '10.75.9.9', ipv6: 'fdd4:1476:6c7e::99' };
      const others = { ipv4: '10.75.9.10', ipv6: 'fdd4:1476:6c7e::9a' };
      for (const { ipv4, ipv6 } of [more, others])
        await one.ip(`address add ${ipv4}/16 dev eth0`, `address add ${ipv6}/48 dev eth0 nodad preferred_lft 0`);
      const lists = [`ipv4 = ["${one.ipv4}", "${more.ipv4}"]`, `ipv6 = ["${one.ipv6}", "${more.ipv6}"]`];
      await world.files.writeZoneText(one.link, `${lists.join('\n')}\n`);
      await daemon.waitForLog(({ link, addresses }) => link === one.link && String(addresses).includes(more.ipv4));
      const status = (await daemon.status()).zones.find(({ link }) => link === one.link);
      expect(status?.addresses).toEqual([one.ipv4, more.ipv4, one.ipv6, more.ipv6]);
      for (const family of families) {
        for (const source of [String(one[family]), more[family]]) {
          expect((await ping(one, farHost[family], { source })).received, source).toBe(1);
          await expect.poll(() => reaches(two, source), { timeout: 10_000 }).toBe(true);
        }
        expect(await isCutOff(one, farHost[family], others[family]), others[family]).toBe(true);
      }
      const { stdout } = await world.cli(['explain', more.ipv4, '--to', farHost.ipv4]);
      expect(stdout).toContain(more.ipv4);
    }));
});

describe('a zone file that changes', () => {
  it('by atomic replacement gives the link its new addresses and takes the old ones', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      await one.ip(`address add 10.75.9.9/16 dev eth0`, `address add fdd4:1476:6c7e::99/48 dev eth0 nodad`);
      await world.writeZoneFile(one.link, { ipv4: '10.75.9.9', ipv6: 'fdd4:1476:6c7e::99' });
      await daemon.waitForLog(({ link, addresses }) => link === one.link && String(addresses).includes('10.75.9.9'));
      // Neighbour proxies on siblings' links follow once a burst is over.
      const rest = async () => (await world.host.snapshot()).split('\n').filter((line) => isOld.test(line));
      const isOld = new RegExp(`(?:${one.ipv4}|${one.ipv6}) `);
      await expect.poll(rest, { timeout: 10_000 }).toEqual([]);
      for (const [own, to] of [
        ['10.75.9.9', two.ipv4],
        ['fdd4:1476:6c7e::99', two.ipv6],
      ] as const)
        expect(await reaches(two, own), to).toBe(true);
      expect(await isCutOff(one, two.ipv4, one.ipv4)).toBe(true);
    }));

  it('written bit by bit ends in service, whatever was seen in between', () =>
    withScene({}, async ({ world, daemon }) => {
      const zone = await world.addZone({ domid: 9 });
      const path = join(world.files.zones, `${zone.link}.toml`);
      const text = `ipv4 = "${zone.ipv4}"\nipv6 = "${zone.ipv6}"\n`;
      await writeFile(path, text.slice(0, 9));
      await daemon.waitForLog(({ msg }) => String(msg).includes(`${zone.link}.toml:1:`));
      await writeFile(path, text);
      await untilState(daemon, zone.link);
      await daemon.waitForLog(({ msg }) => /^resolved: .*vif9\.0\.toml:1:/.test(String(msg)));
      expect(await reaches(zone, farHost.ipv6)).toBe(true);
    }));

  it('by two links swapping their addresses ends with both served', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      const [first, second] = [
        { ipv4: one.ipv4, ipv6: one.ipv6 },
        { ipv4: two.ipv4, ipv6: two.ipv6 },
      ];
      await Promise.all([world.writeZoneFile(one.link, second), world.writeZoneFile(two.link, first)]);
      await daemon.waitForLog(
        ({ link, state, addresses }) =>
          link === one.link && state === 'ready' && String(addresses).includes(String(two.ipv4)),
      );
      await daemon.waitForLog(
        ({ link, state, addresses }) =>
          link === two.link && state === 'ready' && String(addresses).includes(String(one.ipv4)),
      );
      const routes = await world.host.mustExec('ip', ['route', 'show', 'proto', '75']);
      expect(routes).toContain(`${two.ipv4} dev ${one.link}`);
      expect(routes).toContain(`${one.ipv4} dev ${two.link}`);
    }));

  it('frees its address for whoever waits for it', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      const waiting = await world.addZone({ domid: 9, ipv4: String(one.ipv4), ipv6: null });
      await world.declareZone(waiting);
      await untilState(daemon, waiting.link, 'unserved');
      await world.removeZoneFile(one.link);
      await untilState(daemon, waiting.link);
      expect(await reaches(waiting, farHost.ipv4)).toBe(true);
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
    }));

  it('with a name shows it in the status', () =>
    withScene({}, async ({ world, daemon }) => {
      const zone = await addServedZone(world, daemon, { domid: 9 });
      await world.writeZoneFile(zone.link, { ipv4: zone.ipv4, ipv6: zone.ipv6, name: 'web' });
      await waitFor(async () => (await untilState(daemon, zone.link)).name === 'web', {
        what: 'the name',
        deadlineMs: 2000,
      });
    }));
});
