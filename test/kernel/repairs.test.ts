/** It stays true: every foreign change to what is ours is noticed by its event, put right, and told with its author. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import { openScene, reaches, type Scene, untilNothingToDo, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

/** No test of this file may be saved by the resync. */
const neverResync = { reconcile: { 'resync-seconds': 86_400 } };
const deadlineMs = 20_000;
/** Nothing announces neighbour proxies: how often they are asked for follows from what asking costs on this machine. */
const askedForMs = 90_000;

describe('a foreign change', () => {
  let scene: Scene;
  let before = '';
  beforeAll(async () => {
    scene = await openScene({ settings: neverResync });
    await untilNothingToDo(scene.world);
    before = sortedLines(await scene.world.host.snapshot());
    return () => scene.world.destroy();
  });

  const link = 'vif7.0';
  const sysctls: readonly [string, number][] = [
    [`net/ipv4/conf/${link}/proxy_arp`, 0],
    [`net/ipv4/conf/${link}/rp_filter`, 0],
    [`net/ipv4/conf/${link}/rp_filter`, 2],
    [`net/ipv4/conf/${link}/send_redirects`, 1],
    [`net/ipv4/conf/${link}/accept_redirects`, 1],
    [`net/ipv4/conf/${link}/accept_source_route`, 1],
    [`net/ipv4/neigh/${link}/proxy_delay`, 80],
    [`net/ipv6/conf/${link}/accept_ra`, 1],
    [`net/ipv6/conf/${link}/accept_redirects`, 1],
    [`net/ipv6/conf/${link}/proxy_ndp`, 0],
    [`net/ipv6/neigh/${link}/proxy_delay`, 80],
    ['net/ipv4/ip_forward', 0],
    ['net/ipv6/conf/all/forwarding', 0],
  ];

  it.each(sysctls)('of %s to %d is put back, and told', async (key, value) => {
    const { world, daemon } = scene;
    const right = await world.host.sysctl(key);
    const { repairs } = await daemon.status();
    await world.host.setSysctls({ [key]: value });
    await waitFor(async () => (await world.host.sysctl(key)) === right, { what: `${key} as before`, deadlineMs });
    const [last] = await untilRepairs(repairs + 1);
    expect(last?.what.join()).toContain(key === 'net/ipv4/ip_forward' ? 'net/ipv4/ip_forward' : key);
    // The kernel names no author for these, so nobody is accused.
    expect(last?.culprits).toEqual([]);
  });

  const commands: readonly [string, readonly string[], string][] = [
    ['a deleted route', ['ip', 'route', 'del', '10.75.1.7'], 'the route 10.75.1.7 via vif7.0'],
    ['a deleted IPv6 route', ['ip', '-6', 'route', 'del', 'fdd4:1476:6c7e::107'], 'the route fdd4:1476:6c7e::107'],
    ['all routes flushed', ['ip', 'route', 'flush', 'proto', '75'], 'the route 10.75.1.7 via vif7.0'],
    [
      'a deleted neighbour proxy',
      ['ip', '-6', 'neigh', 'del', 'proxy', gateway.ipv6, 'dev', link],
      `the neighbour proxy ${gateway.ipv6} on ${link}`,
    ],
    ['a link set down', ['ip', 'link', 'set', link, 'down'], 'vif7.0 was down'],
  ];

  it.each(commands)('%s is put back, and told', async (_name, [command = '', ...args], told) => {
    const { repairs } = await scene.daemon.status();
    await scene.world.host.mustExec(command, args);
    const last = await untilRepairs(repairs + 1, command === 'ip' && args.includes('neigh') ? askedForMs : deadlineMs);
    expect(last.some(({ what }) => what.join().includes(told))).toBe(true);
    await asBefore();
  });

  it.each([
    ['10.75.1.7', []],
    // In IPv6 a route of another metric replaces nothing.
    ['fdd4:1476:6c7e::107', ['metric', '2']],
  ])('of the route to %s into somebody else’s leaves theirs, and ours stands ahead of it', async (address, metric) => {
    const { world } = scene;
    const { repairs } = await scene.daemon.status();
    const theirs = [address, 'dev', 'vif8.0', 'proto', 'static', ...metric];
    await world.host.mustExec('ip', ['route', 'replace', ...theirs]);
    await untilRepairs(repairs + 1);
    expect(await world.host.mustExec('ip', ['route', 'get', address])).toContain('dev vif7.0');
    await world.host.mustExec('ip', ['route', 'del', ...theirs]);
    // A route of another metric is as good; what it was before is what the next test expects.
    await world.host.mustExec('ip', ['route', 'del', address, 'proto', '75']);
    await asBefore();
  });

  const rules: readonly [string, readonly string[], string][] = [
    ['flush ruleset', ['flush', 'ruleset'], 'the table inet edera'],
    ['our table', ['delete', 'table', 'inet', 'edera'], 'the table inet edera'],
    ['the second layer', ['delete', 'table', 'ip6', 'edera-reverse-path'], 'the table ip6 edera-reverse-path'],
    ['the second layer’s chain', ['flush', 'chain', 'ip6', 'edera-reverse-path', 'guard'], 'edera-reverse-path'],
    ['FORWARD flushed', ['flush', 'chain', 'ip', 'filter', 'FORWARD'], 'our jump in ip filter FORWARD'],
    ['our chain flushed', ['flush', 'chain', 'ip6', 'filter', 'EDERA-FORWARD'], 'rules of ip6 filter EDERA-FORWARD'],
    ['the guard flushed', ['flush', 'chain', 'inet', 'edera', 'guard'], 'rules of inet edera guard'],
    ['a set flushed', ['flush', 'set', 'inet', 'edera', 'zone6'], 'elements of inet edera zone6'],
    [
      'an element',
      ['delete', 'element', 'inet', 'edera', 'from4', '{ "vif7.0" . 10.75.1.7 }'],
      '1 elements of inet edera from4',
    ],
    ['a rule too many', ['add', 'rule', 'ip', 'filter', 'EDERA-FORWARD', 'drop'], 'superfluous rules of ip filter'],
  ];

  it.each(rules)('of nftables, %s, is put back, and its author named', async (_name, args, told) => {
    const { repairs } = await scene.daemon.status();
    await scene.world.host.mustExec('nft', args);
    const last = await untilRepairs(repairs + 1);
    const repair = last.find(({ what }) => what.join().includes(told));
    expect(repair?.culprits.join()).toMatch(/nft \(\d+\)/);
    await scene.daemon.waitForLog(({ msg }) => /nft \(\d+\).* changed .*; put back after/.test(String(msg)));
    await asBefore();
  });

  it('of the MTU to what IPv6 cannot use, and back, ends as it was: no link comes back open to advertisements', async () => {
    const { world } = scene;
    // With its MTU below 1280 a link loses IPv6, and with it all sysctls; they come back as the kernel has them at birth.
    await world.host.ip(`link set ${link} mtu 1000`);
    await waitFor(async () => (await world.host.sysctl(`net/ipv6/conf/${link}/accept_ra`)) === undefined, {
      what: 'IPv6 to go',
    });
    await world.host.ip(`link set ${link} mtu 1500`);
    await asBefore();
    expect(await world.host.sysctl(`net/ipv6/conf/${link}/accept_ra`)).toBe('0');
    // And what is new is watched as well.
    await world.host.setSysctls({ [`net/ipv6/conf/${link}/accept_ra`]: 1 });
    await waitFor(async () => (await world.host.sysctl(`net/ipv6/conf/${link}/accept_ra`)) === '0', {
      what: 'accept_ra to be off',
      deadlineMs,
    });
  });

  afterAll(async () => {
    const [one] = scene.zones;
    for (const to of [farHost.ipv4, farHost.ipv6]) expect(await reaches(one, to), to).toBe(true);
  });

  function untilRepairs(count: number, withinMs = deadlineMs) {
    return waitFor(
      async () => {
        const { repairs, lastRepairs } = await scene.daemon.status();
        return repairs >= count && lastRepairs;
      },
      { what: `repair ${count}`, deadlineMs: withinMs },
    );
  }

  async function asBefore(): Promise<void> {
    await waitFor(async () => sortedLines(await scene.world.host.snapshot()) === before, {
      what: 'the state before',
      deadlineMs,
    });
  }
});

