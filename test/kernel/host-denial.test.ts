/** `isolation.host = "deny"` ends what zones have open at dom0, whenever it was opened, and nothing of dom0's own. */
import { beforeEach, describe, expect, it } from 'vitest';
import { hostUplink } from '../lab/addresses.ts';
import { type EchoServer, startEchoServer, startQuestions, startTransfer, type Transfer } from '../lab/echo.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const denied = { isolation: { host: 'deny' } } as const;
const port = 7000;
const servicePort = 53;

describe.each(['ipv4', 'ipv6'] as const)('what is open at dom0 (%s)', (family) => {
  let scene: Scene;
  let servers: Record<'ofHost' | 'ofZone' | 'names', EchoServer>;
  beforeEach(async () => {
    scene = await openScene({});
    const { world, zones } = scene;
    const [ofHost, ofZone, names] = await Promise.all([
      startEchoServer(world.host, port),
      startEchoServer(zones[0], port),
      startEchoServer(world.host, servicePort),
    ]);
    servers = { ofHost, ofZone, names };
    return () => scene.world.destroy();
  });

  it('ends with the setting if a zone has opened it, and goes on if dom0 has', async () => {
    const { world } = scene;
    const [zones, own] = [await openByZone(), await openByHost()];
    await world.files.writeSettings(denied);
    await untilDenied();
    for (const each of zones) await each.waitForSilence();
    for (const each of own) await each.waitForMore(1);
    await world.files.writeSettings({});
    const [first] = scene.zones;
    await waitFor(() => reaches(first, hostUplink[family]), { what: 'dom0 to answer again' });
  });

  it('ends although a zone opened it when somebody had flushed our table; dom0’s own outlives that', async () => {
    const { world, daemon } = scene;
    const own = await openByHost();
    await world.files.writeSettings(denied);
    await untilDenied();
    process.kill(daemon.pid, 'SIGSTOP');
    await world.host.nft('flush ruleset');
    const zones = await openByZone();
    // Its answers to what came until now leave when the table is back, and are the first that connection tracking sees.
    process.kill(servers.names.pid, 'SIGSTOP');
    process.kill(daemon.pid, 'SIGCONT');
    await untilDenied();
    process.kill(servers.names.pid, 'SIGCONT');
    for (const each of zones) await each.waitForSilence();
    for (const each of own) await each.waitForMore(1);
  });

  /** A server's endless words, and a service's answers. */
  async function openByZone(): Promise<Transfer[]> {
    const [zone] = scene.zones;
    const to = hostUplink[family];
    return [await startTransfer(zone, to, port), await startQuestions(zone, to, servicePort)];
  }

  async function openByHost(): Promise<Transfer[]> {
    const { host } = scene.world;
    const to = String(scene.zones[0][family]);
    return [await startTransfer(host, to, port), await startQuestions(host, to, port)];
  }

  async function untilDenied(): Promise<void> {
    await untilNothingToDo(scene.world);
    expect(await isCutOff(scene.zones[0], hostUplink[family])).toBe(true);
  }
});
