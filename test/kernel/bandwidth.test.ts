/** How fast policies let zones send and receive: real packets. A slow machine makes all of it slower, never faster. */
import { beforeAll, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { move, startBulkServer } from '../lab/bulk.ts';
import { openScene, type Scene, untilNothingToDo, untilState } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const port = 7100;
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { host, internet } = scene.world;
  await Promise.all([startBulkServer(internet, port), startBulkServer(host, port)]);
  return () => scene.world.destroy();
});

async function limit(limits: string, more = ''): Promise<void> {
  const { world } = scene;
  const text = limits === '' ? '' : `[[policy]]\nlinks = ["vif7.0"]\n[policy.limits]\n${limits}\n${more}`;
  const { passes } = await scene.daemon.status();
  await world.files.writePolicy('limits.toml', text);
  await waitFor(async () => (await scene.daemon.status()).passes > passes, { what: 'the limits', deadlineMs: 8_000 });
  await untilNothingToDo(world);
}

it.each([
  ['to beyond', farHost.ipv4],
  ['to beyond', farHost.ipv6],
  ['to dom0', hostUplink.ipv4],
])('a zone sends no more than it may, %s (%s)', async (_, address) => {
  const [zone, other] = scene.zones;
  await limit('send = "8mbit"');
  const before = await dropped();
  // The first second's worth may go at once.
  const { bytes, seconds } = await move('upload', zone, address, port, 4_000_000);
  expect(bytes).toBe(4_000_000);
  expect(seconds).toBeGreaterThan(2.5);
  expect(await dropped()).toBeGreaterThan(before);
  // What it receives, and another zone, are not bounded.
  const others = [
    await move('upload', other, address, port, 4_000_000),
    await move('download', zone, address, port, 4_000_000),
  ];
  for (const each of others) expect(each.seconds).toBeLessThan(seconds);
  await limit('');
});

it.each([
  ['from beyond', farHost.ipv4],
  ['from beyond', farHost.ipv6],
  ['from dom0', hostUplink.ipv4],
])('a zone receives no more than it may, %s (%s)', async (_, address) => {
  const [zone, other] = scene.zones;
  await limit('receive = "8mbit"');
  const { bytes, seconds } = await move('download', zone, address, port, 3_000_000);
  expect(bytes).toBe(3_000_000);
  expect(seconds).toBeGreaterThan(2.5);
  const others = [
    await move('download', other, address, port, 3_000_000),
    await move('upload', zone, address, port, 3_000_000),
  ];
  for (const each of others) expect(each.seconds).toBeLessThan(seconds);
  await limit('');
});

it('a shaper that is taken away is put back, another rate replaces it, and it goes with the policy', async () => {
  const { host } = scene.world;
  await limit('receive = "1gbit"');
  expect(await qdisc()).toMatch(/^qdisc tbf 75: root .* rate 1Gbit /);
  await host.mustExec('tc', ['qdisc', 'del', 'dev', 'vif7.0', 'root']);
  await waitFor(async () => (await qdisc()).includes('tbf 75:'), { what: 'the shaper' });
  expect((await scene.daemon.status()).putBack.shaper).toBe(1);
  await limit('receive = "500mbit"');
  expect(await qdisc()).toMatch(/^qdisc tbf 75: root .* rate 500Mbit /);
  await limit('');
  expect(await qdisc()).not.toContain('75:');
  expect((await scene.daemon.status()).putBack.shaper).toBe(1);
});

it('the smaller of two holds, and a zone that comes later is shaped as soon as it is served', async () => {
  const { world } = scene;
  await limit('receive = "1gbit"', '[[policy]]\nzones = ["*"]\nlimits.receive = "100mbit"\n');
  expect(await qdisc()).toContain('rate 100Mbit');
  const zone = await world.addZone({ domid: 9 });
  await world.declareZone(zone);
  await waitFor(async () => (await qdisc('vif9.0')).includes('tbf 75:'), { what: 'the shaper', deadlineMs: 15_000 });
  expect(await qdisc('vif9.0')).toContain('rate 100Mbit');
  await limit('');
});

