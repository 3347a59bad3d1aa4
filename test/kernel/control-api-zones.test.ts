/** Zones told by a control API, Edera's or krata's, on a real kernel: they come, change, go, and nothing else happens. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlApiServer, Flavour } from '../control-api/server.ts';
import { ederaZone } from '../control-api/zones.ts';
import { farHost, gateway, zoneSubnet } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { controlApiIn, directoryOf, tracesOf, untilDirectory, wireZone, zoneSettings } from '../lab/directories.ts';
import { isCutOff, reaches, untilForgotten, untilState } from '../lab/served.ts';
import { nothing, startVigil } from '../lab/vigil.ts';
import { waitFor } from '../lab/wait-for.ts';
import { createWorld, type World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const families = ['ipv4', 'ipv6'] as const;
/** For what takes a moment on an idle machine. */
const deadline = 20_000;

let world: World;
let api: ControlApiServer;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => {
  api.kill();
  world.destroy();
});

describe.each<Flavour>(['edera', 'krata'])('zones of %s', (flavour) => {
  beforeEach(async () => {
    api = await controlApiIn(world, flavour);
    await api.start();
  });
  const startDaemon = () =>
    world.startDaemon({ settings: zoneSettings(['control-api'], { api: api.path }), deadlineMs: deadline });
  const put = (id: string, zone: Zone, told = {}) => api.put(wireZone(flavour, id, zone, told));

  it('come: the link first or the zone first', async () => {
    const daemon = await startDaemon();
    const early = await world.addZone({ domid: 7 });
    expect(await untilState(daemon, early.link, 'unserved')).toMatchObject({
      reason: 'no zone directory knows this link',
    });
    expect(await isCutOff(early, farHost.ipv4)).toBe(true);
    put('early', early);
    put('late', { link: 'vif8.0', ipv4: '10.75.1.8', ipv6: 'fdd4:1476:6c7e::108' } as Zone);
    const late = await world.addZone({ domid: 8 });
    for (const [id, zone] of Object.entries({ early, late })) {
      const served = await untilState(daemon, zone.link, 'ready', deadline);
      expect(served).toMatchObject({ directory: 'control-api', origin: `zone ${id}`, name: id });
      for (const family of families) expect(await reaches(zone, farHost[family]), `${id} by ${family}`).toBe(true);
    }
    expect(await reaches(early, late.ipv4)).toBe(true);
  });

  it('without an address that can be used are a failure, told with the link', async () => {
    const zone = await world.addZone({ domid: 7 });
    put('z', zone, { ipv4: 'dhcp', ipv6: '' });
    const daemon = await startDaemon();
    const reason = /zone z: "dhcp(\/16)?" is not an address; ignored/;
    await waitFor(async () => (await daemon.status()).state === 'degraded', {
      what: 'the state',
      deadlineMs: deadline,
    });
    const unserved = await untilState(daemon, zone.link, 'unserved');
    expect(unserved).toMatchObject({ wanted: true, directory: 'control-api', origin: 'zone z' });
    expect(unserved.reason).toMatch(reason);
    expect(await world.cli(['status', '--check'])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(reason),
    });
    put('z', zone);
    await untilState(daemon, zone.link, 'ready', deadline);
    expect(await world.cli(['status', '--check'])).toMatchObject({ exitCode: 0 });
  });

  it('change their address: the new one works, the old one is cut off and gone', async () => {
    const zone = await world.addZone({ domid: 7 });
    put('z', zone);
    const daemon = await startDaemon();
    await untilState(daemon, zone.link, 'ready', deadline);
    const moved = { ipv4: '10.75.3.7', ipv6: 'fdd4:1476:6c7e::307' };
    put('z', zone, moved);
    await waitFor(
      async () => (await untilState(daemon, zone.link)).addresses.join() === `${moved.ipv4},${moved.ipv6}`,
      {
        what: 'the new addresses to be served',
        deadlineMs: deadline,
      },
    );
    expect(await tracesOf(world, zone.ipv4, zone.ipv6)).toEqual([]);
    for (const family of families) expect(await isCutOff(zone, farHost[family]), `old ${family}`).toBe(true);
    await readdress(zone, moved);
    for (const family of families) expect(await reaches(zone, farHost[family]), `new ${family}`).toBe(true);
  });

  it('change their domain under the same id: the old link is closed even while it lives', async () => {
    const before = await world.addZone({ domid: 7 });
    put('z', before);
    const daemon = await startDaemon();
    await untilState(daemon, before.link, 'ready', deadline);
    expect(await reaches(before, farHost.ipv4)).toBe(true);
    const after = await world.addZone({ domid: 9, ipv4: String(before.ipv4), ipv6: String(before.ipv6) });
    put('z', after);
    await untilState(daemon, after.link, 'ready', deadline);
    await untilState(daemon, before.link, 'unserved', deadline);
    for (const family of families) expect(await reaches(after, farHost[family]), family).toBe(true);
    expect(await isCutOff(before, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, before.link)).toEqual([]);
    await before.remove();
    await untilForgotten(daemon, before.link);
    expect(await reaches(after, farHost.ipv4)).toBe(true);
  });

  it('go: with an event of their end, or without a word from one list to the next', async () => {
    const [told, silent] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    put('told', told);
    put('silent', silent);
    const daemon = await startDaemon();
    for (const zone of [told, silent]) {
      await untilState(daemon, zone.link, 'ready', deadline);
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
    }
    api.zones.delete('silent');
    api.remove('told', wireZone(flavour, 'told', told, { ended: true }));
    for (const zone of [told, silent]) {
      await untilState(daemon, zone.link, 'unserved', deadline);
      expect(await tracesOf(world, zone.link, zone.ipv4, zone.ipv6)).toEqual([]);
      for (const family of families) expect(await isCutOff(zone, farHost[family]), `${zone.link} ${family}`).toBe(true);
    }
  });

  it('are destroyed and made anew under the same name with another address', async () => {
    const first = await world.addZone({ domid: 7 });
    put('first', first);
    const daemon = await startDaemon();
    await untilState(daemon, first.link, 'ready', deadline);
    await first.remove();
    api.remove('first', wireZone(flavour, 'first', first, { ended: true }));
    const second = await world.addZone({ domid: 8, ipv4: String(first.ipv4) });
    put('second', second);
    await untilState(daemon, second.link, 'ready', deadline);
    expect(await reaches(second, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, first.link, first.ipv6)).toEqual([]);
  });

  describe('while the server is away', () => {
    let stays: Zone;
    let vanishes: Zone;
    let daemon: Daemon;
    beforeEach(async () => {
      [stays, vanishes] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
      put('stays', stays);
      put('vanishes', vanishes);
      daemon = await startDaemon();
      await Promise.all([stays, vanishes].map((zone) => untilState(daemon, zone.link, 'ready', deadline)));
      expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
    });
    const untilPruned = async () => {
      await untilState(daemon, vanishes.link, 'unserved', deadline);
      expect(await isCutOff(vanishes, farHost.ipv4)).toBe(true);
      expect(await tracesOf(world, vanishes.link, vanishes.ipv4, vanishes.ipv6)).toEqual([]);
    };

    it('nothing is lost and nothing touched; who vanished is pruned after the first whole list', async () => {
      const vigil = await startVigil(world, stays);
      api.kill();
      const down = await untilDirectory(daemon, 'control-api', 'down');
      expect(down).toMatchObject({ entries: 2, detail: expect.stringContaining('its last answer stays in force') });
      api.zones.delete('vanishes');
      await vigil.flows();
      // Answers half of a list, then fails: no answer (krata's list is one reply, which fails as a whole).
      api.listing = 'fail';
      api.zonesPerReply = 1;
      const { lists } = api;
      await api.start();
      await waitFor(() => api.lists >= lists + 2, { what: 'two lists that fail', deadlineMs: deadline });
      expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
      expect(await vigil.noticed()).toEqual(nothing);
      api.listing = 'normal';
      await untilDirectory(daemon, 'control-api', 'answered');
      await untilPruned();
      const after = await vigil.noticed();
      expect(after).toMatchObject({ lost: 0, broken: null });
      expect(after.ip.filter((line) => line.startsWith('Deleted'))).not.toEqual([]);
      expect(vigil.mentions(stays.link)).toEqual([]);
      await vigil.stop();
    });

    it.each(['SIGTERM', 'SIGKILL'] as const)('the daemon restarts (%s) and knows what it served', async (signal) => {
      const vigil = await startVigil(world, stays);
      api.kill();
      await untilDirectory(daemon, 'control-api', 'down');
      await daemon.stop(signal);
      await vigil.flows();
      daemon = await startDaemon();
      expect(directoryOf(await daemon.status(), 'control-api')).toMatchObject({ state: 'waiting', entries: 0 });
      await vigil.flows();
      expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
      expect(await vigil.noticed()).toEqual(nothing);
      api.zones.delete('vanishes');
      await api.start();
      await untilDirectory(daemon, 'control-api', 'answered');
      await untilState(daemon, stays.link, 'ready', deadline);
      await untilPruned();
      expect(await vigil.noticed()).toMatchObject({ lost: 0, broken: null });
      expect(vigil.mentions(stays.link)).toEqual([]);
      await vigil.stop();
    });
  });
});

