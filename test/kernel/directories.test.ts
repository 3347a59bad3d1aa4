/** The three zone directories together: their order, their quarrels, and what is told about each of them. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DirectoryName } from '../../src/model/directory-name.ts';
import type { ControlApiServer } from '../control-api/server.ts';
import { farHost } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { tracesOf, untilDirectory } from '../lab/directories.ts';
import { isCutOff, reaches, untilState } from '../lab/served.ts';
import {
  ipNodeOf,
  openThreeDirectories,
  type ThreeDirectories,
  untilEntries,
  untilReady,
} from '../lab/three-directories.ts';
import { nothing, startVigil } from '../lab/vigil.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';
import type { Xenstored } from '../xenstored/xenstored.ts';

const deadline = 20_000;

let three: ThreeDirectories;
let world: World;
let api: ControlApiServer;
let xenstored: Xenstored;
let say: ThreeDirectories['say'];
beforeEach(async () => {
  three = await openThreeDirectories();
  ({ world, api, xenstored, say } = three);
  return () => three.close();
});
const startDaemon = (names: readonly DirectoryName[]) => three.startDaemon(names);

describe('directories that disagree', () => {
  it('about a link: the first wins, the other is reported; the order is the settings’, also when it changes', async () => {
    const zone = await world.addZone({ domid: 7 });
    await api.start();
    await say['control-api'](zone);
    await say.xenstore(zone, '10.75.3.7');
    await say.static(zone, '10.75.4.7');
    const daemon = await startDaemon(['control-api', 'xenstore', 'static']);
    expect(await untilReady(daemon, zone)).toMatchObject({
      directory: 'control-api',
      addresses: [zone.ipv4, zone.ipv6],
    });
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    const reports = daemon.log.filter(({ msg }) => /takes precedence/.test(String(msg)));
    expect(reports).toHaveLength(2);
    expect((await daemon.status()).warnings).toEqual([
      expect.stringMatching(
        /^vif7\.0: control-api says 10\.75\.1\.7, .* xenstore says 10\.75\.3\.7, .*; control-api takes precedence$/,
      ),
      expect.stringMatching(
        /^vif7\.0: control-api says 10\.75\.1\.7, .* static says 10\.75\.4\.7, .*; control-api takes precedence$/,
      ),
    ]);
    await three.change(daemon, ['static', 'xenstore', 'control-api']);
    await waitFor(async () => (await untilReady(daemon, zone)).directory === 'static', { what: 'static to win' });
    expect(await isCutOff(zone, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, zone.ipv4)).toEqual([]);
    expect(await tracesOf(world, '10.75.4.7')).not.toEqual([]);
  });

  it('about nothing: the same address from all is no report', async () => {
    const zone = await world.addZone({ domid: 7 });
    await api.start();
    for (const name of ['control-api', 'xenstore', 'static'] as const) await say[name](zone);
    const daemon = await startDaemon(['xenstore', 'control-api', 'static']);
    expect(await untilReady(daemon, zone)).toMatchObject({ directory: 'xenstore', origin: ipNodeOf(zone) });
    expect((await daemon.status()).warnings).toEqual([]);
  });

  it('about an address: a newcomer does not take it from who is served, whatever its directory’s place', async () => {
    const [served, newcomer] = await Promise.all([
      world.addZone({ domid: 8 }),
      world.addZone({ domid: 7, ipv4: '10.75.1.8' }),
    ]);
    await api.start();
    await say.static(served);
    const daemon = await startDaemon(['control-api', 'static']);
    await untilReady(daemon, served);
    const vigil = await startVigil(world, served);
    await say['control-api'](newcomer);
    const isRefused = async () =>
      (await daemon.status()).zones.some((zone) => zone.link === newcomer.link && zone.wanted);
    await waitFor(isRefused, { what: 'a report', deadlineMs: deadline });
    expect(await untilState(daemon, newcomer.link, 'unserved')).toMatchObject({
      reason: expect.stringContaining('10.75.1.8 already belongs to vif8.0'),
    });
    expect((await daemon.status()).state).toBe('degraded');
    expect(await isCutOff(newcomer, farHost.ipv4)).toBe(true);
    expect(await tracesOf(world, newcomer.link, newcomer.ipv6)).toEqual([]);
    expect(await vigil.noticed()).toEqual(nothing);
    await world.removeZoneFile(served.link);
    await untilReady(daemon, newcomer);
    await vigil.stop();
  });
});

describe('a zone that another directory takes over', () => {
  it('is not touched, and status says whose it is now', async () => {
    const zone = await world.addZone({ domid: 7 });
    await say.static(zone);
    const daemon = await startDaemon(['control-api', 'xenstore', 'static']);
    expect(await untilReady(daemon, zone)).toMatchObject({ directory: 'static' });
    const vigil = await startVigil(world, zone);
    await say.xenstore(zone);
    await waitFor(async () => (await daemon.status()).zones[0]?.directory === 'xenstore', {
      what: 'the new directory',
    });
    await world.removeZoneFile(zone.link);
    await untilEntries(daemon, 'static', 0);
    expect(await vigil.noticed()).toEqual(nothing);
    await vigil.stop();
  });
});

describe('the daemon', () => {
  it('starts without any of them and takes them as they come', async () => {
    const zones = await Promise.all([7, 8, 9].map((domid) => world.addZone({ domid })));
    const [byApi, byXenstore, byFile] = zones as [Zone, Zone, Zone];
    await rm(join(world.files.directory, 'edera'), { recursive: true });
    await rm(world.files.zones, { recursive: true });
    await xenstored.kill();
    const daemon = await startDaemon(['control-api', 'xenstore', 'static']);
    for (const name of ['control-api', 'static'] as const) await untilDirectory(daemon, name, 'absent');
    // The settings name its socket, so it is waited for.
    await untilDirectory(daemon, 'xenstore', 'waiting');
    expect(await daemon.status()).toMatchObject({ state: 'ready', failures: [] });
    for (const { link } of zones) await untilState(daemon, link, 'unserved');
    await xenstored.restart();
    await say.xenstore(byXenstore);
    await untilReady(daemon, byXenstore);
    await mkdir(join(world.files.directory, 'edera'));
    await api.start();
    await say['control-api'](byApi);
    await untilReady(daemon, byApi);
    await mkdir(world.files.zones);
    await say.static(byFile);
    await untilReady(daemon, byFile);
    for (const zone of zones) expect(await reaches(zone, farHost.ipv4), zone.link).toBe(true);
  });
});

describe('each directory’s health', () => {
  let daemon: Daemon;
  let zone: Zone;
  const startedAt = Date.now();
  beforeEach(async () => {
    zone = await world.addZone({ domid: 7 });
    await api.start();
    await say['control-api'](zone);
    await rm(world.files.zones, { recursive: true });
    daemon = await startDaemon(['control-api', 'xenstore', 'static']);
    await untilReady(daemon, zone);
  });

  it('is in the status and the metrics', async () => {
    expect((await daemon.status()).directories).toMatchObject([
      { name: 'control-api', state: 'answered', entries: 1, detail: `protect.control.v1 at ${api.path}`, problems: [] },
      { name: 'xenstore', state: 'answered', entries: 0, detail: `xenstored at ${xenstored.socket}` },
      { name: 'static', state: 'absent' },
    ]);
    const metrics = await daemon.get('/metrics');
    expect(metrics).toContain('protect_network_directory_up{directory="control-api"} 1');
    expect(metrics).toContain('protect_network_directory_up{directory="xenstore"} 1');
    expect(metrics).not.toContain('directory="static"');
    expect(metrics).toContain('protect_network_directory_entries{directory="control-api"} 1');
    const before = Date.now();
    api.kill();
    const down = await untilDirectory(daemon, 'control-api', 'down');
    expect(down.since).toBeGreaterThanOrEqual(before);
    expect(await daemon.get('/metrics')).toContain('protect_network_directory_up{directory="control-api"} 0');
    const text = (await world.cli(['status'])).stdout;
    expect(text).toMatch(/control-api down for .*its last answer stays in force/s);
    expect(text).toMatch(/xenstore answered for /);
    expect(text).toMatch(/static absent/);
  });

  it('is in /healthz', async () => {
    expect(await daemon.get('/healthz')).toMatch(/control-api.*answered/);
    api.kill();
    await untilDirectory(daemon, 'control-api', 'down');
    expect(await daemon.get('/healthz').catch((error: Error) => error.message)).toMatch(/control-api.*down/);
  });

  it('is told for every zone: which directory, where in it, and since when', async () => {
    const served = await untilReady(daemon, zone);
    expect(served).toMatchObject({ directory: 'control-api', origin: 'zone vif7.0', name: 'vif7.0' });
    expect(served.since).toBeGreaterThan(startedAt);
    expect(served.since).toBeLessThanOrEqual(Date.now());
    expect((await world.cli(['status'])).stdout).toMatch(/vif7\.0 .*ready .*control-api/);
    const later = await world.addZone({ domid: 8 });
    await mkdir(world.files.zones);
    await say.static(later);
    expect((await untilReady(daemon, later)).since).toBeGreaterThan(served.since);
    expect((await untilReady(daemon, zone)).since).toBe(served.since);
  });
});
