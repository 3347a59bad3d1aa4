/** One zone does not take the table of tracked connections from the others. The table's size is the machine's own and is not touched. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const reach = async (zone: Zone) => (await tcpConnect(zone, farHost.ipv4, 7000, { timeoutMs: 700 })).ok;

it('who has begun a quarter of what can be tracked begins no more until some of it is over', { timeout: 240_000 }, () =>
  withScene({}, async ({ world, daemon, zones: [one, other] }) => {
    await startEchoServer(world.internet, 7000);
    const open = await startTransfer(one, farHost.ipv4, 7000);
    const share = await shareOf(world);
    await begin(world, one.ipv4 ?? '', share);
    await waitFor(async () => !(await reach(one)), { what: 'the zone to be limited', deadlineMs: 30_000 });
    // What is open goes on, and another zone has its own share.
    await open.waitForMore(4096);
    expect(await reach(other)).toBe(true);
    await daemon.waitForLog(({ event, link }) => event === 'limited' && link === one.link);
    const { zones } = await daemon.status();
    expect(zones.find(({ link }) => link === one.link)?.dropped.limit?.packets).toBeGreaterThan(0);
    const { stdout, exitCode } = await world.cli(['explain', one.link, '--to', farHost.ipv4]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('a zone may have begun a quarter of it')]);
    expect((await world.cli(['explain', other.link, '--to', farHost.ipv4])).exitCode).toBe(0);
    await world.host.exec('conntrack', ['-D', '-s', one.ipv4 ?? '', '-d', destination], { timeoutMs: 60_000 });
    await waitFor(() => reach(one), { what: 'room for new ones', deadlineMs: 60_000 });
    await open.stop();
  }),
);

it('a flood between two counts takes little more than the share', { timeout: 120_000 }, () =>
  withScene({}, async ({ world, zones: [one, other] }) => {
    await startEchoServer(world.internet, 7000);
    const share = await shareOf(world);
    const begun = performance.now();
    // Datagrams to addresses and ports where nobody answers: each is a connection of its own.
    const program = `use Socket; socket(S,PF_INET,SOCK_DGRAM,0); for my $a (1..4) { for my $p (1..50000) { send(S,"x",0,sockaddr_in(10000+$p,inet_aton("203.0.113.$a"))) } }`;
    await one.mustExec('perl', ['-e', program]);
    const seconds = (performance.now() - begun) / 1000;
    const count = Number(await world.host.mustExec('cat', ['/proc/sys/net/netfilter/nf_conntrack_count']));
    expect(count).toBeGreaterThan(share * 0.5);
    expect(count).toBeLessThan(share + (share / 30) * (seconds + 1) + 1000);
    expect((await udpExchange(other, farHost.ipv4, 7000)).ok).toBe(true);
  }),
);

const destination = '203.0.113.254';

async function shareOf({ host }: World): Promise<number> {
  return Number(await host.mustExec('cat', ['/proc/sys/net/netfilter/nf_conntrack_max'])) / 4;
}

/** Answered connections of `source`, which the kernel does not give up. */
async function begin({ host, files }: World, source: string, count: number): Promise<void> {
  const list = join(files.directory, 'connections');
  const perPort = 60_000;
  const lines = function* () {
    for (let number = 0; number < count; number++) {
      const ports = `--sport ${1024 + (number % perPort)} --dport ${80 + Math.floor(number / perPort)}`;
      yield `-I -p tcp -s ${source} -d ${destination} ${ports} --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 900\n`;
    }
  };
  await pipeline(Readable.from(lines()), createWriteStream(list));
  await host.exec('conntrack', ['-R', list], { timeoutMs: 120_000 });
}