describe('zones of edera with another network backend', () => {
  const backends = { NONE: 1, EXTERNAL: 2, PASSTHROUGH: 3 };
  beforeEach(async () => {
    api = await controlApiIn(world, 'edera');
    await api.start();
  });

  it.each(Object.entries(backends))('%s are left alone, and are closed when they become so', async (name, backend) => {
    const [other, ours] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    const put = (zone: Zone, domid: number, told: number) =>
      api.put(ederaZone(zone.link, domid, [String(zone.ipv4), String(zone.ipv6)], { name, backend: told }));
    put(other, 7, backend);
    put(ours, 8, 0);
    const daemon = await world.startDaemon({
      settings: zoneSettings(['control-api'], { api: api.path }),
      deadlineMs: deadline,
    });
    await untilState(daemon, ours.link, 'ready', deadline);
    await untilState(daemon, other.link, 'unserved', deadline);
    expect(await tracesOf(world, other.link, other.ipv4, other.ipv6)).toEqual([]);
    expect(await linkIsUp(other)).toBe(false);
    put(ours, 8, backend);
    await untilState(daemon, ours.link, 'unserved', deadline);
    expect(await tracesOf(world, ours.link, ours.ipv4, ours.ipv6)).toEqual([]);
    expect(await isCutOff(ours, farHost.ipv4)).toBe(true);
    put(other, 7, 0);
    await untilState(daemon, other.link, 'ready', deadline);
    expect(await reaches(other, farHost.ipv4)).toBe(true);
  });
});

/** What the guest does when its host has told it other addresses. */
async function readdress(zone: Zone, { ipv4, ipv6 }: { ipv4: string; ipv6: string }): Promise<void> {
  await zone.ip(
    'address flush dev eth0 scope global',
    `address add ${ipv4}/${zoneSubnet.ipv4.length} dev eth0`,
    `address add ${ipv6}/${zoneSubnet.ipv6.length} dev eth0 nodad`,
    `route replace default via ${gateway.ipv4} dev eth0 onlink`,
    `route replace default via ${gateway.ipv6} dev eth0 onlink`,
  );
}

async function linkIsUp(zone: Zone): Promise<boolean> {
  const text = await world.host.mustExec('ip', ['-o', 'link', 'show', 'dev', zone.link]);
  return /<[^>]*\bUP\b/.test(text);
}
