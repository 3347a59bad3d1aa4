/** Docker beside us, whoever came first: zones and containers both work, and Docker's rules stay Docker's. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { containerPort, Docker, publishedPort } from '../lab/docker.ts';
import { startEchoServer, startTransfer, tcpConnect } from '../lab/echo.ts';
import { copiesOfOurs, flavours, iptables, savedByOthers } from '../lab/iptables.ts';
import { openScene, type Scene, untilState } from '../lab/served.ts';
import { allWays, openWays, type Ways } from '../lab/ways.ts';
import { withWorld } from '../lab/world.ts';

const families = ['ipv4', 'ipv6'] as const;
/** Docker's rules on a host that has never seen us. */
let dockers: string;
beforeAll(async () => {
  dockers = await withWorld({}, async (world) => {
    await new Docker(world).start();
    return savedByOthers(world.host);
  });
  expect(dockers).toContain('-A FORWARD -j DOCKER-FORWARD');
});

describe('Docker that was there first', () => {
  let scene: Scene;
  let docker: Docker;
  let ways: Ways;
  beforeAll(async () => {
    scene = await openScene({
      routeBack: true,
      beforeDaemon: (world) => {
        docker = new Docker(world);
        return docker.start();
      },
    });
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('drops by policy what it does not know, and every way of a zone is open', async () => {
    for (const flavour of Object.values(flavours)) {
      const forward = await scene.world.host.mustExec(flavour, ['-S', 'FORWARD']);
      expect(forward.trim().split('\n')).toEqual([
        '-P FORWARD DROP',
        '-A FORWARD -j DOCKER-USER',
        '-A FORWARD -j DOCKER-FORWARD',
        '-A FORWARD -j EDERA-FORWARD',
      ]);
    }
    expect(await ways.open()).toEqual(allWays);
    expect((await scene.daemon.status()).warnings).toEqual([]);
  });

  it('keeps its rules to the byte', async () => {
    expect(await savedByOthers(scene.world.host)).toBe(dockers);
  });

  it('has its containers reached by their published port only, by zones as by everybody, and lets them out', async () => {
    const { world, zones } = scene;
    await Promise.all([startEchoServer(docker.container, containerPort), startEchoServer(docker.container, 9)]);
    for (const family of families) {
      for (const from of [world.internet, zones[1]]) {
        expect(await tcpConnect(from, hostUplink[family], publishedPort), from.name).toMatchObject({ ok: true });
        const inside = family === 'ipv4' ? '172.17.0.2' : 'fd00:d0c::2';
        expect(await tcpConnect(from, inside, 9, { timeoutMs: 300 }), from.name).toMatchObject({ ok: false });
      }
      expect(await tcpConnect(docker.container, farHost[family], ways.server.port)).toMatchObject({ ok: true });
    }
  });

  it('obeys an operator’s rule in DOCKER-USER for zones too', async () => {
    const [one] = scene.zones;
    await iptables(scene.world.host, 'ipv4', [`-I DOCKER-USER -i ${one.link} -j DROP`]);
    const left = allWays.filter((way) => way.endsWith('ipv6'));
    expect(await ways.open(left)).toEqual(left);
    await iptables(scene.world.host, 'ipv4', [`-D DOCKER-USER -i ${one.link} -j DROP`]);
    expect(await ways.open()).toEqual(allWays);
  });

  it('may restart while we run: transfers go on, nothing is double, and a new zone works', async () => {
    const { world, daemon, zones } = scene;
    const transfers = await Promise.all(
      families.map((family) => startTransfer(zones[0], farHost[family], ways.server.port)),
    );
    await docker.restart();
    for (const transfer of transfers) await transfer.waitForMore(5_000, 20_000);
    expect(await ways.openAfterRepair()).toEqual(allWays);
    expect(await savedByOthers(world.host)).toBe(dockers);
    for (const family of families)
      expect(new Set(Object.values(await copiesOfOurs(world.host, family)))).toEqual(new Set([1]));
    const late = await world.addZone({ domid: 9 });
    await world.declareZone(late);
    await untilState(daemon, late.link);
    for (const family of families)
      expect(await tcpConnect(late, farHost[family], ways.server.port)).toMatchObject({ ok: true });
  });
});

describe('Docker that comes while we run', () => {
  let scene: Scene;
  let docker: Docker;
  let ways: Ways;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    docker = new Docker(scene.world);
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('cuts no zone off, from its first rule on', async () => {
    const { world, zones } = scene;
    const transfers = await Promise.all(
      families.map((family) => startTransfer(zones[0], farHost[family], ways.server.port)),
    );
    await docker.start();
    for (const transfer of transfers) await transfer.waitForMore(5_000, 20_000);
    expect(await ways.openAfterRepair()).toEqual(allWays);
    expect(await savedByOthers(world.host)).toBe(dockers);
  });

  it('is as it was after all its rules and ours were flushed, and it was started again', async () => {
    const { world } = scene;
    await world.host.nft('flush ruleset');
    await docker.loadRules();
    expect(await ways.openAfterRepair()).toEqual(allWays);
    expect(await savedByOthers(world.host)).toBe(dockers);
  });

  it('keeps its rules to the byte when we go', async () => {
    const { world, daemon } = scene;
    await daemon.stop();
    expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0 });
    expect(await savedByOthers(world.host)).toBe(dockers);
    expect(await world.host.mustExec('nft', ['list', 'ruleset'])).not.toContain('EDERA');
  });
});
