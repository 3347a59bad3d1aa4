/** How many connections policies let zones begin, and how fast: real packets, counted by connection tracking. */
import { beforeAll, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, type Transfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { openScene, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { host, internet } = scene.world;
  await Promise.all([startEchoServer(internet, 7000), startEchoServer(host, 7000)]);
  return () => scene.world.destroy();
});

async function limit(limits: string, more = ''): Promise<void> {
  const policy = (links: string, text: string) => `[[policy]]\nlinks = ["${links}"]\n[policy.limits]\n${text}\n`;
  const { passes } = await scene.daemon.status();
  await scene.world.files.writePolicy('limits.toml', limits === '' ? more : policy('vif7.0', limits) + more);
  await waitFor(async () => (await scene.daemon.status()).passes > passes, { what: 'the limits', deadlineMs: 8_000 });
  await untilNothingToDo(scene.world);
}

const table = () => scene.world.host.mustExec('nft', ['list', 'table', 'inet', 'edera']);

async function opened(zone: Zone, to: string, count: number): Promise<Transfer[]> {
  const open: Transfer[] = [];
  for (let index = 0; index < count; index += 1) open.push(await startTransfer(zone, to, 7000));
  return open;
}

const reach = async (zone: Zone, to: string) => (await tcpConnect(zone, to, 7000, { timeoutMs: 700 })).ok;

/** Datagrams to ports where nobody answers: each is a connection of its own. */
async function begin(zone: Zone, to: string, count: number): Promise<void> {
  const program = `use Socket; socket(S,PF_INET,SOCK_DGRAM,0); for my $p (1..${count}) { send(S,"x",0,sockaddr_in(20000+$p,inet_aton("${to}"))) }`;
  await zone.mustExec('perl', ['-e', program]);
}

async function tracked(zone: Zone): Promise<number> {
  const text = await scene.world.host.mustExec('conntrack', ['-L', '-p', 'udp', '-s', zone.ipv4 ?? '']);
  return text.split('\n').filter((line) => line.startsWith('udp')).length;
}

async function dropped(link: string): Promise<number> {
  const { zones } = await scene.daemon.status();
  return zones.find((zone) => zone.link === link)?.dropped.limit?.packets ?? 0;
}

it.each(['ipv4', 'ipv6'] as const)('so many at once, to dom0 and beyond together, and no more (%s)', async (family) => {
  const [zone, other] = scene.zones;
  await limit('connections = 3');
  const before = await dropped('vif7.0');
  const open = [...(await opened(zone, farHost[family], 2)), ...(await opened(zone, hostUplink[family], 1))];
  expect(await reach(zone, farHost[family])).toBe(false);
  expect(await reach(zone, hostUplink[family])).toBe(false);
  expect(await dropped('vif7.0')).toBeGreaterThan(before);
  // What is open goes on, and another zone has a number of its own: none.
  const { bytes } = open[0]?.progress() ?? { bytes: 0 };
  await waitFor(() => (open[0]?.progress().bytes ?? 0) > bytes, { what: 'the transfer to go on' });
  const others = await opened(other, farHost[family], 5);
  await Promise.all([...others, ...open.slice(1)].map((transfer) => transfer.stop()));
  await scene.world.host.mustExec('conntrack', ['-D', '-p', 'tcp', '-s', zone[family] ?? '', '-d', hostUplink[family]]);
  await waitFor(() => reach(zone, farHost[family]), { what: 'room for another one' });
  await open[0]?.stop();
  await limit('');
});

it('a flood takes no more of the connection table than the limit', async () => {
  const [zone] = scene.zones;
  await limit('connections = 50');
  await begin(zone, farHost.ipv4, 500);
  expect(await tracked(zone)).toBeLessThanOrEqual(50);
  const line = await scene.daemon.waitForLog(({ event, link }) => event === 'limited' && link === 'vif7.0');
  expect(line).toMatchObject({
    msg: expect.stringContaining('zone vif7.0: new connections beyond its limits'),
  });
  await limit('');
});

it('datagrams of one connection that nobody answers are one', async () => {
  const [zone] = scene.zones;
  await limit('connections = 10\nnew-connections = "10/hour"');
  const before = await dropped('vif7.0');
  const program = `use Socket; socket(S,PF_INET,SOCK_DGRAM,0); for (1..200) { send(S,"x",0,sockaddr_in(30000,inet_aton("${farHost.ipv4}"))) }`;
  await zone.mustExec('perl', ['-e', program]);
  expect(await dropped('vif7.0')).toBe(before);
  expect((await udpExchange(zone, farHost.ipv4, 7000)).ok).toBe(true);
  await limit('');
});

it('so many in a time, the smallest of all policies, and as many again later', async () => {
  const [zone] = scene.zones;
  await limit(
    'new-connections = "6000/minute"',
    '[[policy]]\nzones = ["*"]\nlimits.new-connections = "20/second"\n[[policy]]\nlinks = ["vif7.0"]\nlimits.new-connections = "1000/second"\n',
  );
  const before = await tracked(zone);
  await begin(zone, farHost.ipv4, 400);
  const begun = (await tracked(zone)) - before;
  expect(begun).toBeGreaterThanOrEqual(19);
  expect(begun).toBeLessThan(80);
  await waitFor(() => reach(zone, farHost.ipv4), { what: 'room for another one' });
  await limit('');
});

it('holds for a zone that comes later, and beside egress', async () => {
  const { world } = scene;
  await limit('connections = 1', '[[policy]]\nlinks = ["vif9.0"]\nlimits.connections = 2\n');
  const zone = await world.addZone({ domid: 9 });
  await world.declareZone(zone);
  await waitFor(() => reach(zone, farHost.ipv4), { what: 'the zone to be served', deadlineMs: 15_000 });
  expect((await table()).match(/"vif9\.0" ct count over 2/)).not.toBeNull();
  // A policy with limits alone keeps it from nothing else.
  expect(await table()).not.toMatch(/policed/);
  await limit('connections = 1', `[[policy]]\nlinks = ["vif7.0"]\negress.allow = ["${hostUplink.ipv4}:7000"]\n`);
  await waitFor(async () => !(await reach(scene.zones[0], farHost.ipv4)), { what: 'egress' });
  await limit('');
  expect(await table()).not.toMatch(/connections-over|new-over/);
});
