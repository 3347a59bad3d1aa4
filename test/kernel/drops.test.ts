/** `protect-network drops`: packets of real zones that every promise drops, counted exactly and shown as samples. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, gateway, hostUplink, netbackMac } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { sprayDatagrams } from '../lab/datagrams.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import {
  addressBytes,
  type Ends,
  ethernet,
  etherTypes,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  macBytes,
} from '../lab/frames/packets.ts';
import { type FrameTools, frameTools } from '../lab/frames/tools.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

interface Line {
  readonly event?: string;
  readonly kind: string;
  readonly link: string;
  readonly zone: string | null;
  readonly source?: string;
  readonly destination?: string;
  readonly packets: number;
  readonly shown: number;
  readonly last: { readonly source: string | null; readonly destination: string } | null;
}

const policy = `
[[policy]]
zones = ["web"]
[policy.egress]
allow = ["${farHost.ipv4}:7000", "icmp"]
[policy.limits]
new-connections = "5/minute"
`;
const nobodys = '10.75.7.7';
const forged = '10.75.1.77';

let scene: Scene;
let tools: FrameTools;
let mac: string;
beforeAll(async () => {
  scene = await openScene();
  const { world, zones } = scene;
  tools = await frameTools(world);
  mac = (await zones[1].mustExec('cat', ['/sys/class/net/eth0/address'])).trim();
  await Promise.all([
    startEchoServer(world.internet, 7000),
    ...zones.map(({ link, ipv4, ipv6 }, index) =>
      world.files.writeZone(link, { ipv4, ipv6, name: ['web', 'db'][index] ?? '' }),
    ),
    world.files.writePolicy('test.toml', policy),
    zones[1].forge(forged),
  ]);
  await waitFor(async () => (await scene.daemon.status()).zones[0]?.policy === 'enforced', { what: 'the policy' });
  await untilNothingToDo(world);
  return () => world.destroy();
});

async function listed(...args: string[]): Promise<readonly Line[]> {
  const { stdout, stderr, exitCode } = await scene.world.cli(['drops', '--json', ...args]);
  expect(exitCode, stderr).toBe(0);
  return (JSON.parse(stdout) as { drops: Line[] }).drops;
}

async function following(...args: string[]): Promise<LongRunning> {
  const { host, files } = scene.world;
  const command = host.spawn(programPath, ['drops', '-f', ...args, ...files.options]);
  await waitFor(() => command.stderr.some((line) => line.includes('are samples')), {
    what: 'drops -f',
    deadlineMs: 20_000,
  });
  return command;
}

function lines(command: LongRunning): Line[] {
  return command.stdout.map((line) => JSON.parse(line) as Line);
}

async function sendFrames(...packets: readonly Buffer[]): Promise<void> {
  const frames = packets.map((packet) =>
    ethernet(netbackMac, mac, packet.readUInt8() >> 4 === 6 ? etherTypes.ipv6 : etherTypes.ipv4, packet),
  );
  await tools.send(scene.zones[1], frames);
}

/** An error about a connection that is not the zone's own. */
function foreignError(): Buffer {
  const about = ipv4(hostUplink.ipv4, farHost.ipv4, icmp(8, 0, 1, Buffer.alloc(8)));
  return ipv4(String(scene.zones[1].ipv4), hostUplink.ipv4, icmp(3, 4, 552, about));
}

/** That nobody asked for: it belongs to no connection, and so is not translated. */
function unaskedReply(): Buffer {
  const ends: Ends = [String(scene.zones[1].ipv6), farHost.ipv6];
  return ipv6(...ends, icmpv6(ends, 129, 0, 1, Buffer.alloc(8)));
}

/** Under a source that the zone makes up. */
function solicitation(number: number): Buffer {
  const ends: Ends = [`fe80::8:${number.toString(16)}`, gateway.ipv6];
  const option = Buffer.concat([Buffer.from([1, 1]), macBytes(mac)]);
  return ipv6(...ends, icmpv6(ends, 135, 0, 0, Buffer.concat([addressBytes(gateway.ipv6), option])), { hopLimit: 255 });
}

describe('drops', () => {
  it('counts each promise’s drops exactly, with the last packet that is known', async () => {
    const [web, db] = scene.zones;
    expect(await listed()).toEqual([]);
    expect((await scene.world.cli(['drops'])).stdout).toBe('nothing was dropped\n');
    // Its gateway does not answer who asks for it under a forged address.
    expect(await reaches(db, farHost.ipv4)).toBe(true);
    expect(await isCutOff(db, farHost.ipv4, forged)).toBe(true);
    expect(await isCutOff(db, nobodys)).toBe(true);
    await sendFrames(foreignError());
    expect((await tcpConnect(web, farHost.ipv4, 7001, { timeoutMs: 300 })).ok).toBe(false);
    const found = await waitFor(
      async () => {
        const drops = await listed();
        return (
          ['source', 'stray', 'error', 'denied'].every((kind) => drops.some((each) => each.kind === kind)) && drops
        );
      },
      { what: 'four kinds of drops' },
    );
    const of = (kind: string) => found.find((each) => each.kind === kind);
    expect(of('source')).toMatchObject({ zone: 'db', packets: 2, last: { source: forged, destination: farHost.ipv4 } });
    expect(of('stray')).toMatchObject({ zone: 'db', packets: 2, last: null });
    expect(of('error')).toMatchObject({ zone: 'db', packets: 1 });
    expect(of('denied')).toMatchObject({ zone: 'web', last: { destination: `${farHost.ipv4} port 7001` } });
  });

  it('takes a zone by link or name, and one kind', async () => {
    const [web, db] = scene.zones;
    for (const asked of ['web', web.link]) expect((await listed(asked)).map(({ link }) => link)).toEqual([web.link]);
    expect((await listed('--kind', 'stray')).map(({ link }) => link)).toEqual([db.link]);
    expect((await scene.world.cli(['drops', '--kind', 'rain'])).exitCode).toBe(2);
    expect((await scene.world.cli(['drops', 'nobody'])).exitCode).toBe(1);
    const { stdout } = await scene.world.cli(['drops', 'db', '--kind', 'source']);
    expect(stdout).toMatch(
      /^ZONE +LINK +KIND +PACKETS +BYTES +LAST +SOURCE +DESTINATION\ndb +vif8\.0 +source +2 .* ago +10\.75\.1\.77 /,
    );
  });
});

