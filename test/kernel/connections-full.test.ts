/** A host whose table of tracked connections is full. The bound is the machine's own and is not touched. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { isCutOff, reaches, withScene } from '../lab/served.ts';
import type { World } from '../lab/world.ts';

const explain = ['explain', 'vif7.0', '--to', farHost.ipv4];

it('is named by explain and by doctor, with the fix', { timeout: 240_000 }, () =>
  withScene({}, async ({ world, zones: [one] }) => {
    expect(await reaches(one, farHost.ipv4)).toBe(true);
    const max = await fill(world);
    expect(await world.host.mustExec('cat', ['/proc/sys/net/netfilter/nf_conntrack_count'])).toBe(`${max}\n`);
    expect(await isCutOff(one, farHost.ipv4)).toBe(true);
    const { stdout, exitCode } = await world.cli(explain);
    expect(stdout).toContain(`the connection tracking table is full: ${max} of ${max}`);
    expect(stdout).toContain(`fix: sysctl -w net.netfilter.nf_conntrack_max=${2 * max}`);
    expect(exitCode).toBe(1);
    const doctor = await world.cli(['doctor', '--json']);
    expect(doctor.exitCode).toBe(1);
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      findings: expect.arrayContaining([
        // By now the first pings may have been forgotten.
        expect.objectContaining({ level: 'bad', what: expect.stringMatching(`^\\d+ of ${max} connections`) }),
      ]),
    });
    await world.host.mustExec('conntrack', ['-F']);
    expect(await reaches(one, farHost.ipv4)).toBe(true);
    expect((await world.cli(explain)).exitCode).toBe(0);
  }),
);

/** With answered connections, which the kernel does not give up. Returns how many there may be. */
async function fill({ host, files }: World): Promise<number> {
  const max = Number(await host.mustExec('cat', ['/proc/sys/net/netfilter/nf_conntrack_max']));
  const list = join(files.directory, 'connections');
  const lines = function* () {
    const perAddress = 60_000;
    for (let number = 0; number <= max; number++) {
      const source = `203.0.113.${1 + Math.floor(number / perAddress)}`;
      yield `-I -p tcp -s ${source} -d 203.0.113.254 --sport ${1024 + (number % perAddress)} --dport 80 --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 900\n`;
    }
  };
  await pipeline(Readable.from(lines()), createWriteStream(list));
  // The last one finds no room.
  await host.exec('conntrack', ['-R', list], { timeoutMs: 120_000 });
  return max;
}
