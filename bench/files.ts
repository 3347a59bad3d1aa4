/** Thousands of zone files that come at once: how long the daemon answers nobody, and when it has read them all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultAddresses } from '../test/lab/addresses.ts';
import type { Daemon } from '../test/lab/daemon.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { range } from './lab.ts';
import { type BenchOptions, figures, type Report } from './report.ts';

/** By another process, from the files that lie in the first directory. */
const ways = {
  'written one by one': "fs.writeFileSync(to + '/' + name, fs.readFileSync(from + '/' + name))",
  'moved in': "fs.renameSync(from + '/' + name, to + '/' + name)",
} as const;

interface Burst {
  /** Milliseconds. */
  readonly silence: number;
  readonly total: number;
}

export async function benchFiles({ quick }: BenchOptions): Promise<Report> {
  const counts = quick ? [1000, 5000] : [1000, 5000, 15_000];
  const rounds = quick ? 1 : 5;
  const rows = [];
  for (const files of counts) {
    for (const [way, script] of Object.entries(ways)) {
      const bursts: Burst[] = [];
      for (let round = 0; round < rounds; round += 1) bursts.push(await burst(files, script));
      const [silence, total] = [bursts.map((each) => each.silence), bursts.map((each) => each.total)];
      rows.push({
        files,
        way,
        rounds,
        'longest without an answer, median': figures(silence).median,
        'all read, median': figures(total).median,
      });
    }
  }
  const silences = rows.map((row) => row['longest without an answer, median']);
  return {
    title: 'Thousands of zone files at once: milliseconds',
    rows,
    targets: [
      { what: 'longest time without an answer on the control socket, ms', value: Math.max(...silences), limit: 1000 },
    ],
    notes: ['From the first file on; none of them has a link on the host.'],
  };
}

function burst(files: number, script: string): Promise<Burst> {
  return withWorld({}, async (world) => {
    const from = await stage(world, files);
    const daemon = await world.startDaemon({ debug: false, deadlineMs: 300_000 });
    const begin = performance.now();
    const loop = `const fs = require('node:fs'); const [, from, to] = process.argv; for (const name of fs.readdirSync(from)) ${script}`;
    const writer = spawn(process.execPath, ['-e', loop, from, world.files.zones], { stdio: 'inherit' });
    const [silence] = await Promise.all([longestSilence(daemon, files), once(writer, 'exit')]);
    return { silence, total: performance.now() - begin };
  });
}

async function stage({ files }: World, count: number): Promise<string> {
  const directory = join(files.directory, 'staged');
  await mkdir(directory);
  for (const domid of range(1, count)) {
    const { ipv4, ipv6 } = defaultAddresses(domid, 0);
    await writeFile(join(directory, `vif${domid}.0.toml`), `ipv4 = "${ipv4}"\nipv6 = "${ipv6}"\n`);
  }
  return directory;
}

/** Until the directory has all of its files. */
async function longestSilence(daemon: Daemon, files: number): Promise<number> {
  let longest = 0;
  await waitFor(
    async () => {
      await sleep(5);
      const begin = performance.now();
      const [directory] = (await daemon.status()).directories;
      longest = Math.max(longest, performance.now() - begin);
      return directory?.entries === files;
    },
    { what: 'all files to be read', deadlineMs: 300_000 },
  );
  return longest;
}