describe('our own changes', () => {
  it('are no repairs, and lead to none', () =>
    withScene({ settings: neverResync }, async ({ world, daemon, zones: [one] }) => {
      await world.removeZoneFile(one.link);
      await waitFor(async () => (await daemon.status()).zones.some(({ state }) => state === 'unserved'), {
        what: 'it to close',
      });
      await world.declareZone(one);
      await waitFor(async () => (await daemon.status()).zones.every(({ state }) => state === 'ready'), {
        what: 'it to open',
      });
      await untilNothingToDo(world);
      const { repairs, lastRepairs } = await daemon.status();
      expect({ repairs, lastRepairs }).toEqual({ repairs: 0, lastRepairs: [] });
    }));

  it(
    'are none either where a file gives other addresses, whatever others do meanwhile; what is taken at that moment is',
    { timeout: 120_000 },
    () =>
      withScene({ settings: neverResync }, async ({ world, daemon, zones: [one, other] }) => {
        await untilNothingToDo(world);
        // Somebody changes a table that we share: each time all of ours is compared.
        const busy = world.host.spawn('sh', [
          '-c',
          'while nft add chain ip filter THEIRS && nft delete chain ip filter THEIRS; do sleep 0.05; done',
        ]);
        const given = { ipv4: one.ipv4, ipv6: one.ipv6 };
        for (let round = 0; round < 15; round += 1) {
          const family = round % 2 === 0 ? 'ipv4' : 'ipv6';
          given[family] = family === 'ipv4' ? `10.75.2.${round + 3}` : `fdd4:1476:6c7e::20${round.toString(16)}`;
          await world.files.writeZone(one.link, given);
          await waitFor(async () => (await addressesOf(daemon, one.link)).includes(String(given[family])), {
            what: `${one.link} to have ${given[family]}`,
            deadlineMs,
            everyMs: 5,
          });
        }
        expect((await daemon.status()).lastRepairs).toEqual([]);
        const theft = world.host.mustExec('ip', ['route', 'del', String(other.ipv4)]);
        await Promise.all([theft, world.files.writeZone(one.link, { ...given, ipv4: '10.75.2.99' })]);
        await waitFor(async () => (await daemon.status()).repairs > 0, { what: 'the repair', deadlineMs });
        await waitFor(async () => (await addressesOf(daemon, one.link)).includes('10.75.2.99'), {
          what: 'the address',
        });
        await busy.stop('SIGKILL');
        const { lastRepairs } = await daemon.status();
        expect(lastRepairs.flatMap(({ what }) => what)).toEqual([`the route ${other.ipv4} via ${other.link}`]);
        expect(lastRepairs.flatMap(({ culprits }) => culprits)).toEqual([]);
      }),
  );
});

