/** The web view of a real daemon: the page of the package, and the connections that the kernel tracks. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Talk } from '../../src/control/talk.ts';
import { pageFiles } from '../../src/control/web.ts';
import type { WebView } from '../../src/control/web-view.ts';
import { farHost, gateway, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, startTransfer } from '../lab/echo.ts';
import { openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const listen = '127.0.0.1:9475';
let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ settings: { control: { 'metrics-listen': listen } } });
  await Promise.all([scene.world.internet, ...scene.zones].map((place) => startEchoServer(place)));
});
afterAll(() => scene.world.destroy());

it('is served with all its parts, and tells of the zones', async () => {
  expect(await get('/')).toMatch(/^<!doctype html>/);
  for (const name of Object.keys(pageFiles)) expect((await get(`/page/${name}`)).length, name).toBeGreaterThan(500);
  const view = JSON.parse(await get('/v1/view')) as WebView;
  expect(view.zones.map(({ link, state }) => [link, state])).toEqual([
    ['vif7.0', 'ready'],
    ['vif8.0', 'ready'],
  ]);
});

it('is missed by status where its port is taken, until another one is told', async () => {
  const { world, daemon } = scene;
  const said = async () => (await daemon.status()).faults.filter(({ what }) => what.startsWith('no metrics on '));
  const taken = await startEchoServer(world.host, 9476);
  await world.files.writeSettings({ control: { 'metrics-listen': `127.0.0.1:${taken.port}` } });
  await waitFor(async () => (await said()).length > 0, { what: 'status to say so' });
  expect(await said()).toMatchObject([{ level: 'warning', what: expect.stringContaining('127.0.0.1 port 9476') }]);
  expect((await daemon.status()).state).toBe('ready');
  await taken.stop();
  await world.files.writeSettings({ control: { 'metrics-listen': listen } });
  await waitFor(async () => (await said()).length === 0, { what: 'it to be over' });
  expect(await get('/')).toMatch(/^<!doctype html>/);
});

it('knows who talks to whom: zones among each other, the outside behind its translation, this host', async () => {
  const [one, two] = scene.zones;
  const transfers = [
    await startTransfer(one, String(two.ipv4), 7000),
    await startTransfer(one, String(two.ipv6), 7000),
    await startTransfer(two, farHost.ipv4, 7000),
  ];
  expect(await reaches(two, gateway.ipv4)).toBe(true);
  expect(await reaches(scene.world.host, one.ipv4)).toBe(true);
  const wanted = [
    'vif7.0 > vif8.0: 2, 7000/tcp',
    `vif8.0 > ${farHost.ipv4}: 1, 7000/tcp`,
    `vif8.0 > host ${gateway.ipv4}: 1, icmp`,
  ];
  const pairs = await waitFor(
    async () => {
      const talk = JSON.parse(await get('/v1/talk')) as Talk;
      const told = talk.pairs.map(
        ({ from, to, connections, services }) => `${end(from)} > ${end(to)}: ${connections}, ${services.join(' ')}`,
      );
      return wanted.every((line) => told.includes(line)) && told;
    },
    { what: wanted.join('; '), deadlineMs: 20_000, everyMs: 500 },
  );
  expect(pairs.some((line) => /^host \S+ > vif7\.0: 1, icmp$/.test(line))).toBe(true);
  expect(pairs.join('\n')).not.toContain(`> host ${hostUplink.ipv4}`);
  for (const transfer of transfers) await transfer.stop();
});

it('answers to no name but its own, and leaves no socket behind', async () => {
  const { stdout } = await curl('-w', '%{http_code}', '-H', 'Host: rebound.example:9475', `http://${listen}/v1/talk`);
  expect(stdout).toMatch(/421$/);
  const sockets = await scene.world.host.mustExec('sh', ['-c', `ls -l /proc/${scene.daemon.pid}/fd | grep -c socket:`]);
  for (let asked = 0; asked < 20; asked += 1) await get('/v1/talk');
  const after = await scene.world.host.mustExec('sh', ['-c', `ls -l /proc/${scene.daemon.pid}/fd | grep -c socket:`]);
  expect(Number(after)).toBeLessThanOrEqual(Number(sockets) + 1);
});

function end({ kind, link, address }: Talk['pairs'][number]['from']): string {
  return link ?? (kind === 'host' ? `host ${address}` : address);
}

function curl(...args: readonly string[]) {
  return scene.world.host.exec('curl', ['--silent', '--show-error', '--max-time', '20', ...args]);
}

async function get(path: string): Promise<string> {
  const { stdout, stderr, exitCode } = await curl('--fail', `http://${listen}${path}`);
  if (exitCode !== 0) throw new Error(`${path}: ${stderr}`);
  return stdout;
}
