/** What goes wrong around the daemon rather than in it: events that overflow, a disk that is full, a /run that is read-only. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultAddresses, farHost } from '../lab/addresses.ts';
import { programPath } from '../lab/daemon.ts';
import { httpGet } from '../lab/http.ts';
import { repository } from '../lab/program.ts';
import { reaches, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';

it('a netlink overflow is noticed, and what was done under it put right', () =>
  withScene({}, async ({ world, daemon, zones: [one] }) => {
    const before = await world.host.snapshot();
    process.kill(daemon.pid, 'SIGSTOP');
    // A thousand bytes each in a buffer of 32 MiB. 8000 at a time, until one was dropped.
    const routes = Array.from({ length: 4000 }, (_, index) => `10.66.${index >> 8}.${index & 255}/32 dev uplink0`);
    for (let round = 0; !(await hasLost(world)); round += 1) {
      expect(round).toBeLessThan(20);
      await world.host.ip(...routes.map((route) => `route add ${route}`));
      await world.host.ip(...routes.map((route) => `route del ${route}`));
    }
    // Behind what the buffer still took: nobody will ever be told of this.
    await world.host.ip(`route del ${one.ipv4}/32 dev ${one.link}`);
    process.kill(daemon.pid, 'SIGCONT');
    const deadlineMs = 30_000;
    await daemon.waitForLog(
      ({ msg }) => /events may have been lost: route events: .*ENOBUFS/.test(String(msg)),
      deadlineMs,
    );
    await waitFor(async () => (await world.host.snapshot()) === before, { what: 'the state before', deadlineMs });
    expect(await reaches(one, farHost.ipv4)).toBe(true);
  }));

it('an overflow of nft’s events is noticed, and what was done under it put right', () =>
  withScene({}, async ({ world, daemon, zones: [one] }) => {
    const before = await world.host.snapshot();
    process.kill(daemon.pid, 'SIGSTOP');
    // Into a buffer of 32 MiB: events of 200 bytes, 20,000 at a time, until one was dropped.
    await world.host.nft('table inet theirs { set marks { type mark; }; }');
    const file = join(world.files.directory, 'elements');
    for (let first = 0; !(await hasLost(world)); first += 20_000) {
      expect(first).toBeLessThan(1_000_000);
      const elements = Array.from({ length: 20_000 }, (_, index) => `${first + index} comment "${'x'.repeat(120)}"`);
      await writeFile(file, `add element inet theirs marks { ${elements.join(', ')} }`);
      await world.host.mustExec('nft', ['-f', file]);
    }
    // Behind what the buffer still took.
    await world.host.nft('flush chain ip filter EDERA-FORWARD; delete table inet theirs');
    process.kill(daemon.pid, 'SIGCONT');
    const deadlineMs = 30_000;
    await daemon.waitForLog(
      ({ msg }) => /events may have been lost: nftables events: .*ENOBUFS/.test(String(msg)),
      deadlineMs,
    );
    await waitFor(async () => (await world.host.snapshot()) === before, { what: 'the state before', deadlineMs });
    expect(await reaches(one, farHost.ipv4)).toBe(true);
  }));

describe('zones by the hundred are served', () => {
  /** More than goes to nft in a line: a file is wanted for it. */
  const many = 120;

  it.each([
    ['on a disk that is full', 'size=4k', '/bin/dd if=/dev/zero of="$directory/full" 2>/dev/null;'],
    ['where nothing can be written', 'ro', ''],
  ])('%s', (_, option, fill) =>
    withWorld({}, async (world) => {
      const links = await declared(world, many);
      const script = `${hide(world, option, fill)} exec "$0" "$@"`;
      const args = ['-m', 'sh', '-c', script, programPath, 'run', '--log-format', 'json', ...world.files.options];
      const daemon = world.host.spawn('unshare', args);
      const ready = async () => {
        const status = JSON.parse(await httpGet(world.files.socket, '/v1/status'));
        return status.zones.filter(({ state }: { state: string }) => state === 'ready').length === many;
      };
      await waitFor(ready, { what: `${many} zones`, deadlineMs: 40_000, everyMs: 50 }).catch((error: Error) => {
        throw new Error(`${error.message}\n${daemon.stdout.join('\n')}\n${daemon.stderr.join('\n')}`);
      });
      const set = await world.host.mustExec('nft', ['list', 'set', 'inet', 'edera', 'from4']);
      for (const link of links) expect(set).toContain(`"${link}"`);
      expect(await daemon.stop()).toBe(0);
    }),
  );
});