describe('who took a ruleset', { timeout: 120_000 }, () => {
  it('is named where the same tool took a route just before', () =>
    withScene({ settings: neverResync }, async ({ world, daemon, zones: [one] }) => {
      await untilNothingToDo(world);
      for (let round = 1; round <= 2; round += 1) {
        await world.host.mustExec('sh', ['-c', `ip route del ${one.ipv4}; exec nft flush ruleset`]);
        const repairs = await waitFor(
          async () => {
            const all = (await daemon.status()).lastRepairs;
            const flushes = all.filter(({ what }) => what.includes('the table inet edera'));
            return flushes.length === round && all;
          },
          { what: `flush ${round} to be put back`, deadlineMs },
        );
        const [flush] = repairs.filter(({ what }) => what.includes('the table inet edera'));
        expect(flush?.culprits.join()).toMatch(/nft \(\d+\)/);
        await untilNothingToDo(world);
      }
      const routes = (await daemon.status()).lastRepairs.filter(({ what }) => what.join().includes('the route'));
      expect(routes.flatMap(({ culprits }) => culprits)).toEqual([]);
      expect(routes.length).toBeGreaterThan(0);
    }));
});

describe('somebody who undoes each repair', () => {
  it('is named, makes the host degraded, and is answered ever more slowly; zones come up meanwhile', () =>
    withScene({ settings: neverResync }, async ({ world, daemon }) => {
      const script = 'while nft flush chain ip filter EDERA-FORWARD; do :; done';
      const fighter = world.host.spawn('sh', ['-c', script]);
      const fight = await waitFor(
        async () => (await daemon.status()).failures.find(({ reason }) => reason.includes('reverting our repairs')),
        { what: 'the quarrel to be noticed', deadlineMs: 60_000 },
      );
      expect(fight.reason).toMatch(/nft \(\d+\)/);
      expect((await daemon.status()).state).toBe('degraded');
      const zone = await world.addZone({ domid: 9 });
      await world.declareZone(zone);
      await waitFor(
        async () => (await daemon.status()).zones.some(({ link, state }) => link === zone.link && state === 'ready'),
        {
          what: 'a zone to come up all the same',
          deadlineMs: 60_000,
        },
      );
      await waitFor(async () => /at most every 2 s/.test(JSON.stringify((await daemon.status()).failures)), {
        what: 'the longest wait',
        deadlineMs: 60_000,
      });
      await fighter.stop('SIGKILL');
      await untilNothingToDo(world);
    }));
});

async function addressesOf(daemon: Scene['daemon'], link: string): Promise<readonly string[]> {
  const zone = (await daemon.status()).zones.find((each) => each.link === link && each.state === 'ready');
  return zone?.addresses ?? [];
}

/** With our table goes the memory of which tables we made for others; that does not come back. */
function sortedLines(text: string): string {
  const lines = text.split('\n').filter((line) => !line.includes('made-ip'));
  return lines.sort().join('\n');
}