describe('drops -f', () => {
  it('shows a packet of each kind, with those that nothing tells of while nobody asks', async () => {
    const [web, db] = scene.zones;
    const command = await following('--json');
    await isCutOff(db, farHost.ipv4, forged);
    await isCutOff(db, nobodys);
    await sendFrames(
      foreignError(),
      unaskedReply(),
      ...Array.from({ length: 40 }, (_, place) => solicitation(place + 1)),
    );
    for (let port = 7002; port < 7012; port += 1) await tcpConnect(web, farHost.ipv4, port, { timeoutMs: 100 });
    const seen = (kind: string) => lines(command).find((each) => each.event === 'drop' && each.kind === kind);
    for (const kind of ['source', 'stray', 'error', 'untranslated', 'flood', 'denied', 'limit'])
      await waitFor(() => seen(kind), { what: `a sample of ${kind}` });
    expect(seen('source')).toMatchObject({ zone: 'db', link: db.link, source: forged, destination: farHost.ipv4 });
    expect(seen('stray')).toMatchObject({ zone: 'db', source: db.ipv4, destination: nobodys });
    expect(seen('error')).toMatchObject({ zone: 'db', destination: hostUplink.ipv4 });
    expect(seen('untranslated')).toMatchObject({ zone: 'db', source: db.ipv6, destination: farHost.ipv6 });
    expect(seen('flood')).toMatchObject({ zone: 'db', destination: gateway.ipv6 });
    expect(seen('limit')).toMatchObject({ zone: 'web' });
    expect(await command.stop('SIGINT')).toBe(0);
    expect((await scene.world.host.mustExec('nft', ['list', 'tables'])).includes('edera-trace')).toBe(false);
  });

  it('says exactly how many more there were under a flood', async () => {
    const [, db] = scene.zones;
    const before = (await listed('db', '--kind', 'source'))[0]?.packets ?? 0;
    const command = await following('db', '--json', '--kind', 'source');
    await sprayDatagrams(db, [forged, 7009], [farHost.ipv4, 10_000], 5000);
    const counted = () => lines(command).flatMap(({ event, packets }) => (event === 'count' ? packets : []));
    const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
    await waitFor(() => sum(counted()) >= 5000, { what: 'the count', deadlineMs: 15_000 });
    expect(await command.stop('SIGINT')).toBe(0);
    expect((await listed('db', '--kind', 'source'))[0]?.packets).toBe(before + 5000);
    expect(sum(counted())).toBe(5000);
    expect(lines(command).filter(({ event }) => event === 'drop').length).toBeLessThan(20);
  });

  it('leaves the table to one that runs, hears what that has traced, and counts all the same', async () => {
    const first = await following('--json');
    const second = await following('--json', '--kind', 'stray');
    expect(second.stderr.join('\n')).toMatch(
      /only what others .*belongs to a running explain --live, drops -f or capture \(process \d+\)/,
    );
    await isCutOff(scene.zones[1], nobodys);
    await waitFor(() => lines(second).find(({ event, packets }) => event === 'count' && packets === 2), {
      what: 'the count',
      deadlineMs: 10_000,
    });
    expect(lines(second).filter(({ event }) => event === 'drop')).toHaveLength(2);
    expect(await second.stop('SIGTERM')).toBe(0);
    expect((await scene.world.host.mustExec('nft', ['list', 'tables'])).includes('edera-trace')).toBe(true);
    expect(await first.stop('SIGTERM')).toBe(0);
  });
});

it('drops -f shows what the settings deny, to other zones and to dom0', async () => {
  await withScene({ settings: { isolation: { 'zone-to-zone': 'deny', host: 'deny' } } }, async ({ world, zones }) => {
    const [one, two] = zones;
    const command = world.host.spawn(programPath, ['drops', '-f', '--json', ...world.files.options]);
    await waitFor(() => command.stderr.some((line) => line.includes('are samples')), {
      what: 'drops -f',
      deadlineMs: 20_000,
    });
    for (const to of [String(two.ipv4), hostUplink.ipv4]) {
      expect(await isCutOff(one, to)).toBe(true);
      const isShown = ({ kind, link, destination }: Line) =>
        kind === 'isolation' && link === one.link && destination === to;
      await waitFor(() => lines(command).some(isShown), { what: `a sample to ${to}` });
    }
    expect(await command.stop('SIGINT')).toBe(0);
  });
});
