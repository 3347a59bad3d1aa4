/** The three zone directories while settings change and the daemon restarts: what is served stays so until all have answered. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DirectoryName } from '../../src/model/directory-name.ts';
import type { ControlApiServer } from '../control-api/server.ts';
import { farHost } from '../lab/addresses.ts';
import { controlApiIn, directoryOf, tracesOf, untilDirectory, wireZone } from '../lab/directories.ts';
import { isCutOff, reaches, untilState } from '../lab/served.ts';
import { openThreeDirectories, type ThreeDirectories, untilEntries, untilReady } from '../lab/three-directories.ts';
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

describe('changed settings', () => {
  let zone: Zone;
  let other: Zone;
  beforeEach(async () => {
    [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
  });

  it('name another control API: what is served stays until that has answered, and follows it then', async () => {
    const second = await controlApiIn(world, 'krata', 'krata');
    try {
      await api.start();
      await say['control-api'](zone);
      await say['control-api'](other);
      const daemon = await startDaemon(['control-api']);
      await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
      second.put(wireZone('krata', 'k', zone));
      second.listing = 'hang';
      await second.start();
      const vigil = await startVigil(world, zone);
      await three.write(['control-api'], { api: second.path });
      await waitFor(() => second.lists > 0, { what: 'the new server to be asked', deadlineMs: deadline });
      await untilDirectory(daemon, 'control-api', 'waiting');
      await vigil.flows();
      expect(await reaches(other, farHost.ipv4)).toBe(true);
      expect(await vigil.noticed()).toEqual(nothing);
      second.listing = 'normal';
      await untilDirectory(daemon, 'control-api', 'answered');
      await untilState(daemon, other.link, 'unserved', deadline);
      expect(await isCutOff(other, farHost.ipv4)).toBe(true);
      expect(await vigil.noticed()).toMatchObject({ lost: 0, broken: null });
      expect(vigil.mentions(zone.link)).toEqual([]);
      expect(await untilReady(daemon, zone)).toMatchObject({ origin: 'zone k' });
      await vigil.stop();
    } finally {
      second.kill();
    }
  });

  it('add and remove directories: nothing is noticed where the others say the same', async () => {
    await api.start();
    for (const each of [zone, other])
      for (const name of ['control-api', 'xenstore', 'static'] as const) await say[name](each);
    const daemon = await startDaemon(['static']);
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    const vigil = await startVigil(world, zone);
    const steps: DirectoryName[][] = [
      ['control-api', 'static'],
      ['control-api'],
      ['xenstore'],
      ['static', 'xenstore', 'control-api'],
    ];
    for (const directories of steps) {
      await three.change(daemon, directories);
      const [first] = directories;
      await waitFor(async () => (await untilReady(daemon, zone)).directory === first, { what: `${first} to be first` });
      const answered = directories.map((name) => `${name} answered`).join();
      await waitFor(
        async () =>
          (await daemon.status()).directories.map(({ name, state }) => `${name} ${state}`).join() === answered,
        { what: `${directories.join(' and ')} to have answered` },
      );
    }
    expect(await vigil.noticed()).toEqual(nothing);
    await vigil.stop();
  });

  it('take a directory away: what only that knew is closed', async () => {
    await api.start();
    await say['control-api'](zone);
    await say.static(other);
    const daemon = await startDaemon(['control-api', 'static']);
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    const vigil = await startVigil(world, other);
    await three.change(daemon, ['static']);
    await untilState(daemon, zone.link, 'unserved', deadline);
    // What its siblings answered for it goes in the pass after.
    await waitFor(async () => (await tracesOf(world, zone.link, zone.ipv4, zone.ipv6)).length === 0, {
      what: 'no trace',
    });
    expect(await vigil.noticed()).toMatchObject({ lost: 0, broken: null });
    await vigil.stop();
  });

  it('while xenstored is slow to answer: another directory’s word is no reason to close its zones', async () => {
    await say.xenstore(zone);
    await say.static(other);
    const slow = join(world.files.directory, 'slow.sock');
    await symlink(xenstored.socket, slow);
    const daemon = await startDaemon(['xenstore', 'static']);
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    xenstored.freeze();
    await three.write(['xenstore', 'static'], { xenstore: slow });
    await untilEntries(daemon, 'xenstore', 0);
    await world.writeZoneFile(other.link, { ipv4: '10.75.3.8' });
    await waitFor(async () => (await tracesOf(world, '10.75.3.8')).length > 0, {
      what: 'the other’s new address',
      deadlineMs: deadline,
    });
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    xenstored.thaw();
    await untilDirectory(daemon, 'xenstore', 'answered');
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
  });

  it('where a waiting directory comes first, a later one’s other word does not win meanwhile', async () => {
    const second = await controlApiIn(world, 'edera', 'second');
    try {
      await api.start();
      await say['control-api'](zone);
      await say.static(zone, '10.75.3.7');
      const daemon = await startDaemon(['control-api', 'static']);
      expect(await untilReady(daemon, zone)).toMatchObject({ directory: 'control-api' });
      second.listing = 'hang';
      second.put(wireZone('edera', 'z', zone));
      await second.start();
      await three.change(daemon, ['control-api', 'static'], { api: second.path });
      await untilDirectory(daemon, 'control-api', 'waiting');
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
      second.listing = 'normal';
      await untilDirectory(daemon, 'control-api', 'answered');
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
    } finally {
      second.kill();
    }
  });
});

describe('a restart of the daemon', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    '(%s) while one directory hangs and another answers at once is noticed by nobody',
    async (signal) => {
      const [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
      await api.start();
      await say['control-api'](zone);
      await say.static(other);
      let daemon = await startDaemon(['control-api', 'xenstore', 'static']);
      await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
      const vigil = await startVigil(world, zone);
      api.listing = 'hang';
      await daemon.stop(signal);
      daemon = await startDaemon(['control-api', 'xenstore', 'static']);
      await untilReady(daemon, other);
      expect(await vigil.noticed()).toEqual(nothing);
      expect(directoryOf(await daemon.status(), 'control-api')).toMatchObject({ state: 'waiting' });
      api.listing = 'normal';
      await waitFor(async () => (await untilReady(daemon, zone)).directory === 'control-api', {
        what: 'the control API to confirm its zone',
        deadlineMs: deadline,
      });
      expect(await vigil.noticed()).toEqual(nothing);
      await vigil.stop();
    },
  );

  it('while one directory hangs leaves what zones of the other see of its zones', async () => {
    const [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await api.start();
    await say['control-api'](zone);
    await say.static(other);
    let daemon = await startDaemon(['control-api', 'static']);
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    const before = await world.host.proxies();
    api.listing = 'hang';
    await daemon.stop();
    daemon = await startDaemon(['control-api', 'static']);
    await untilReady(daemon, other);
    expect(await world.host.proxies()).toEqual(before);
    expect(await reaches(other, zone.ipv6)).toBe(true);
  });

  it('while xenstored is slow to answer and another directory is not is noticed by nobody', async () => {
    const [zone, other] = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await say.xenstore(zone);
    await say.static(other);
    let daemon = await startDaemon(['xenstore', 'static']);
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    const vigil = await startVigil(world, zone);
    await daemon.kill();
    xenstored.freeze();
    daemon = await world.startDaemon({ wait: 'nothing' });
    await untilDirectory(daemon, 'static', 'answered');
    await vigil.flows();
    xenstored.thaw();
    await Promise.all([zone, other].map((each) => untilReady(daemon, each)));
    expect(await vigil.noticed()).toEqual(nothing);
    await vigil.stop();
  });
});
