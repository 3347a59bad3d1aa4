/** The lab itself, without the daemon: if these fail, no other kernel test means anything. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink, internetGateway } from '../lab/addresses.ts';
import { directoryOf, processesIn } from '../lab/cleanup.ts';
import { ipBatch, LongRunning, mustRun, run } from '../lab/command.ts';
import { startEchoServer, startTransfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { ping } from '../lab/ping.ts';
import { repository } from '../lab/program.ts';
import { waitFor } from '../lab/wait-for.ts';
import { createWorld, type World, withWorld } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

describe('a fresh world', () => {
  it('lets host and internet reach each other, and the far host by the default route', () =>
    withWorld({}, async ({ host, internet }) => {
      for (const to of [internetGateway.ipv4, internetGateway.ipv6, farHost.ipv4, farHost.ipv6]) {
        expect(await ping(host, to), to).toMatchObject({ received: 1 });
      }
      for (const to of [hostUplink.ipv4, hostUplink.ipv6]) {
        expect(await ping(internet, to), to).toMatchObject({ received: 1 });
      }
    }));

  it('leaves out what it is told to', async () => {
    await withWorld({ ipv6: false }, async ({ host }) => {
      expect(await host.sysctl('net/ipv6/conf/uplink0/disable_ipv6')).toBe('1');
      expect(await host.routes(6)).toEqual([]);
    });
    await withWorld({ defaultRoute: false }, async ({ host }) => {
      expect((await host.routes()).map(({ dst }) => dst)).toEqual(['192.0.2.0/24']);
    });
    await withWorld({ uplink: false }, async ({ host }) => {
      expect(await host.routes()).toEqual([]);
      expect(await host.sysctl('net/ipv4/conf/uplink0/forwarding')).toBeUndefined();
    });
  });
});

describe('a zone', () => {
  it('has its link DOWN on the host, with netback’s address, and reaches nobody', () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: 7, devid: 2 });
      const link = await world.host.mustExec('ip', ['link', 'show', 'vif7.2']);
      expect(link).toContain('fe:ff:ff:ff:ff:ff');
      expect(link).toContain('state DOWN');
      expect(await ping(zone, farHost.ipv4, { timeoutMs: 200 })).toMatchObject({ received: 0 });
      expect(await ping(zone, farHost.ipv6, { timeoutMs: 200 })).toMatchObject({ received: 0 });
    }));

  it('talks to the internet and to its sibling once wired by hand', () =>
    withWorld({}, async (world) => {
      const [one, two] = await Promise.all([world.addZone({ domid: 1 }), world.addZone({ domid: 2 })]);
      await wireByHand(world, [one, two]);
      for (const to of [farHost.ipv4, farHost.ipv6, two.ipv4, two.ipv6]) {
        expect(await ping(one, String(to)), to).toMatchObject({ received: 1, rttMs: [expect.any(Number)] });
      }
    }));

  it('is seen by echo servers with the address its packets carry', () =>
    withWorld({}, async (world) => {
      const [one, two] = await Promise.all([world.addZone({ domid: 1 }), world.addZone({ domid: 2 })]);
      await wireByHand(world, [one, two]);
      const [far, near] = await Promise.all([startEchoServer(world.internet), startEchoServer(two)]);
      for (const connect of [tcpConnect, udpExchange]) {
        expect(await connect(one, farHost.ipv4, far.port)).toMatchObject({ ok: true, peer: hostUplink.ipv4 });
        expect(await connect(one, farHost.ipv6, far.port)).toMatchObject({ ok: true, peer: hostUplink.ipv6 });
        expect(await connect(one, String(two.ipv4), near.port)).toMatchObject({ ok: true, peer: one.ipv4 });
        expect(await connect(one, farHost.ipv4, 9, { timeoutMs: 300 })).toMatchObject({ ok: false });
      }
    }));

  it.each([false, true])('is answered without masquerade only where the internet has a route back (%s)', (routeBack) =>
    withWorld({ routeBack }, async (world) => {
      const zone = await world.addZone({ domid: 1 });
      await wireByHand(world, [zone]);
      await world.host.nft('flush ruleset');
      for (const to of [farHost.ipv4, farHost.ipv6]) {
        expect(await ping(zone, to, { timeoutMs: 300 }), to).toMatchObject({ received: routeBack ? 1 : 0 });
      }
    }),
  );

  it('can send with a forged source', () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: 1 });
      await wireByHand(world, [zone]);
      await zone.forge('8.8.8.8');
      await world.host.nft('add table ip lab; add chain ip lab in { type filter hook prerouting priority -300; }');
      await world.host.nft('add rule ip lab in iifname "vif1.0" ip saddr 8.8.8.8 counter drop');
      expect(await ping(zone, farHost.ipv4, { source: '8.8.8.8', timeoutMs: 200 })).toMatchObject({ received: 0 });
      const listing = await world.host.mustExec('nft', ['list', 'chain', 'ip', 'lab', 'in']);
      expect(listing).toMatch(/counter packets 1 /);
    }));

  it('takes its link, namespace and processes along when it goes', () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: 9 });
      const sleeper = zone.spawn('sleep', ['600']);
      await waitFor(() => processesIn([zone.name]).includes(sleeper.pid), { what: 'the sleeper inside' });
      await zone.remove();
      expect((await world.host.exec('ip', ['link', 'show', 'vif9.0'])).exitCode).not.toBe(0);
      expect(await sleeper.ended).toBe('SIGKILL');
      expect(namespacesOf(world.prefix)).not.toContain(zone.name);
    }));
});

describe('a transfer', () => {
  it('counts bytes, and shows a stall and a reset', () =>
    withWorld({}, async ({ host, internet }) => {
      const server = await startEchoServer(internet);
      const transfer = await startTransfer(host, internetGateway.ipv4, server.port);
      const before = await transfer.waitForMore(20_000);
      expect(before).toMatchObject({ broken: null });
      await internet.ip('link set eth0 down');
      await waitFor(() => transfer.progress().longestGapMs > 200, { what: 'the stall' });
      await internet.ip('link set eth0 up');
      await transfer.waitForMore(1000);
      await server.stop();
      await waitFor(() => transfer.progress().broken ?? undefined, { what: 'the end of the connection' });
      await transfer.stop();
    }));
});

describe('observation', () => {
  it('gives the same snapshot for the same state, and another for a rule, a route, or a proxy entry more', () =>
    withWorld({}, async (world) => {
      const { host } = world;
      const zone = await world.addZone({ domid: 1 });
      await wireByHand(world, [zone]);
      await host.nft('add table inet lab; add set inet lab s { type ipv4_addr; counter; }');
      await host.nft('add element inet lab s { 10.75.0.9, 10.75.0.7, 10.75.0.8 }');
      const before = await host.snapshot();
      expect(before).toContain('10.75.1.1 dev vif1.0');
      expect(before).toContain(`${gateway.ipv6} vif1.0`);
      await ping(zone, farHost.ipv4);
      expect(await host.snapshot()).toBe(before);
      const changes = [
        ['rule ip lab4 forward counter', 'nft', 'add', 'rule', 'ip', 'lab', 'post', 'counter'],
        ['element', 'nft', 'add', 'element', 'inet', 'lab', 's', '{ 10.75.0.6 }'],
        ['route', 'ip', 'route', 'add', '10.99.0.0/16', 'dev', 'vif1.0'],
        ['proxy', 'ip', '-6', 'neigh', 'add', 'proxy', 'fdd4::9', 'dev', 'vif1.0'],
      ] as const;
      let last = before;
      for (const [what, command, ...args] of changes) {
        await host.mustExec(command, args);
        const now = await host.snapshot();
        expect(now, what).not.toBe(last);
        last = now;
      }
    }));

  it('waits for a monitor that is slow to subscribe', () =>
    withWorld({}, async ({ host }) => {
      const log = await host.eventLog('sh', ['-c', 'sleep 0.3; exec ip -o monitor route']);
      await host.ip('route add 10.98.0.0/16 dev uplink0');
      await log.waitForLine((line) => line.includes('10.98.0.0/16'), { deadlineMs: 1000 });
    }));

  it('collects events from the moment it is asked, of nft and of ip', () =>
    withWorld({}, async ({ host }) => {
      const [nft, ip] = await Promise.all([
        host.eventLog('nft', ['monitor']),
        host.eventLog('ip', ['-o', 'monitor', 'link', 'route']),
      ]);
      await host.nft('add table inet first');
      await host.ip('route add 10.98.0.0/16 dev uplink0', 'route add 10.97.0.0/16 dev uplink0');
      const lines = await nft.settled(() => host.nft('add table inet marker'), 'marker');
      expect(lines).toContain('add table inet first');
      await ip.waitForLine((line) => line.includes('10.97.0.0/16'));
      expect(ip.lines.some((line) => line.includes('10.98.0.0/16'))).toBe(true);
    }));
});

describe('many links', () => {
  it('come in one process, DOWN, and go again', () =>
    withWorld({}, async (world) => {
      const links = await world.addManyLinks(300, 1000);
      await Promise.all([world.addLink('vif1.0-emu'), world.addLink('vif2.0-emu')]);
      const listing = await world.host.mustExec('ip', ['-o', 'link', 'show', 'type', 'veth']);
      expect(listing.match(/vif1\d\d\d\.0@.* state DOWN /g)).toHaveLength(300);
      expect(listing).toContain('vif1.0-emu@');
      await links.remove();
      expect(await world.host.mustExec('ip', ['-o', 'link'])).not.toContain('vif1000.0');
    }));
});

describe('destruction', () => {
  it('leaves no namespace, process or file, also after a throw', async () => {
    let prefix = '';
    let pid = 0;
    const failing = withWorld({}, async (world) => {
      prefix = world.prefix;
      const zone = await world.addZone({ domid: 3 });
      pid = zone.spawn('sh', ['-c', 'trap "" TERM INT; sleep 600 & sleep 600']).pid;
      world.internet.spawn('sleep', ['600']);
      await world.declareZone(zone);
      await waitFor(() => processesIn(namespacesOf(prefix)).length >= 4, { what: 'four processes' });
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(namespacesOf(prefix)).toEqual([]);
    expect(existsSync(directoryOf(prefix))).toBe(false);
    await waitFor(() => !existsSync(`/proc/${pid}`), { what: 'the shell to be gone' });
    expect(await mustRun('ip', ['netns', 'list'])).not.toContain(prefix);
  });

  it.each(['throw', 'SIGINT', 'exit'] as const)('happens when the process ends by %s', async (how) => {
    const program = new LongRunning(nodePath, ['--input-type=module', '-e', programThatEnds(how)]);
    const prefix = (await program.waitForLine((line) => line.startsWith('pn-'), { deadlineMs: 30_000 })).trim();
    if (how === 'SIGINT') process.kill(program.pid, 'SIGINT');
    expect(await program.ended).toBe({ throw: 1, SIGINT: 'SIGINT', exit: 3 }[how]);
    expect(namespacesOf(prefix)).toEqual([]);
    expect(existsSync(directoryOf(prefix))).toBe(false);
  });

  it('of a world whose process was killed happens when the next one is made', async () => {
    const program = new LongRunning(nodePath, ['--input-type=module', '-e', programThatEnds('SIGKILL')]);
    const prefix = (await program.waitForLine((line) => line.startsWith('pn-'), { deadlineMs: 30_000 })).trim();
    await program.stop('SIGKILL');
    expect(namespacesOf(prefix)).not.toEqual([]);
    const world = await createWorld();
    world.destroy();
    expect(namespacesOf(prefix)).toEqual([]);
    expect(existsSync(directoryOf(prefix))).toBe(false);
  });

  it('leaves namespaces and directories of others alone', async () => {
    const foreign = `pnx-${process.pid}`;
    await ipBatch([`netns add ${foreign}`]);
    try {
      mkdirSync(directoryOf(foreign));
      await withWorld({}, async () => undefined);
      expect(namespacesOf('pnx')).toContain(foreign);
      expect(existsSync(directoryOf(foreign))).toBe(true);
    } finally {
      await run('ip', ['netns', 'del', foreign]);
      await run('rmdir', [directoryOf(foreign)]);
    }
  });
});

/** What the daemon will do, as plainly as possible. */
async function wireByHand({ host }: World, zones: readonly Zone[]): Promise<void> {
  await host.setSysctls({ 'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1 });
  await host.nft(`
    add table ip lab; add chain ip lab post { type nat hook postrouting priority 100; }
    add rule ip lab post oifname "uplink0" ip saddr 10.75.0.0/16 counter masquerade
    add table ip6 lab; add chain ip6 lab post { type nat hook postrouting priority 100; }
    add rule ip6 lab post oifname "uplink0" ip6 saddr fdd4:1476:6c7e::/48 counter masquerade
  `);
  for (const { link, ipv4, ipv6 } of zones) {
    await host.setSysctls({
      [`net/ipv4/conf/${link}/proxy_arp`]: 1,
      [`net/ipv6/conf/${link}/proxy_ndp`]: 1,
      // Until its link-local address has passed duplicate detection, a second or two, the host cannot ask for the zone.
      [`net/ipv6/conf/${link}/accept_dad`]: 0,
      [`net/ipv4/neigh/${link}/proxy_delay`]: 0,
      [`net/ipv6/neigh/${link}/proxy_delay`]: 0,
    });
    const siblings = zones.filter((zone) => zone.link !== link);
    await host.ip(
      `link set ${link} up`,
      `route add ${ipv4}/32 dev ${link}`,
      `route add ${ipv6}/128 dev ${link}`,
      ...[gateway.ipv6, ...siblings.map((zone) => zone.ipv6)].map((to) => `neigh add proxy ${to} dev ${link}`),
    );
  }
}

const nodePath = join(repository, 'node_modules/.bin/node');

function programThatEnds(how: 'throw' | 'exit' | 'SIGINT' | 'SIGKILL'): string {
  const endings = {
    throw: 'throw new Error("on purpose");',
    exit: 'process.exit(3);',
    SIGINT: 'setInterval(() => undefined, 1000);',
    SIGKILL: 'setInterval(() => undefined, 1000);',
  };
  return `
    const { createWorld } = await import(${JSON.stringify(join(repository, 'test/lab/world.ts'))});
    const world = await createWorld();
    await world.addZone({ domid: 5 });
    world.host.spawn('sleep', ['600']);
    console.log(world.prefix);
    ${endings[how]}
  `;
}

function namespacesOf(prefix: string): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(prefix));
}
