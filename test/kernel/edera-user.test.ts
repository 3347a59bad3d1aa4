/** The operator's own chain: evaluated first, and left alone by everything we do. Its documented examples run as they stand. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import { documented, type } from '../lab/documentation.ts';
import { startEchoServer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { flavours } from '../lab/iptables.ts';
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

const families = ['ipv4', 'ipv6'] as const;

/** With iptables, and the same with nft. */
const languages = ['', 'with nft: '] as const;

describe('the documented examples', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    const { world, zones } = scene;
    await Promise.all([
      ...[25, 53, 443].map((port) => startEchoServer(world.internet, port)),
      ...zones.map((zone) => startEchoServer(zone)),
    ]);
    return () => scene.world.destroy();
  });

  it.each(languages)('%sstop mail of one zone, in both families', async (language) => {
    const {
      world,
      zones: [one, two],
    } = scene;
    for (const family of families) expect(await connects(one, farHost[family], 25)).toBe(true);
    await type(world.host, documented(`${language}vif7.0 sends no mail`));
    for (const family of families) {
      expect(await connects(one, farHost[family], 25)).toBe(false);
      expect(await connects(one, farHost[family], 443)).toBe(true);
      expect(await connects(two, farHost[family], 25)).toBe(true);
    }
    await emptyIt(scene);
  });

  it.each(languages)('%slet one zone open some connections only, and leave those to it alone', async (language) => {
    const {
      world,
      zones: [one, two],
    } = scene;
    const title =
      'vif7.0 opens connections to HTTPS and DNS, and to nothing else; from outside it is reached as before';
    await type(world.host, documented(`${language}${title}`));
    expect(await connects(one, farHost.ipv4, 443)).toBe(true);
    expect((await udpExchange(one, farHost.ipv4, 53)).ok).toBe(true);
    expect(await connects(one, farHost.ipv4, 53)).toBe(false);
    expect(await isCutOff(one, two.ipv4)).toBe(true);
    expect(await connects(world.internet, String(one.ipv4), 7000)).toBe(true);
    await emptyIt(scene);
  });

  it.each(languages)('%slet a zone be reached by other zones only', async (language) => {
    const {
      world,
      zones: [one, two],
    } = scene;
    await type(world.host, documented(`${language}only other zones open connections to vif8.0`));
    expect(await connects(world.internet, String(two.ipv4), 7000)).toBe(false);
    expect(await connects(one, String(two.ipv4), 7000)).toBe(true);
    expect(await connects(two, farHost.ipv4, 443)).toBe(true);
    await emptyIt(scene);
  });

  it.each(languages)('%ssave the chain to a file, and bring it back after a flush of everything', async (language) => {
    const {
      world,
      zones: [one],
    } = scene;
    await type(world.host, documented(`${language}vif7.0 sends no mail`));
    const [save = '', load = ''] = documented(`${language}everything in EDERA-USER, to a file and back`).split('\n');
    await type(world.host, `cd ${world.files.directory}; ${save}`);
    await world.host.nft('flush ruleset');
    await untilNothingToDo(world);
    expect(await connects(one, farHost.ipv4, 25)).toBe(true);
    await type(world.host, `cd ${world.files.directory}; ${load}`);
    await untilNothingToDo(world);
    expect(await world.host.mustExec(flavours.ipv4, ['-S', 'EDERA-USER'])).toBe(
      '-N EDERA-USER\n-A EDERA-USER -i vif7.0 -p tcp -m tcp --dport 25 -j DROP\n',
    );
    expect(await connects(one, farHost.ipv4, 25)).toBe(false);
    expect(await connects(one, farHost.ipv4, 443)).toBe(true);
    await emptyIt(scene);
  });
});

describe('a rule in EDERA-USER', () => {
  it(
    'holds through all that we do',
    () =>
      withScene({}, async (scene) => {
        const {
          world,
          zones: [one, two],
        } = scene;
        const { host, files } = world;
        let { daemon } = scene;
        for (const flavour of Object.values(flavours))
          await host.mustExec(flavour, ['-A', 'EDERA-USER', '-i', one.link, '-j', 'DROP']);
        const handles = await ruleLines(scene);
        const harms: readonly [string, () => Promise<unknown>][] = [
          ['a new zone', () => addServedZone(world, daemon, { domid: 9 })],
          [
            'a flush of our chain',
            () => host.nft('flush chain ip filter EDERA-FORWARD; flush chain ip6 filter EDERA-FORWARD'),
          ],
          ['a flush of FORWARD', () => host.nft('flush chain ip filter FORWARD; flush chain ip6 filter FORWARD')],
          ['the loss of our table', () => host.nft('delete table inet edera')],
          ['new settings', () => files.writeSettings({ forward: { mark: 0x20000000 } })],
          ['settings that deny', () => files.writeSettings({ isolation: { metadata: 'deny', host: 'deny' } })],
          [
            'a restart',
            async () => {
              await daemon.stop();
              daemon = await world.startDaemon();
              await untilState(daemon, two.link);
            },
          ],
          [
            'a crash',
            async () => {
              await daemon.kill();
              daemon = await world.startDaemon();
              await untilState(daemon, two.link);
            },
          ],
          [
            'cleanup, and a new start',
            async () => {
              await daemon.stop();
              const cleanup = await world.cli(['cleanup']);
              expect(cleanup).toMatchObject({ exitCode: 0, stderr: '' });
              expect(cleanup.stdout).toContain('note: ip6 filter EDERA-USER contains or is used by rules of yours');
              expect(await ruleLines(scene)).toEqual(handles);
              daemon = await world.startDaemon();
              await untilState(daemon, two.link);
            },
          ],
        ];
        for (const [what, harm] of harms) {
          await harm();
          await untilNothingToDo(world);
          expect(await ruleLines(scene), what).toEqual(handles);
          const held = families.flatMap((family) => [isCutOff(one, farHost[family]), reaches(two, farHost[family])]);
          expect(await Promise.all(held), what).toEqual([true, true, true, true]);
        }
      }),
    180_000,
  );

  it('comes before the denials of the settings, and cannot open the guard', () =>
    withScene({ settings: { isolation: { 'zone-to-zone': 'deny' } } }, async ({ world, zones: [one, two] }) => {
      expect(await isCutOff(one, two.ipv4)).toBe(true);
      await world.host.mustExec(flavours.ipv4, ['-A', 'EDERA-USER', '-j', 'ACCEPT']);
      expect(await reaches(one, two.ipv4)).toBe(true);
      await one.forge('10.75.0.99');
      for (const to of [farHost.ipv4, gateway.ipv4]) expect(await isCutOff(one, to, '10.75.0.99'), to).toBe(true);
    }));
});

async function connects(from: Parameters<typeof tcpConnect>[0], to: string, port: number): Promise<boolean> {
  return (await tcpConnect(from, to, port)).ok;
}

/** With their handles: a rule that was written again has another. */
async function ruleLines({ world }: Scene): Promise<string[]> {
  const list = (family: string) => world.host.mustExec('nft', ['-a', 'list', 'chain', family, 'filter', 'EDERA-USER']);
  const texts = await Promise.all(['ip', 'ip6'].map(list));
  const rules = texts.map((text) =>
    text
      .replace(/packets \d+ bytes \d+/, '')
      .split('\n')
      .filter((line) => /drop/i.test(line)),
  );
  return rules.flat();
}

async function emptyIt({ world }: Scene): Promise<void> {
  await world.host.nft('flush chain ip filter EDERA-USER; flush chain ip6 filter EDERA-USER');
}
