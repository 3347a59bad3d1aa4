/** `protect-network zone show`: one zone on a page, with a daemon, without one, and where parts cannot be had. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, internetGateway } from '../lab/addresses.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { makeJournal } from '../managers/journal.ts';

const policy = `
[[policy]]
zones = ["web"]
[policy.egress]
allow = ["${farHost.ipv4}:7000", "api.example.com:7001", "icmp"]
`;
const forged = '10.75.1.77';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { world, zones } = scene;
  const [web] = zones;
  await world.host.setSysctls({ 'net/netfilter/nf_conntrack_acct': 1, 'net/netfilter/nf_conntrack_timestamp': 1 });
  await Promise.all([
    startEchoServer(world.internet, 7000),
    ...zones.map(({ link, ipv4, ipv6 }, index) =>
      world.files.writeZone(link, { ipv4, ipv6, name: ['web', 'db'][index] ?? '' }),
    ),
    world.files.writePolicy('test.toml', policy),
    web.forge(forged),
  ]);
  await waitFor(async () => (await scene.daemon.status()).zones[0]?.policy === 'enforced', { what: 'the policy' });
  await untilNothingToDo(world);
  await world.host.nft(
    `add element inet edera leased4 { ${web.link} . ${farHost.ipv4} . tcp . 7001 timeout 90s comment "api.example.com" }`,
  );
  expect(await reaches(web, farHost.ipv4)).toBe(true);
  expect(await isCutOff(web, farHost.ipv4, forged)).toBe(true);
  expect((await tcpConnect(web, farHost.ipv4, 7000)).ok).toBe(true);
  return () => world.destroy();
});

const show = (...args: string[]) => scene.world.cli(['zone', 'show', ...args]);

describe('zone show', () => {
  it.each(['web', 'vif7.0'])('has on one screen what there is to know of %s', async (asked) => {
    const { stdout, stderr, exitCode } = await show(asked);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^web \(vif7\.0\): ready for \d/);
    expect(stdout).toMatch(/\nAddresses +10\.75\.1\.7, fdd4:1476:6c7e::107; as static says \(.*vif7\.0\.toml\)\n/);
    expect(stdout).toMatch(/\nTraffic +\S+ k?B \(\d+ packets, .*\/s\) sent, .* received\n/);
    expect(stdout).toMatch(/\nDropped +source 2 packets; last 10\.75\.1\.77 to 198\.51\.100\.10, \d+.* ago\n/);
    expect(stdout).toMatch(/\nPolicy +enforced\n/);
    expect(stdout).toMatch(/\n +198\.51\.100\.10:7000 +.*test\.toml:5\n/);
    expect(stdout).toMatch(/\n +api\.example\.com +198\.51\.100\.10:7001 +1m \d+s left\n/);
    expect(stdout).toMatch(/\nRoutes +10\.75\.1\.7 \(protocol 75\)\n +fdd4:1476:6c7e::107 \(protocol 75\)\n/);
    expect(stdout).toMatch(
      /\nRules +ip filter EDERA-FORWARD handle \d+: oifname "vif7\.0" counter accept\n(.*\n){2} +ip6 filter/,
    );
    expect(stdout).toMatch(/\nNeighbours +(\S+ [A-Z]+\n +)*10\.75\.1\.7 [A-Z]+\n/);
    expect(stdout).toMatch(
      /\nUplink +✓ an echo request from 10\.75\.1\.7 to \S+: passes\n +✓ an echo request from fdd4/,
    );
    expect(stdout).toMatch(
      /\nConnections +\d+\n +ZONE .*\n(.*\n)* +web .* 7000\/tcp .* test\.toml:5 "198\.51\.100\.10:7000"\n/,
    );
    expect(stdout).toMatch(/\nLog +/);
    expect(stdout.split('\n').length).toBeLessThan(50);
  });

  it('as JSON, too, with nothing left out', async () => {
    const page = JSON.parse((await show('web', '--json')).stdout);
    expect(page).toMatchObject({
      link: 'vif7.0',
      zone: 'web',
      addresses: ['10.75.1.7', 'fdd4:1476:6c7e::107'],
      status: { state: 'ready', directory: 'static' },
      directory: { directory: 'static', refused: null },
      traffic: { sent: { packets: expect.any(Number) }, perSecond: { sent: expect.any(Number) } },
      drops: [{ kind: 'source', packets: 2, last: { source: forged } }],
      policy: { policy: 'enforced' },
      leases: [{ name: 'api.example.com', port: 7001 }],
      uplink: [{ verdict: 'passes', packet: expect.stringContaining(internetGateway.ipv4) }, { verdict: 'passes' }],
    });
    expect(page.routing.routes).toHaveLength(2);
    expect(page.connections.count).toBeGreaterThan(0);
  });

  it('refuses what is no zone, and a name that several have', async () => {
    const { world, zones, daemon } = scene;
    expect(await show('nobody')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("'nobody' is neither") });
    const [, db] = zones;
    await world.files.writeZone(db.link, { ipv4: db.ipv4, ipv6: db.ipv6, name: 'web' });
    await waitFor(async () => (await daemon.status()).zones.every(({ name }) => name === 'web'), { what: 'the name' });
    expect(await show('web')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("several zones are named 'web': vif7.0, vif8.0; name the link"),
    });
    await world.files.writeZone(db.link, { ipv4: db.ipv4, ipv6: db.ipv6, name: 'db' });
    await waitFor(async () => (await daemon.status()).zones.some(({ name }) => name === 'db'), { what: 'the name' });
  });

  it('says of a link that nobody knows that it has no network, and why', async () => {
    await scene.world.addLink('vif9.0');
    await waitFor(async () => (await scene.daemon.status()).zones.length === 3, { what: 'the link' });
    const { stdout, exitCode } = await show('vif9.0');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^vif9\.0: unserved for .*: no zone directory knows/);
    expect(stdout).toMatch(/\nAddresses +none; no directory says so now\n/);
    expect(stdout).toMatch(/\nTraffic +nothing is counted: the link is not served\n/);
    expect(stdout).toMatch(/\nRoutes +none\nRules +none\n/);
  });

  it('ends with the last lines that the log has about the zone', { timeout: 120_000 }, async () => {
    const journal = await makeJournal(scene.world);
    const at = Date.parse('2026-03-01T12:00:00');
    const lines = Array.from({ length: 12 }, (_, place) => {
      return { at: at + place, unit: 'protect-network', message: `line ${place}\x1b[2J`, zone: 'web' };
    });
    await journal.append(...lines, { at: at + 20, unit: 'protect-network', message: 'of another', zone: 'db' });
    const { stdout } = await journal.run(['zone', 'show', 'vif7.0']);
    const [, log = ''] = stdout.split('\nLog\n');
    expect(log.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual(
      Array.from({ length: 10 }, (_, place) => {
        return `2026-03-01 12:00:00.0${String(place + 2).padStart(2, '0')} protect-network info line ${place + 2}`;
      }),
    );
  });

  it('says what the kernel and the files know while the daemon does not run', async () => {
    await scene.daemon.stop();
    for (const asked of ['web', 'vif7.0']) {
      const { stdout, exitCode } = await show(asked);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^web \(vif7\.0\): the daemon does not say how it is: protect-network is not running/);
      expect(stdout).toMatch(/\nAddresses +10\.75\.1\.7, .*; as static says/);
      expect(stdout).toMatch(/\nDropped +source 2 packets\n/);
      expect(stdout).toMatch(/\nRoutes +10\.75\.1\.7 \(protocol 75\)\n/);
    }
    const page = JSON.parse((await show('web', '--json')).stdout);
    expect(page.status).toEqual({ error: expect.stringContaining('not running') });
    expect(page.leases).toMatchObject([{ name: 'api.example.com' }]);
  });
});
