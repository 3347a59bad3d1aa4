/** A restart is invisible: no packet lost, no rule or route touched, no helper left behind. */
import { describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, type Transfer } from '../lab/echo.ts';
import { ping } from '../lab/ping.ts';
import { childrenOf, type Scene, untilState, withScene } from '../lab/served.ts';

const endings = ['SIGTERM', 'SIGKILL'] as const;

describe.each(endings)('%s and a new start', (signal) => {
  it.each(['ipv4', 'ipv6'] as const)('during a running TCP transfer lose no packet and touch nothing (%s)', (family) =>
    withScene({}, async (scene) => {
      const { world, zones } = scene;
      const { host } = world;
      const server = await startEchoServer(world.internet);
      const transfer = await startTransfer(zones[0], farHost[family], server.port);
      const [nft, ip] = await Promise.all([
        host.eventLog('nft', ['monitor']),
        host.eventLog('ip', ['-o', 'monitor', 'link', 'route', 'netconf']),
      ]);
      const before = { snapshot: await host.snapshot(), lost: await lostBy(scene) };
      const [pings] = await Promise.all([
        // 3 s at 20 ms: longer than the restart.
        ping(zones[1], farHost[family], { count: 150 }),
        restart(scene, signal, transfer),
      ]);
      expect(await transfer.waitForMore(10_000)).toMatchObject({ broken: null });
      expect(pings).toMatchObject({ sent: 150, received: 150 });
      await expect.poll(() => lostBy(scene), { timeout: 10_000 }).toBe(before.lost);
      expect(await nft.settled(() => host.nft('add table inet marker; delete table inet marker'), 'marker')).toEqual(
        [],
      );
      expect(await ip.settled(() => host.ip('route add 10.98.0.0/16 dev uplink0'), '10.98.0.0/16')).toEqual([]);
      await host.ip('route del 10.98.0.0/16 dev uplink0');
      expect(await host.snapshot()).toBe(before.snapshot);
    }),
  );
});

it('no helper process lives beside the daemon', () =>
  withScene({}, async ({ daemon }) => {
    await expect.poll(async () => [...(await childrenOf(daemon)).values()], { timeout: 10_000 }).toEqual([]);
  }));

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends the daemon in order: exit code 0', (signal) =>
    withScene({}, async ({ daemon }) => {
      expect(await daemon.stop(signal)).toBe(0);
    }),
  );
});

describe('a new start', () => {
  it('takes up what changed while nobody looked', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      await daemon.kill();
      await one.remove();
      await world.host.ip(`route del ${two.ipv4}/32 dev ${two.link}`);
      await world.host.nft('flush chain inet edera guard');
      const next = await world.startDaemon();
      await untilState(next, two.link);
      expect(await ping(two, farHost.ipv4)).toMatchObject({ received: 1 });
      const snapshot = await world.host.snapshot();
      for (const trace of [one.link, String(one.ipv4), String(one.ipv6)]) expect(snapshot).not.toContain(trace);
    }));

  it('is refused while another daemon runs, which goes on undisturbed', () =>
    withScene({}, async ({ world, daemon, zones }) => {
      const second = await world.cli(['run']);
      expect(second.exitCode).toBe(1);
      expect(second.stderr).toMatch(/running|already/);
      expect((await daemon.status()).pid).toBe(daemon.pid);
      expect(await ping(zones[0], farHost.ipv4)).toMatchObject({ received: 1 });
    }));
});

/** Returns once the new daemon serves both zones, with data flowing in between. */
async function restart({ world, daemon, zones }: Scene, signal: NodeJS.Signals, transfer: Transfer): Promise<void> {
  await daemon.stop(signal);
  await transfer.waitForMore(10_000);
  const next = await world.startDaemon();
  for (const { link } of zones) await untilState(next, link);
  expect(await next.status()).toMatchObject({ transactions: 0, repairs: 0 });
}

/** TCP segments sent again, by both ends of the transfer. */
/**
 * TCP segments that were sent again and had not arrived: a busy machine makes a sender repeat what is only late, and
 * the receiver says so (RFC 2883). Its word may come after the transfer's.
 */
async function lostBy({ world, zones }: Scene): Promise<number> {
  const counters = ['TcpRetransSegs', 'TcpExtTCPDSACKRecv', 'TcpExtTCPDSACKOfoRecv'];
  const counts = await Promise.all(
    [world.internet, zones[0]].map(async (place) => {
      const text = await place.mustExec('nstat', ['-asz', ...counters]);
      const [repeated = Number.NaN, ...arrived] = counters.map((name) =>
        Number(new RegExp(`${name}\\s+(\\d+)`).exec(text)?.[1]),
      );
      return arrived.reduce((left, count) => left - count, repeated);
    }),
  );
  return counts.reduce((sum, count) => sum + count);
}
