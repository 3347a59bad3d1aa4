/** `isolation.metadata = "deny"` for addresses that dom0 has itself, or that its operator sends to a service of dom0. */
import { beforeEach, describe, expect, it } from 'vitest';
import { hostUplink } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, tcpConnect } from '../lab/echo.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const denied = { isolation: { metadata: 'deny' } } as const;
const port = 7000;
const addresses = {
  ipv4: ['169.254.169.254', '169.254.0.23', '100.100.100.200'],
  ipv6: ['fd00:ec2::254', 'fd00:c1::a9fe:a9fe', 'fd00:a9fe:a9fe::1'],
};

describe.each(['ipv4', 'ipv6'] as const)('a metadata address (%s)', (family) => {
  let scene: Scene;
  const [metadata = '', ...others] = addresses[family];
  beforeEach(async () => {
    scene = await openScene({});
    return () => scene.world.destroy();
  });

  it('that dom0 has is denied, and what was open to it ends', async () => {
    const { world, zones } = scene;
    const [zone] = zones;
    for (const address of addresses[family]) await giveHost(address);
    await startEchoServer(world.host, port);
    const open = await startTransfer(zone, metadata, port);
    await deny();
    for (const address of [metadata, ...others]) expect(await isCutOff(zone, address), address).toBe(true);
    await open.waitForSilence();
    expect(await tcpConnect(zone, metadata, port)).toMatchObject({ ok: false });
    const explained = await world.cli(['explain', zone.link, '--to', metadata]);
    expect(explained.exitCode).toBe(1);
    expect(explained.stdout).toMatch(/isolation\.metadata/);
    // Nothing else of dom0 is.
    expect(await reaches(zone, hostUplink[family])).toBe(true);
    const accept = ['inet', 'edera', 'user-input', 'iifname', zone.link, 'accept'];
    await world.host.mustExec('nft', ['add', 'rule', ...accept]);
    expect(await reaches(zone, metadata)).toBe(true);
  });

  it('that is sent to a service of dom0 by DNAT is denied by what the zone asked for', async () => {
    const { world, zones } = scene;
    const [zone] = zones;
    const ip = family === 'ipv4' ? 'ip' : 'ip6';
    await startEchoServer(world.host, port);
    // The zone's link has no address for REDIRECT to choose: the proxy's is named.
    const target = family === 'ipv4' ? hostUplink.ipv4 : `[${hostUplink.ipv6}]`;
    await world.host.nft(
      `add table ${ip} proxy; add chain ${ip} proxy pre { type nat hook prerouting priority -100; }; add rule ${ip} proxy pre ${ip} daddr ${metadata} tcp dport 80 dnat to ${target}:${port}`,
    );
    const open = await startTransfer(zone, metadata, 80);
    await deny();
    await open.waitForSilence();
    expect(await tcpConnect(zone, metadata, 80)).toMatchObject({ ok: false });
    const to = family === 'ipv4' ? `${metadata}:80` : `[${metadata}]:80`;
    const explained = await world.cli(['explain', zone.link, '--to', to]);
    expect(explained.stdout).toMatch(/isolation\.metadata/);
    expect(explained.exitCode).toBe(1);
    expect(await tcpConnect(zone, hostUplink[family], port)).toMatchObject({ ok: true });
  });

  async function giveHost(address: string): Promise<void> {
    await scene.world.host.ip(`address add ${address} dev lo${family === 'ipv6' ? ' nodad' : ''}`);
    const [zone] = scene.zones;
    await waitFor(() => reaches(zone, address), { what: `${address} to answer` });
  }

  async function deny(): Promise<void> {
    await scene.world.files.writeSettings(denied);
    await waitFor(
      async () => (await scene.world.host.mustExec('nft', ['list', 'ruleset'])).includes('chain input-guard'),
      { what: 'the denial' },
    );
    await untilNothingToDo(scene.world);
  }
});
