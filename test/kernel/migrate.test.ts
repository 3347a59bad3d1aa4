/** What docs/ tells to type for leaving vif-route, and Edera's own example of a filter, word for word. */
import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/model/address.ts';
import { farHost, gateway, hostUplink, internetGateway } from '../lab/addresses.ts';
import { programPath } from '../lab/daemon.ts';
import { documented, type } from '../lab/documentation.ts';
import { startEchoServer, startTransfer, tcpConnect } from '../lab/echo.ts';
import { ping } from '../lab/ping.ts';
import { addServedZone, isCutOff, reaches, untilNothingToDo, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { createWorld, type World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const page = 'docs/migrate-from-vif-route.md';

describe('from vif-route to us, and back', () => {
  it('no packet of a running guest is lost', async () => {
    const world = await createWorld();
    try {
      const { host, internet } = world;
      const zones = await Promise.all([7, 8].map((domid) => world.addZone({ domid, ipv6: null })));
      for (const zone of zones) await vifRoute(world, zone);
      await host.setSysctls({ 'net.ipv4.ip_forward': 1 });
      await type(host, documented('your own rules for guests come back', page));
      const [one, two] = zones as [Zone, Zone];
      for (const zone of zones) await untilReached(zone);
      const server = await startEchoServer(internet);
      const transfer = await startTransfer(one, farHost.ipv4, server.port);

      const there = await pingDuring(two, async () => {
        await type(host, documented("the routes of running guests become protect-network's", page));
        for (const zone of zones) await world.declareZone(zone);
        const daemon = await world.startDaemon();
        for (const zone of zones) await untilState(daemon, zone.link);
        await type(host, documented('your own rules for guests go', page));
        await untilNothingToDo(world);
        return daemon;
      });
      expect(there).toMatchObject({ lost: 0 });
      const young = await addServedZone(world, there.result, { domid: 9 });
      expect(await reaches(young, farHost.ipv4)).toBe(true);
      expect(await transfer.waitForMore(10_000)).toMatchObject({ broken: null });

      const back = await pingDuring(two, async () => {
        await type(host, documented('your own rules for guests come back', page));
        await there.result.stop();
        await type(host, documented('the routes of running guests become your own', page));
        const lines = documented('everything of protect-network goes, and what guests need stays', page);
        const cleanup = `${programPath} cleanup ${world.files.options.join(' ')}`;
        await type(host, lines.replace('protect-network cleanup', cleanup));
      });
      expect(back).toMatchObject({ lost: 0 });
      expect(await host.mustExec('nft', ['list', 'ruleset'])).not.toContain('edera');
      // Whoever has forgotten the gateway finds it again.
      await two.ip('neighbour flush dev eth0');
      await untilReached(two);
      expect(await transfer.waitForMore(10_000)).toMatchObject({ broken: null });
      await transfer.stop();
      await server.stop();
    } finally {
      world.destroy();
    }
  });
});

it('from Edera’s own program to us, no packet of a running zone is lost', async () => {
  const world = await createWorld();
  try {
    const { host } = world;
    const zones = await Promise.all([7, 8].map((domid) => world.addZone({ domid })));
    await host.setSysctls({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    await type(host, 'iptables -P FORWARD DROP; ip6tables -P FORWARD DROP');
    for (const family of ['ip', 'ip6']) {
      await type(host, `nft add chain ${family} filter EDERA-FORWARD`);
      await type(host, `nft insert rule ${family} filter FORWARD counter jump EDERA-FORWARD`);
    }
    await type(host, 'iptables -t nat -A POSTROUTING -s 10.75.0.0/16 ! -d 10.75.0.0/16 -j MASQUERADE');
    await type(host, 'ip6tables -t nat -A POSTROUTING -s fdd4:1476:6c7e::/48 -j MASQUERADE');
    for (const zone of zones) await documentedZone(world, zone);
    const [one, two] = zones as [Zone, Zone];
    for (const zone of zones) for (const family of ['ipv4', 'ipv6'] as const) await untilReached(zone, family);
    const during = async () => {
      await type(host, documented('the routes of running zones become ours', 'docs/install-edera.md'));
      for (const zone of zones) await world.declareZone(zone);
      const daemon = await world.startDaemon();
      for (const zone of zones) await untilState(daemon, zone.link);
      await untilNothingToDo(world);
    };
    const { lost, result } = await pingDuring(one, () => pingDuring(two, during, 'ipv6'));
    expect([lost, result.lost]).toEqual([0, 0]);
    const routes = await Promise.all(['-4', '-6'].map((family) => host.mustExec('ip', [family, 'route', 'show'])));
    expect(routes.join('').match(/^(?!fe80).*dev vif.*$/gm)).toHaveLength(4);
    const chain = await host.mustExec('iptables-nft', ['-S', 'EDERA-FORWARD']);
    for (const { link } of zones) expect(chain.match(new RegExp(`-i ${link} -j ACCEPT`, 'g'))).toHaveLength(1);
  } finally {
    world.destroy();
  }
});

it('Edera’s example lets zones reach what it lists, and nothing else', () =>
  withScene({}, async ({ world, zones: [one] }) => {
    await Promise.all([startEchoServer(world.internet, 443), startEchoServer(world.internet, 80)]);
    const lines = documented('Create a chain for zone egress filtering', 'docs/filter-zones.md');
    await type(world.host, lines.replaceAll(/([{}])/g, "'$1'").replace('<ALLOWED_IP>', farHost.ipv4));
    await untilNothingToDo(world);
    expect(await tcpConnect(one, farHost.ipv4, 443)).toMatchObject({ ok: true });
    expect(await tcpConnect(one, farHost.ipv4, 80, { timeoutMs: 300 })).toMatchObject({ ok: false });
    expect(await isCutOff(one, internetGateway.ipv4)).toBe(true);
  }));

/** What vif-route of Xen 4.17 does for `ip=` (tools/hotplug/Linux/vif-route). */
async function vifRoute({ host }: World, { link, ipv4 }: Zone): Promise<void> {
  await host.ip(`address add ${hostUplink.ipv4}/32 dev ${link}`, `link set ${link} up`);
  await host.mustExec('sh', ['-c', `echo 1 > /proc/sys/net/ipv4/conf/${link}/proxy_arp`]);
  await host.ip(`route add ${ipv4} dev ${link} src ${hostUplink.ipv4} metric 2`);
}

/** What the zone-networking document shows for a zone, in both families. */
async function documentedZone({ host }: World, { link, ipv4, ipv6 }: Zone): Promise<void> {
  await host.ip(`link set ${link} up`);
  await type(
    host,
    `echo 1 > /proc/sys/net/ipv4/conf/${link}/proxy_arp; echo 1 > /proc/sys/net/ipv6/conf/${link}/proxy_ndp`,
  );
  await host.ip(`route add ${ipv4}/32 dev ${link}`, `route add ${ipv6}/128 dev ${link}`);
  await host.ip(`neighbour add proxy ${gateway.ipv6} dev ${link}`);
  for (const family of ['ip', 'ip6'])
    for (const direction of ['oifname', 'iifname'])
      await type(host, `nft add rule ${family} filter EDERA-FORWARD ${direction} '"${link}"' counter accept`);
}

/** Without us, the host answers ARP up to 0.8 s late, for which the lab's guests do not wait. */
async function untilReached(zone: Zone, family: Family = 'ipv4'): Promise<void> {
  await zone.setSysctls({ [`net.${family}.neigh.eth0.retrans_time_ms`]: 1000 });
  await waitFor(() => reaches(zone, farHost[family]), {
    what: `${zone.link} to reach the far host`,
    deadlineMs: 30_000,
  });
}

/** Echo requests, each 20 ms, for as long as `work` takes. */
async function pingDuring<T>(
  zone: Zone,
  work: () => Promise<T>,
  family: Family = 'ipv4',
): Promise<{ lost: number; result: T }> {
  let isDone = false;
  const doing = work().finally(() => {
    isDone = true;
  });
  let lost = 0;
  while (!isDone) {
    const { sent, received } = await ping(zone, farHost[family], { count: 25, timeoutMs: 5000 });
    lost += sent - received;
  }
  return { lost, result: await doing };
}