it('links for which too few files may be open are served like the others, and whoever asks is told', () =>
  withWorld({}, async (world) => {
    await declared(world, 60);
    // The program itself has about 100 open, and the watches on a link's sysctls are four.
    const daemon = await world.startDaemon({ through: ['prlimit', '--nofile=300:300'] });
    expect((await daemon.status()).zones.filter(({ state }) => state === 'ready')).toHaveLength(60);
    const [late] = (await world.addManyLinks(1, 2000)).names;
    await world.writeZoneFile(String(late), defaultAddresses(2000, 0));
    const isServed = async () =>
      (await daemon.status()).zones.some(({ link, state }) => link === late && state === 'ready');
    await waitFor(isServed, { what: 'a link that comes later', deadlineMs: 20_000, everyMs: 50 });
    const isWatching = async () => (await daemon.status()).warnings.some((each) => /more than 37 links/.test(each));
    await waitFor(isWatching, { what: 'the warning', deadlineMs: 20_000, everyMs: 50 });
  }));

it('a /run that is read-only costs the control socket, and no zone its network', () =>
  withWorld({}, async (world) => {
    const zone = await world.addZone({ domid: 7 });
    await world.declareZone(zone);
    await world.files.writeSettings({ control: { socket: '/run/protect-network/control.sock' } });
    const args = [
      '-m',
      'sh',
      '-c',
      `${hide(world, 'ro', '')} exec "$0" "$@"`,
      programPath,
      'run',
      ...world.files.options,
    ];
    const daemon = world.host.spawn('unshare', args);
    await daemon.waitForLine((line) => /no control socket/.test(line), { deadlineMs: 30_000 });
    await daemon.waitForLine((line) => line.includes('vif7.0 is ready'), { deadlineMs: 30_000 });
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    expect(await daemon.stop()).toBe(0);
  }));

/** Whether the kernel has dropped an event of the process: the ninth column of /proc/net/netlink. */
async function hasLost({ host }: World): Promise<boolean> {
  const rows = (await host.mustExec('cat', ['/proc/net/netlink'])).split('\n').map((row) => row.trim().split(/\s+/));
  return rows.some(([, , , , , , , , drops]) => Number(drops) > 0);
}

async function declared(world: World, count: number): Promise<readonly string[]> {
  const { names } = await world.addManyLinks(count, 1000);
  await Promise.all(names.map((link, index) => world.writeZoneFile(link, defaultAddresses(1000 + index, 0))));
  return names;
}

/** Mounts over every directory that a temporary file could be put in, in a mount namespace of its own; the world's and ours are kept. */
function hide({ files: { directory } }: World, option: string, fill: string): string {
  return `
    world=${directory}
    checkout=${repository}
    program=${dirname(dirname(programPath))}
    mount --bind "$world" /mnt
    mount --bind "$checkout" /media
    mount --bind "$program" /srv
    for directory in /run /dev/shm; do
      mount -t tmpfs -o ${option} none $directory; ${fill}
    done
    mount -t tmpfs -o size=4k none /tmp
    mkdir -p "$world" "$checkout" "$program"
    mount --bind /mnt "$world"
    mount --bind /media "$checkout"
    mount --bind /srv "$program"
    directory=/tmp; ${fill === '' ? 'mount -o remount,ro /tmp;' : fill}`;
}
