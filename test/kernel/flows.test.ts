/** `protect-network flows`: real connections as the kernel tracks them, with who they are with and what lets them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink, internetGateway } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { sprayDatagrams } from '../lab/datagrams.ts';
import { startEchoServer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { ping } from '../lab/ping.ts';
import { openScene, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

/** Twice what the socket of `flows -f` holds. */
const sprayed = 40_000;

interface Line {
  readonly event?: string;
  readonly events?: number;
  readonly link: string;
  readonly zone: string;
  readonly direction: string;
  readonly peer: {
    readonly address: string;
    readonly name: string | null;
    readonly zone: string | null;
    host: boolean;
  };
  readonly protocol: string;
  readonly port: number | null;
  readonly sent: { readonly packets: number; readonly bytes: number } | null;
  readonly received: { readonly bytes: number } | null;
  readonly seconds: number | null;
  readonly answeredBy: { readonly address: string; readonly port: number } | null;
  readonly policy: { readonly verdict: string; readonly rule: string | null; readonly line: number | null };
}

const policy = `
[[policy]]
zones = ["web"]
[policy.egress]
allow = ["${farHost.ipv4}:7000", "api.example.com:7001", "*.example.com:7003", "zone:db:7002", "icmp"]

[[policy]]
zones = ["db"]
egress.mode = "audit"
[[policy.publish]]
listen = "443/tcp"
to = 7002
`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { world, zones } = scene;
  await world.host.setSysctls({ 'net/netfilter/nf_conntrack_acct': 1 });
  await world.host.setSysctls({ 'net/netfilter/nf_conntrack_timestamp': 1 });
  await Promise.all([
    startEchoServer(world.internet, 7000),
    startEchoServer(world.internet, 7001),
    startEchoServer(zones[1], 7002),
    ...zones.map(({ link, ipv4, ipv6 }, index) =>
      world.files.writeZone(link, { ipv4, ipv6, name: ['web', 'db'][index] ?? '' }),
    ),
    world.files.writePolicy('test.toml', policy),
  ]);
  await waitFor(async () => (await scene.daemon.status()).zones[0]?.policy === 'enforced', { what: 'the policy' });
  await untilNothingToDo(world);
  return () => world.destroy();
});

async function listed(...args: string[]): Promise<readonly Line[]> {
  const { stdout, stderr, exitCode } = await scene.world.cli(['flows', '--json', ...args]);
  expect(exitCode, stderr).toBe(0);
  return (JSON.parse(stdout) as { flows: Line[] }).flows;
}

async function following(...args: string[]): Promise<LongRunning> {
  const { host, files } = scene.world;
  const command = host.spawn(programPath, ['flows', '-f', ...args, ...files.options]);
  // The note on what it cannot tell comes right ahead of the first event.
  await waitFor(() => command.stderr.some((line) => line.includes('nf_conntrack_events')), {
    what: 'flows -f',
    deadlineMs: 20_000,
  });
  return command;
}

function events(command: LongRunning): Line[] {
  return command.stdout.map((line) => JSON.parse(line) as Line);
}

