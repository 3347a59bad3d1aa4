/** What honest guests do by neighbour discovery: check a neighbour that they know, and try a second address. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { ZoneStatus } from '../../src/control/status.ts';
import { gateway } from '../lab/addresses.ts';
import { udpExchange } from '../lab/echo.ts';
import { EventLog } from '../lab/event-log.ts';
import { addServedZone, isCutOff, openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';

const second = 'fdd4:1476:6c7e::9999';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({});
  return () => scene.world.destroy();
});

describe('a neighbour that a guest knows', () => {
  it.each([
    ['the gateway', () => gateway.ipv6],
    ['a sibling', () => String(scene.zones[1].ipv6)],
  ])('is found reachable when the guest checks it: %s', async (_whose, addressOf) => {
    const [zone] = scene.zones;
    const address = addressOf();
    expect(await waitFor(() => reaches(zone, address), { what: `${address} to answer` })).toBe(true);
    const before = await dropped(zone);
    await zone.setSysctls({ 'net/ipv6/neigh/eth0/delay_first_probe_time': 1 });
    const lladdr = /lladdr (\S+)/.exec(await zone.mustExec('ip', ['-6', 'neigh', 'show', address, 'dev', 'eth0']))?.[1];
    await zone.ip(`neigh replace ${address} dev eth0 lladdr ${lladdr} nud stale`);
    const events = await EventLog.start(zone, 'ip', ['-6', '-o', 'monitor', 'neigh']);
    // A datagram that nobody answers confirms nothing: the kernel has to ask.
    await udpExchange(zone, address, 9, { timeoutMs: 10 });
    const told = () =>
      events.lines.flatMap((line) => (line.startsWith(`${address} `) ? (line.trimEnd().split(' ').at(-1) ?? []) : []));
    const isOver = () => told().some((state) => state === 'REACHABLE' || state === 'FAILED');
    await waitFor(async () => isOver(), { what: 'the check to end', deadlineMs: 20_000 });
    expect(told().filter((state) => state !== 'DELAY')).toEqual(['PROBE', 'REACHABLE']);
    expect(await dropped(zone)).toEqual(before);
  });
});

describe('a second IPv6 address of a guest', () => {
  it('is told as one that is not given, and is no forgery', async () => {
    const { daemon } = scene;
    const [zone] = scene.zones;
    const before = await dropped(zone);
    await takeSecond(zone);
    await waitFor(async () => (await dropped(zone)).unassigned > before.unassigned, {
      what: 'its solicitations to be counted',
    });
    expect((await dropped(zone)).source).toBe(before.source);
    const line = await daemon.waitForLog(({ event, link }) => event === 'unassigned-address' && link === zone.link);
    expect(line['msg']).toContain(`neighbour discovery from ${second}: the zone's address is ${zone.ipv6}`);
    const status = await statusOf(zone);
    expect(status?.lastUnassigned?.source).toBe(second);
    expect(status?.lastForgery).toBe(null);
    expect((await scene.world.cli(['status'])).stdout).toContain('Unassigned IPv6 addresses');
  });

  it('of a zone that was given none is told so', async () => {
    const { world, daemon } = scene;
    const zone = await addServedZone(world, daemon, { domid: 9, ipv6: null });
    await takeSecond(zone);
    const line = await daemon.waitForLog(({ event, link }) => event === 'unassigned-address' && link === zone.link);
    expect(line['msg']).toContain('no IPv6 address is assigned to this zone');
  });

  it('that is a sibling’s is a forgery', async () => {
    const [one, two] = scene.zones;
    const before = await dropped(two);
    // On the link itself: else the solicitation goes out under a link-local source, and only what follows is forged.
    await two.ip(`address add ${one.ipv6}/128 dev eth0 nodad`);
    await two.ip('neigh flush dev eth0');
    expect(await isCutOff(two, gateway.ipv6, String(one.ipv6))).toBe(true);
    await waitFor(async () => (await dropped(two)).source > before.source, { what: 'the forgery to be counted' });
    expect((await dropped(two)).unassigned).toBe(before.unassigned);
  });
});

/** With duplicate address detection, and then in use: the gateway is asked for under it. */
async function takeSecond(zone: Zone): Promise<void> {
  await zone.setSysctls({ 'net/ipv6/conf/eth0/accept_dad': 1, 'net/ipv6/conf/eth0/dad_transmits': 1 });
  await zone.ip(`address add ${second}/48 dev eth0`);
  await waitFor(async () => !(await zone.mustExec('ip', ['-6', 'address', 'show', 'tentative'])).includes(second), {
    what: 'duplicate address detection to end',
  });
  await zone.ip('neigh flush dev eth0');
  expect(await isCutOff(zone, gateway.ipv6, second)).toBe(true);
}

async function statusOf(zone: Zone): Promise<ZoneStatus | undefined> {
  return (await scene.daemon.status()).zones.find(({ link }) => link === zone.link);
}

async function dropped(zone: Zone): Promise<{ source: number; unassigned: number }> {
  const counts = (await statusOf(zone))?.dropped;
  return { source: counts?.source?.packets ?? Number.NaN, unassigned: counts?.unassigned?.packets ?? Number.NaN };
}
