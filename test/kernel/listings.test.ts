/** What scripts get of a running daemon, and what `zone set --ipv4 auto` gives on a host where others have addresses, too. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { XenstoreClient } from '../../src/xenstore/index.ts';
import { zoneSettings } from '../lab/directories.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { withWorld } from '../lab/world.ts';
import { attachDevice, createDomain } from '../xenstored/as-xl.ts';
import { startXenstored } from '../xenstored/xenstored.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.world.destroy());

describe('status', () => {
  it('is the same as JSON and as YAML', async () => {
    const [json, yaml] = [
      await scene.world.cli(['status', '-o', 'json']),
      await scene.world.cli(['status', '-o', 'yaml']),
    ];
    const { zones, subnets, state } = JSON.parse(json.stdout);
    expect(load(yaml.stdout)).toMatchObject({
      subnets,
      state,
      zones: zones.map(({ link }: { link: string }) => ({ link })),
    });
  });

  it('is links alone, or the rows of zones alone', async () => {
    expect((await scene.world.cli(['status', '-o', 'name'])).stdout).toBe('vif7.0\nvif8.0\n');
    const { stdout } = await scene.world.cli(['status', '--no-headers']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ +/)[0]),
    ).toEqual(['vif7.0', 'vif8.0']);
  });
});

it('shells are offered the zones of the daemon and the links of the kernel', async () => {
  const { world } = scene;
  await world.addLink('vif90.0');
  await world.writeZoneFile('vif91.0', { ipv4: '10.75.0.91', name: '$(reboot)' });
  await world.writeZoneFile('vif92.0', { ipv4: '10.75.0.92', name: 'shop' });
  expect((await world.cli(['complete', 'zones'])).stdout).toBe('shop\nvif7.0\nvif8.0\nvif90.0\nvif91.0\nvif92.0\n');
});

it('zone set --ipv4 auto gives no address that a route leads to, or that xenstore gives to somebody else', () =>
  withWorld({}, async (world) => {
    const xenstored = await startXenstored();
    const client = new XenstoreClient({ paths: [xenstored.socket] });
    try {
      await client.start();
      await createDomain(client, 70, 'other');
      await attachDevice(client, 70, 0, '10.75.0.4');
      const socket = join(world.files.directory, 'xenstored.sock');
      await symlink(xenstored.socket, socket);
      await world.files.writeSettings(zoneSettings(['xenstore', 'static'], { xenstore: socket }));
      await world.host.ip('route add 10.75.0.3/32 dev uplink0', 'route add unreachable 10.75.0.6/31 table 77');
      const given = async (link: string) => (await world.cli(['zone', 'set', link, '--ipv4', 'auto'])).stdout;
      expect(await given('vif1.0')).toContain('vif1.0 has 10.75.0.5 ');
      expect(await given('vif2.0')).toContain('vif2.0 has 10.75.0.8 ');
    } finally {
      client.close();
      await xenstored.stop();
    }
  }));