describe('flows', () => {
  it('tells with whom, by which name, how much, and by which rule', async () => {
    const { world, zones } = scene;
    const [web, db] = zones;
    const lease = `{ ${web.link} . ${farHost.ipv4} . tcp . 7001 timeout 60s comment "api.example.com" }`;
    await world.host.nft(`add element inet edera leased4 ${lease}`);
    for (const port of [7000, 7001]) expect((await tcpConnect(web, farHost.ipv4, port)).ok).toBe(true);
    expect((await tcpConnect(web, String(db.ipv4), 7002)).ok).toBe(true);
    expect((await tcpConnect(world.internet, hostUplink.ipv4, 443)).ok).toBe(true);
    expect((await udpExchange(db, farHost.ipv4, 7000)).ok).toBe(true);
    await ping(web, farHost.ipv6);

    const flows = await listed();
    const find = (port: number | null, protocol = 'tcp') =>
      flows.find((flow) => flow.port === port && flow.protocol === protocol);
    expect(find(7000)).toMatchObject({
      link: web.link,
      zone: 'web',
      direction: 'out',
      peer: { address: farHost.ipv4, name: null, host: false },
      sent: { packets: expect.any(Number) },
      policy: { verdict: 'rule', rule: `${farHost.ipv4}:7000`, line: 5 },
    });
    expect(find(7000)?.sent?.bytes).toBeGreaterThan(100);
    expect(find(7000)?.seconds).toBeGreaterThanOrEqual(0);
    expect(find(7001)).toMatchObject({
      peer: { name: 'api.example.com' },
      policy: { verdict: 'lease', rule: 'api.example.com:7001' },
    });
    expect(find(7002)).toMatchObject({ zone: 'web', peer: { zone: 'db' }, policy: { rule: 'zone:db:7002' } });
    expect(find(443)).toMatchObject({
      zone: 'db',
      direction: 'in',
      peer: { address: internetGateway.ipv4 },
      answeredBy: { address: db.ipv4, port: 7002 },
      policy: { verdict: 'published', rule: '443/tcp' },
    });
    expect(find(7000, 'udp')).toMatchObject({ zone: 'db', policy: { verdict: 'audit' } });
    expect(find(null, 'icmp')).toMatchObject({ peer: { address: farHost.ipv6 }, policy: { rule: 'icmp' } });
  });

  it('takes a zone by link or name, and sees a connection from its side', async () => {
    const [, db] = scene.zones;
    for (const asked of ['db', db.link])
      expect(await listed(asked, '--port', '7002')).toMatchObject([
        { zone: 'db', direction: 'in', peer: { zone: 'web' }, policy: { rule: 'zone:db:7002' } },
      ]);
    expect(await scene.world.cli(['flows', 'nobody'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("'nobody' is neither a zone's link such as vif7.0 nor the name of a zone"),
    });
  });

  it('filters, sorts and is bounded', async () => {
    expect((await listed('--to', 'api.example.com')).map(({ port }) => port)).toEqual([7001]);
    expect((await listed('--to', '198.51.100.0/24', '--protocol', 'udp')).map(({ zone }) => zone)).toEqual(['db']);
    expect((await listed('--direction', 'in', '-4')).map(({ port }) => port)).toEqual([443]);
    const bytes = (await listed()).map(({ sent, received }) => (sent?.bytes ?? 0) + (received?.bytes ?? 0));
    expect(bytes).toEqual(bytes.toSorted((one, other) => other - one));
    const all = JSON.parse((await scene.world.cli(['flows', '--json', '-n', '2'])).stdout) as {
      count: number;
      flows: Line[];
    };
    expect(all.flows.length).toBe(2);
    expect(all.count).toBeGreaterThan(4);
    const { stdout, stderr } = await scene.world.cli(['flows', '-n', '1', '--sort', 'peer']);
    expect(stdout).toMatch(/^ZONE +LINK +DIR +PEER +PORT +STATE +SENT +RECEIVED +AGE +POLICY\n\S+.*\n$/);
    expect(stderr).toMatch(/\d+ more connections are not shown: --limit is 1/);
    for (const wrong of [
      ['--port', '0'],
      ['--to', '10.0.0.1/8'],
      ['--sort', 'x'],
      ['-f', '--sort', 'age'],
    ])
      expect((await scene.world.cli(['flows', ...wrong])).exitCode, wrong.join(' ')).toBe(2);
  });

  it('says what the kernel does not keep, and prints no zero for it', async () => {
    const { host } = scene.world;
    await host.setSysctls({ 'net/netfilter/nf_conntrack_acct': 0 });
    await host.setSysctls({ 'net/netfilter/nf_conntrack_timestamp': 0 });
    try {
      expect((await tcpConnect(scene.zones[0], farHost.ipv4, 7000)).ok).toBe(true);
      expect(await listed('web', '--port', '7000')).toContainEqual(
        expect.objectContaining({ sent: null, received: null, seconds: null, beganAt: null }),
      );
      const { stderr } = await scene.world.cli(['flows']);
      expect(stderr).toContain('sysctl -w net.netfilter.nf_conntrack_acct=1');
      expect(stderr).toContain('sysctl -w net.netfilter.nf_conntrack_timestamp=1');
    } finally {
      await host.setSysctls({ 'net/netfilter/nf_conntrack_acct': 1 });
      await host.setSysctls({ 'net/netfilter/nf_conntrack_timestamp': 1 });
    }
  });
});

describe('flows -f', () => {
  it('tells each beginning and end, with what was carried', async () => {
    const { world, zones } = scene;
    await world.host.setSysctls({
      'net/netfilter/nf_conntrack_udp_timeout': 1,
      'net/netfilter/nf_conntrack_udp_timeout_stream': 1,
    });
    const command = await following('--json');
    expect((await udpExchange(zones[1], farHost.ipv4, 7001)).ok).toBe(true);
    const find = (wanted: string) => events(command).find(({ event, port }) => event === wanted && port === 7001);
    const begun = await waitFor(() => find('begin'), { what: 'a beginning' });
    expect(begun).toMatchObject({ zone: 'db', protocol: 'udp', sent: null, policy: { verdict: 'audit' } });
    const ended = await waitFor(
      async () => {
        // The kernel takes away what has ended as somebody looks at it.
        await listed();
        return find('end');
      },
      { what: 'the end', deadlineMs: 20_000 },
    );
    expect(ended.sent?.bytes).toBeGreaterThan(20);
    expect(ended.received?.bytes).toBeGreaterThan(20);
    // The kernel counts its timeouts in ticks.
    expect(ended.seconds).toBeGreaterThan(0.9);
    expect(await command.stop('SIGINT')).toBe(0);
  });

  it('knows a zone that comes and a name that is leased meanwhile', async () => {
    const { world, daemon } = scene;
    const command = await following('--json');
    const late = await world.addZone({ domid: 9 });
    await world.files.writeZone(late.link, { ipv4: late.ipv4, ipv6: late.ipv6, name: 'late' });
    await waitFor(
      async () => (await daemon.status()).zones.some(({ name, state }) => name === 'late' && state === 'ready'),
      {
        what: 'the new zone',
      },
    );
    const [web] = scene.zones;
    await world.host.nft(
      `add element inet edera leased4 { ${web.link} . ${farHost.ipv4} . tcp . 7003 timeout 60s comment "new.example.com" }`,
    );
    await tcpConnect(web, farHost.ipv4, 7003, { timeoutMs: 300 });
    await waitFor(() => events(command).find(({ peer }) => peer?.name === 'new.example.com'), { what: 'the name' });
    await waitFor(
      async () => {
        await ping(late, gateway.ipv4);
        return events(command).find(({ zone, peer }) => zone === 'late' && peer.host);
      },
      { what: 'the new zone’s connection', deadlineMs: 10_000 },
    );
    expect(await command.stop('SIGTERM')).toBe(0);
  });

  it('says how many events it has lost while nobody read them', { timeout: 240_000 }, async () => {
    const command = await following('--json', '--protocol', 'udp');
    process.kill(command.pid, 'SIGSTOP');
    const [, db] = scene.zones;
    await sprayDatagrams(db, [String(db.ipv4), 7009], [farHost.ipv4, 10_000], sprayed);
    process.kill(command.pid, 'SIGCONT');
    const lost = await waitFor(() => events(command).find(({ event }) => event === 'lost'), {
      what: 'the loss',
      deadlineMs: 90_000,
    });
    expect(lost.events).toBeGreaterThan(1000);
    // Nothing is missing that is not told of: of each datagram the beginning, and what else began or ended meanwhile.
    const heard = () => events(command).filter(({ event, port }) => event === 'begin' && Number(port) >= 10_000).length;
    await waitFor(() => heard() + Number(lost.events) >= sprayed, { what: 'the rest', deadlineMs: 90_000 });
    expect(await command.stop('SIGINT')).toBe(0);
  });
});

it('flows goes by what the kernel holds while the daemon does not run', async () => {
  await scene.daemon.stop();
  expect((await tcpConnect(scene.zones[0], farHost.ipv4, 7000)).ok).toBe(true);
  expect(await listed('web', '--port', '7000')).toContainEqual(expect.objectContaining({ direction: 'out' }));
  expect((await scene.world.cli(['flows'])).stderr).toMatch(/addresses are those that the kernel holds.*not running/);
});