it('bounds keep nothing from passing, and explain says so', async () => {
  await limit('connections = 100\nsend = "1gbit"\nreceive = "1gbit"');
  const { stdout, exitCode } = await scene.world.cli(['explain', 'vif7.0', '--to', farHost.ipv4]);
  expect(stdout).toMatch(/^✓ /);
  expect(stdout).toContain(
    'limits, beyond which it is dropped: at most 100 connections at once, sends at most 1gbit, receives at most 1gbit',
  );
  expect(exitCode).toBe(0);
  const shown = await scene.world.cli(['policy', 'show', 'vif7.0']);
  expect(shown.stdout).toContain('sends at most 1gbit\nreceives at most 1gbit\n');
  await limit('');
});

it('what somebody else has at the root stays, is named, and is no obstacle once it is gone', async () => {
  const { host } = scene.world;
  await host.mustExec('tc', ['qdisc', 'add', 'dev', 'vif7.0', 'root', 'handle', '1:', 'htb']);
  await limit('receive = "1gbit"');
  const warnings = async () => (await scene.daemon.status()).warnings.join('\n');
  await waitFor(async () => (await warnings()).includes('of another program'), { what: 'the warning' });
  expect(await warnings()).toContain(
    'vif7.0: receive = "1gbit" of its policies is not in force: qdisc htb 1: of another program is at its root',
  );
  expect(await qdisc()).toMatch(/^qdisc htb 1: root/);
  await host.mustExec('tc', ['qdisc', 'del', 'dev', 'vif7.0', 'root']);
  await waitFor(async () => (await qdisc()).includes('tbf 75:'), { what: 'the shaper' });
  await waitFor(async () => !(await warnings()).includes('of another program'), { what: 'the end of the warning' });
  await limit('');
});

it('a qdisc that looks like ours is somebody else’s on a link that is no zone’s', async () => {
  const { world } = scene;
  await world.host.mustExec(
    'tc',
    'qdisc add dev uplink0 root handle 75: tbf rate 1gbit burst 100kb latency 50ms'.split(' '),
  );
  const before = await qdisc('uplink0');
  await scene.daemon.stop();
  scene = { ...scene, daemon: await world.startDaemon() };
  await untilState(scene.daemon, 'vif7.0');
  await untilNothingToDo(world);
  expect((await world.cli(['cleanup', '--dry-run'])).stdout).not.toContain('uplink0');
  expect(await qdisc('uplink0')).toBe(before);
  await world.host.mustExec('tc', ['qdisc', 'del', 'dev', 'uplink0', 'root']);
});

it('a daemon that starts knows its shapers, and cleanup takes them away', async () => {
  const { world } = scene;
  await limit('receive = "1gbit"');
  await scene.daemon.stop();
  await world.files.writePolicy('limits.toml', '');
  scene = { ...scene, daemon: await world.startDaemon() };
  await waitFor(async () => !(await qdisc()).includes('75:'), { what: 'the shaper to go', deadlineMs: 15_000 });
  await limit('receive = "1gbit"');
  await scene.daemon.stop();
  expect((await world.cli(['cleanup', '--dry-run'])).stdout).toContain(
    'would: tc qdisc del dev vif7.0 root handle 75:\n',
  );
  expect(await qdisc()).toContain('75:');
  expect((await world.cli(['cleanup'])).exitCode).toBe(0);
  expect(await qdisc()).not.toContain('75:');
});

async function qdisc(link = 'vif7.0'): Promise<string> {
  return scene.world.host.mustExec('tc', ['qdisc', 'show', 'dev', link]);
}

async function dropped(): Promise<number> {
  const { zones } = await scene.daemon.status();
  return zones.find(({ link }) => link === 'vif7.0')?.dropped.bandwidth?.packets ?? 0;
}
