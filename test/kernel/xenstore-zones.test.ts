/** Zones told by Debian's real xenstored, written to as `xl` and early krata do, on a real kernel. */
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { domidOf } from '../../src/model/link-name.ts';
import { farHost } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { tracesOf, untilDirectory, zoneSettings } from '../lab/directories.ts';
import { isCutOff, reaches, untilForgotten, untilPasses, untilState } from '../lab/served.ts';
import { nothing, startVigil } from '../lab/vigil.ts';
import { pause, waitFor } from '../lab/wait-for.ts';
import { createWorld, type World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';
import { startXenstored, type Xenstored } from '../xenstored/xenstored.ts';

const families = ['ipv4', 'ipv6'] as const;
const deadline = 20_000;
/** A second is what an idle machine keeps; without the event it would be the resync's ten minutes. */
const byEventMs = 10_000;

let world: World;
let xenstored: Xenstored;
/** What the daemon is told: a link to the socket, so that a restarted xenstored can be filled before it is found. */
let socket: string;
beforeEach(async () => {
  [world, xenstored] = await Promise.all([createWorld(), startXenstored()]);
  socket = join(world.files.directory, 'xenstored.sock');
  await symlink(xenstored.socket, socket);
});
afterEach(async () => {
  world.destroy();
  await xenstored.stop();
});

const settings = (resyncSeconds = 600) => ({
  ...zoneSettings(['xenstore'], { xenstore: socket }),
  reconcile: { 'resync-seconds': resyncSeconds },
});
const startDaemon = (resyncSeconds?: number) =>
  world.startDaemon({ settings: settings(resyncSeconds), deadlineMs: deadline });

const backendOf = (zone: Zone) => `/local/domain/0/backend/vif/${zone.link.slice(3).replace('.', '/')}`;

/** `vif = [ 'ip=…' ]`: libxl's keys in its order, and the permissions it gives the frontend's domain. */
async function attach(zone: Zone, ip = `${zone.ipv4} ${zone.ipv6}`): Promise<void> {
  const domid = domidOf(zone.link);
  const folder = backendOf(zone);
  const frontend = `/local/domain/${domid}/device/vif/0`;
  const keys = {
    frontend,
    'frontend-id': domid,
    online: 1,
    state: 1,
    script: '',
    mac: '00:16:3e:00:00:07',
    ip,
    handle: 0,
  };
  for (const [key, value] of Object.entries(keys)) await xenstored.write(`${folder}/${key}`, String(value));
  for (const node of [folder, ...Object.keys(keys).map((key) => `${folder}/${key}`)]) {
    await xenstored.chmod(node, 'n0', `r${domid}`);
  }
  await xenstored.write(`/local/domain/${domid}/name`, `guest${domid}`);
}

describe('zones of xl', () => {
  it('work by both families of one ip node, whether its key or their link comes first', async () => {
    const daemon = await startDaemon();
    const linkFirst = await world.addZone({ domid: 7 });
    await untilState(daemon, linkFirst.link, 'unserved');
    expect(await isCutOff(linkFirst, farHost.ipv4)).toBe(true);
    await attach(linkFirst);
    const keyFirst = { link: 'vif8.0', ipv4: '10.75.1.8', ipv6: 'fdd4:1476:6c7e::108' } as Zone;
    await attach(keyFirst, `${keyFirst.ipv4}/16 ${keyFirst.ipv6}/48`);
    const zones = [linkFirst, await world.addZone({ domid: 8 })];
    for (const zone of zones) {
      const served = await untilState(daemon, zone.link, 'ready', deadline);
      expect(served).toMatchObject({
        directory: 'xenstore',
        origin: `${backendOf(zone)}/ip`,
        addresses: [zone.ipv4, zone.ipv6],
      });
      for (const family of families) expect(await reaches(zone, farHost[family]), `${zone.link} ${family}`).toBe(true);
    }
  });

  it('follow a changed key, and go with it', async () => {
    const zone = await world.addZone({ domid: 7 });
    await attach(zone, '10.75.3.7');
    const daemon = await startDaemon();
    await untilState(daemon, zone.link, 'ready', deadline);
    expect(await isCutOff(zone, farHost.ipv4)).toBe(true);
    await xenstored.write(`${backendOf(zone)}/ip`, String(zone.ipv4));
    await waitFor(() => reaches(zone, farHost.ipv4), { what: 'the new address to work', deadlineMs: deadline });
    expect(await tracesOf(world, '10.75.3.7', zone.ipv6)).toEqual([]);
    await xenstored.remove(backendOf(zone));
    await untilState(daemon, zone.link, 'unserved', deadline);
    expect(await isCutOff(zone, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, zone.link, zone.ipv4)).toEqual([]);
  });

  it.each([
    [700, 'the backend’s node 0.7 s after the link, as on a real dom0'],
    [-700, 'the link 0.7 s after the backend’s node'],
  ])('leave nothing behind (%i ms: %s)', async (milliseconds) => {
    const daemon = await startDaemon();
    const stays = await world.addZone({ domid: 8 });
    await attach(stays);
    await untilState(daemon, stays.link, 'ready', deadline);
    const before = await world.host.snapshot();
    const goes = await world.addZone({ domid: 7 });
    await attach(goes);
    await untilState(daemon, goes.link, 'ready', deadline);
    expect(await world.host.snapshot()).not.toBe(before);
    const lines = daemon.log.length;
    const [first, second] = [() => goes.remove(), () => xenstored.remove(backendOf(goes))];
    await (milliseconds > 0 ? first() : second());
    // The order is what is tested: time passes between the two as it does there, and nothing is awaited by it.
    await pause(Math.abs(milliseconds));
    await (milliseconds > 0 ? second() : first());
    await untilForgotten(daemon, goes.link);
    await waitFor(async () => (await world.host.snapshot()) === before, {
      what: 'the host as it was',
      deadlineMs: deadline,
    });
    expect((await untilDirectory(daemon, 'xenstore', 'answered')).problems).toEqual([]);
    const failures = daemon.log.slice(lines).filter(({ level }) => Number(level) >= 50);
    expect(failures).toEqual([]);
    expect(await reaches(stays, farHost.ipv4)).toBe(true);
  });
});

describe('an ip node of domain 0’s that holds no address', () => {
  it('is a failure, told with the link; what a guest may have written is none', async () => {
    const [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await attach(zone);
    await attach(other);
    const daemon = await startDaemon();
    await Promise.all([zone, other].map(({ link }) => untilState(daemon, link, 'ready', deadline)));
    expect((await daemon.status()).state).toBe('ready');
    const node = `${backendOf(zone)}/ip`;
    await xenstored.write(node, 'dhcp');
    const reason = `${node}: "dhcp" is not an address`;
    expect(await untilState(daemon, zone.link, 'unserved', deadline)).toMatchObject({ wanted: true, reason });
    expect(await daemon.status()).toMatchObject({ state: 'degraded', directories: [{ entries: 1 }] });
    for (const words of [['status', '--check'], ['doctor'], ['status']]) {
      const { exitCode, stdout } = await world.cli(words);
      const told = stdout.replaceAll(/\s+/g, ' ');
      expect(told.split(reason), words.join(' ')).toHaveLength(2);
      expect(exitCode, words.join(' ')).toBe(words.join() === 'status' ? 0 : 1);
    }
    expect((await world.cli(['explain', zone.link])).stdout).toContain(reason);
    // From now on the guest may write it, who could switch an alarm on and off by it.
    await xenstored.chmod(node, 'n0', 'b7');
    await waitFor(async () => (await daemon.status()).state === 'ready', { what: 'the state ready' });
    expect(await untilState(daemon, zone.link, 'unserved', deadline)).toMatchObject({ wanted: false });
    await xenstored.chmod(node, 'n0', 'r7');
    await xenstored.write(node, String(zone.ipv4));
    await untilState(daemon, zone.link, 'ready', deadline);
  });
});

describe('a node that is opened to the guest', () => {
  const attacksIn = (daemon: Daemon) => daemon.log.filter(({ msg }) => /possible attack/.test(String(msg)));

  it.each([
    ['the ip node itself', (zone: Zone) => `${backendOf(zone)}/ip`],
    ['the folder of the guest’s backends', () => '/local/domain/0/backend/vif/7'],
  ])('cuts the guest off at once, and is reported once: %s', async (_case, nodeOf) => {
    const [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await attach(zone);
    await attach(other);
    const daemon = await startDaemon(1);
    await Promise.all([zone, other].map(({ link }) => untilState(daemon, link, 'ready', deadline)));
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    const node = nodeOf(zone);
    await xenstored.chmod(node, 'n0', 'b7');
    const opened = performance.now();
    await waitFor(async () => (await tracesOf(world, zone.ipv4)).length === 0, {
      what: 'the zone to be closed',
      deadlineMs: deadline,
    });
    expect(performance.now() - opened).toBeLessThan(byEventMs);
    for (const family of families) expect(await isCutOff(zone, farHost[family]), family).toBe(true);
    await untilPasses(daemon, 3);
    expect(attacksIn(daemon)).toHaveLength(1);
    expect(String(attacksIn(daemon)[0]?.['msg'])).toContain(`${node} is not used: domain 7 may write it`);
    expect(await reaches(other, farHost.ipv4)).toBe(true);
    // What the guest writes now is not believed either.
    await xenstored.write(`${backendOf(zone)}/ip`, String(other.ipv4));
    await xenstored.write(`${backendOf(zone)}/ip`, String(zone.ipv4));
    await xenstored.chmod(node, 'n0', 'r7');
    await untilState(daemon, zone.link, 'ready', deadline);
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    expect(attacksIn(daemon)).toHaveLength(2);
    expect(String(attacksIn(daemon)[1]?.['msg'])).toMatch(/^resolved: /);
  });
});

describe('zones of early krata', () => {
  it.each(['guest', 'zone'])('work by the keys in krata/network/%s, on a link of any device id', async (form) => {
    const zone = await world.addZone({ domid: 7, devid: 20 });
    await attach(zone, '');
    await xenstored.remove(`${backendOf(zone)}/ip`);
    const folder = `/local/domain/7/krata/network/${form}`;
    const daemon = await startDaemon();
    await untilState(daemon, zone.link, 'unserved', deadline);
    await xenstored.write(`${folder}/ipv4`, `${zone.ipv4}/16`);
    await xenstored.write(`${folder}/ipv6`, `${zone.ipv6}/48`);
    await xenstored.write(`${folder}/mac`, '00:16:3e:00:00:07');
    await waitFor(async () => (await untilState(daemon, zone.link, 'ready', deadline)).addresses.length === 2, {
      what: 'both addresses',
    });
    for (const family of families) expect(await reaches(zone, farHost[family]), family).toBe(true);
    await xenstored.chmod('/local/domain/7', 'n0', 'b7');
    const opened = performance.now();
    await waitFor(async () => (await tracesOf(world, zone.ipv4)).length === 0, {
      what: 'the zone to be closed',
      deadlineMs: deadline,
    });
    expect(performance.now() - opened).toBeLessThan(byEventMs);
    expect(await isCutOff(zone, farHost.ipv4)).toBe(true);
  });
});

describe('while xenstored is away', () => {
  let stays: Zone;
  let vanishes: Zone;
  let daemon: Daemon;
  beforeEach(async () => {
    [stays, vanishes] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await attach(stays);
    await attach(vanishes);
    daemon = await startDaemon();
    await Promise.all([stays, vanishes].map(({ link }) => untilState(daemon, link, 'ready', deadline)));
    expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
  });
  /** As after a live update: the tree is there before anybody can ask, but for one domain's. */
  const restartWithout = async () => {
    await rm(socket, { force: true });
    await xenstored.restart();
    await attach(stays);
    await symlink(xenstored.socket, socket);
  };
  const untilPruned = async () => {
    await untilState(daemon, vanishes.link, 'unserved', deadline);
    expect(await isCutOff(vanishes, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, vanishes.link, vanishes.ipv4, vanishes.ipv6)).toEqual([]);
  };

  it('nothing is lost and nothing touched; who vanished is pruned after it is back and read', async () => {
    const vigil = await startVigil(world, stays);
    await rm(socket);
    await xenstored.kill();
    expect(await untilDirectory(daemon, 'xenstore', 'down')).toMatchObject({ entries: 2 });
    await vigil.flows();
    expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
    expect(await vigil.noticed()).toEqual(nothing);
    await restartWithout();
    await untilDirectory(daemon, 'xenstore', 'answered');
    await untilPruned();
    expect(await vigil.noticed()).toMatchObject({ lost: 0, broken: null });
    expect(vigil.mentions(stays.link)).toEqual([]);
    await vigil.stop();
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'and its socket is still there, a restarted daemon (%s) leaves what it served',
    async (signal) => {
      const vigil = await startVigil(world, stays);
      await xenstored.kill();
      await untilDirectory(daemon, 'xenstore', 'down');
      await daemon.stop(signal);
      await leaveDeadSocket();
      daemon = await startDaemon();
      await untilDirectory(daemon, 'xenstore', 'waiting');
      await vigil.flows();
      expect(await reaches(vanishes, farHost.ipv4)).toBe(true);
      expect(await vigil.noticed()).toEqual(nothing);
      await restartWithout();
      await untilDirectory(daemon, 'xenstore', 'answered');
      await untilState(daemon, stays.link, 'ready', deadline);
      await untilPruned();
      expect(await vigil.noticed()).toMatchObject({ lost: 0, broken: null });
      expect(vigil.mentions(stays.link)).toEqual([]);
      await vigil.stop();
    },
  );
});

/** What a killed server leaves: a socket that nobody listens on. Node removes its own on close, not on exit. */
async function leaveDeadSocket(): Promise<void> {
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.exit(0))`;
  await world.host.mustExec(process.execPath, ['-e', script, xenstored.socket]);
}
