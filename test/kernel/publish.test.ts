/** Ports of dom0 that policies lead to zones: real packets from outside, from zones and from dom0 itself. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink, internetGateway } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import type { Namespace } from '../lab/namespace.ts';
import { openScene, type Scene, untilForgotten, untilNothingToDo, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const families = ['ipv4', 'ipv6'] as const;

function publishing(name: string, ports: string): string {
  return `[[policy]]\nzones = ["${name}"]\n${ports}`;
}

function port(listen: string, to: number, more = ''): string {
  return `[[policy.publish]]\nlisten = "${listen}"\nto = ${to}\n${more}\n`;
}

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { world, zones } = scene;
  await Promise.all([
    startEchoServer(zones[0], 8443),
    startEchoServer(zones[1], 8443),
    startEchoServer(world.host, 7443),
    ...zones.map((zone, index) =>
      world.files.writeZone(zone.link, { ipv4: zone.ipv4, ipv6: zone.ipv6, name: ['web', 'other'][index] ?? '' }),
    ),
  ]);
  return () => world.destroy();
});

const opens = (from: Namespace, to: string, number: number) => tcpConnect(from, to, number, { timeoutMs: 700 });

async function publish(policies: string, until: () => Promise<boolean>): Promise<void> {
  await scene.world.files.writePolicy('publish.toml', policies);
  await waitFor(until, { what: 'the port to be as the policy has it', deadlineMs: 8_000 });
  await untilNothingToDo(scene.world);
}

describe.each(families)('a published port (%s)', (family) => {
  it('is reached from outside, by another zone, by itself and by dom0, and the zone sees who asks', async () => {
    const { world, zones } = scene;
    const [zone, other] = zones;
    const reach = async (from: Namespace) => opens(from, hostUplink[family], 443);
    await publish(publishing('web', port('443/tcp', 8443)), async () => (await reach(world.internet)).ok);
    expect(await reach(world.internet)).toMatchObject({ ok: true, peer: internetGateway[family] });
    expect(await reach(other)).toMatchObject({ ok: true, peer: other[family] });
    expect(await reach(zone)).toMatchObject({ ok: true, peer: gateway[family] });
    expect(await reach(world.host)).toMatchObject({ ok: true, peer: hostUplink[family] });
  });

  it('is one port: neither others nor the gateway nor UDP lead to the zone', async () => {
    const { world, zones } = scene;
    expect((await opens(world.internet, hostUplink[family], 8443)).ok).toBe(false);
    expect((await opens(zones[1], gateway[family], 443)).ok).toBe(false);
    expect((await opens(world.host, family === 'ipv4' ? '127.0.0.1' : '::1', 443)).ok).toBe(false);
    const question = await udpExchange(world.internet, hostUplink[family], 443, { timeoutMs: 500 });
    expect(question.ok).toBe(false);
    // What is only passed on is not for this host.
    expect((await opens(zones[1], farHost[family], 443)).ok).toBe(false);
  });

  it('by UDP, for some, and on one address', async () => {
    const { world, zones } = scene;
    const who = `from = ["${internetGateway[family]}"]`;
    const at = family === 'ipv4' ? hostUplink.ipv4 : `[${hostUplink.ipv6}]`;
    const ask = (from: Namespace) => udpExchange(from, hostUplink[family], 5353, { timeoutMs: 500 });
    await publish(publishing('web', port(`${at}:5353/udp`, 8443, who)), async () => (await ask(world.internet)).ok);
    expect((await ask(zones[1])).ok).toBe(false);
    const far = await udpExchange(world.internet, hostUplink[family], 5353, {
      source: farHost[family],
      timeoutMs: 500,
    });
    expect(far.ok).toBe(false);
    const otherFamily = family === 'ipv4' ? 'ipv6' : 'ipv4';
    expect((await udpExchange(world.internet, hostUplink[otherFamily], 5353, { timeoutMs: 500 })).ok).toBe(false);
  });

  it("another zone's egress must allow the zone that it leads to", async () => {
    const { world, zones } = scene;
    const both = (allow: string) =>
      `${publishing('web', port('443/tcp', 8443))}[[policy]]\nzones = ["other"]\negress.allow = [${allow}]\n`;
    const reach = async () => (await opens(zones[1], hostUplink[family], 443)).ok;
    await publish(both(''), async () => !(await reach()) && (await opens(world.host, hostUplink[family], 443)).ok);
    await publish(both('"zone:web:8443"'), reach);
  });
});

it('the zone has it again after a restart under another link and another address', async () => {
  const { world, daemon, zones } = scene;
  const reach = () => opens(world.internet, hostUplink.ipv4, 2222);
  await publish(publishing('again', port('2222/tcp', 8443)), async () => !(await reach()).ok);
  for (const domid of [21, 22]) {
    const zone = await world.addZone({ domid });
    await world.files.writeZone(zone.link, { ipv4: zone.ipv4, ipv6: zone.ipv6, name: 'again' });
    await startEchoServer(zone, 8443);
    await waitFor(async () => (await reach()).ok, { what: `the port at ${zone.link}`, deadlineMs: 8_000 });
    await world.host.mustExec('ip', ['link', 'delete', zone.link]);
    await world.files.removeZone(zone.link);
    await untilForgotten(daemon, zone.link);
    await waitFor(async () => !(await reach()).ok, { what: 'the port to lead nowhere', deadlineMs: 8_000 });
  }
  expect(zones).toHaveLength(2);
});

it('a connection outlives changes to other policies', async () => {
  const { world } = scene;
  const reach = async (number: number) => (await opens(world.internet, hostUplink.ipv4, number)).ok;
  await publish(publishing('web', port('443/tcp', 8443)), () => reach(443));
  const transfer = await startTransfer(world.internet, hostUplink.ipv4, 443);
  await publish(publishing('web', port('444/tcp', 8443) + port('443/tcp', 8443)), () => reach(444));
  const { bytes } = transfer.progress();
  await waitFor(() => transfer.progress().bytes > bytes, { what: 'the transfer to go on' });
  await transfer.stop();
});

it('two publishers of one port: the first keeps it, and check and status name it', async () => {
  const { world, daemon } = scene;
  const both = publishing('web', port('443/tcp', 8443)) + publishing('other', port('192.0.2.1:443/tcp', 8443));
  await publish(both, async () => (await opens(world.internet, hostUplink.ipv4, 443)).ok);
  const warned = /publish\.toml:10:10: 192\.0\.2\.1:443\/tcp is published in .*publish\.toml:4 already/;
  expect((await world.cli(['check'])).stderr).toMatch(warned);
  await waitFor(async () => warned.test((await daemon.status()).warnings.join()), {
    what: 'status to name the conflict',
  });
});

it('a policy about several zones gives the port to the oldest, and says so', async () => {
  const { world, daemon } = scene;
  await publish(
    publishing('*', port('445/tcp', 8443)),
    async () => (await opens(world.internet, hostUplink.ipv4, 445)).ok,
  );
  const told = /publish\.toml:4: 445\/tcp leads to one zone only: vif7\.0 has the port, vif8\.0 has not/;
  await waitFor(async () => told.test((await daemon.status()).warnings.join()), {
    what: 'status to name the conflict',
  });
});

it('nothing is left of ports that are not published any more', async () => {
  const { world } = scene;
  await publish('', async () => !(await opens(world.internet, hostUplink.ipv4, 443)).ok);
  expect(await world.host.mustExec('nft', ['list', 'table', 'inet', 'edera'])).not.toMatch(/published/);
});

it('beside isolation: dom0 denied, zones apart, one uplink', async () => {
  const settings = { isolation: { host: 'deny', 'zone-to-zone': 'deny' }, uplink: { interfaces: ['uplink0'] } };
  await withScene({ settings }, async ({ world, zones }) => {
    await startEchoServer(zones[0], 8443);
    await world.files.writePolicy('p.toml', `[[policy]]\nlinks = ["vif7.0"]\n${port('443/tcp', 8443)}`);
    for (const family of families) {
      const reach = async (from: Namespace) => (await opens(from, hostUplink[family], 443)).ok;
      await waitFor(() => reach(world.internet), { what: 'the port' });
      expect(await reach(world.host)).toBe(true);
      expect(await reach(zones[1])).toBe(false);
    }
    // What comes by another interface than the uplinks is not from outside.
    await world.files.writeSettings({ uplink: { interfaces: ['wan0'] } });
    const reach = async (from: Namespace) => (await opens(from, hostUplink.ipv4, 443)).ok;
    await waitFor(async () => !(await reach(world.internet)), { what: 'the port to be closed' });
    expect(await reach(zones[1])).toBe(true);
  });
});
