/** What the daemon takes while nothing happens, and whether it grows: memory and CPU time, helpers included. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../src/control/status.ts';
import type { LongRunning } from '../test/lab/command.ts';
import { httpGet } from '../test/lab/http.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import type { Settings } from '../test/lab/world-files.ts';
import { builds, launchers, type Name } from './contestants.ts';
import { cpuMsOf, declare, range, untilAtRest, untilReady } from './lab.ts';
import { type Sample, sampleOf } from './memory.ts';
import { type BenchOptions, type Report, rounded } from './report.ts';

export async function benchMemory({ quick }: BenchOptions): Promise<Report> {
  const births = quick ? 2000 : 20_000;
  const rows = [];
  for (const by of builds.slice(1)) {
    rows.push(rowOf(by, 10, 'idle', await idleWith(by, 10)), rowOf(by, 1000, 'idle', await idleWith(by, 1000)));
  }
  const few = await idleWith('ours', 10);
  const { many, after } = await idleAfter(1000, births);
  rows.push(
    rowOf('ours', 10, 'idle', few),
    rowOf('ours', 1000, 'idle', many),
    rowOf('ours', 1000, `after ${births} births and deaths`, after),
  );
  const whole = ({ residentKiB, helpersKiB }: Sample) => rounded((residentKiB + helpersKiB) / 1024, 1);
  return {
    title: 'Memory, idle',
    rows,
    targets: [
      { what: 'the whole process tree with 10 zones, MB', value: whole(few), limit: 68 },
      { what: 'the whole process tree with 1000 zones, MB', value: whole(many), limit: 95 },
      {
        what: 'growth by births, private dirty, MB',
        value: rounded((after.daemonKiB - many.daemonKiB) / 1024, 1),
        limit: 8,
      },
    ],
    notes: [
      'Resident counts the pages of the runtime’s own file, which all of its processes share.',
      '`npm run bench -- soak` makes 100,000 births and judges growth by its course.',
    ],
  };
}

function rowOf(by: Name, zones: number, what: string, { residentKiB, daemonKiB, helpersKiB, files }: Sample) {
  return {
    by,
    zones,
    what,
    'resident, MB': rounded(residentKiB / 1024, 1),
    'private dirty, MB': rounded(daemonKiB / 1024, 1),
    'helpers, private dirty, MB': rounded(helpersKiB / 1024, 1),
    'open files': files,
  };
}

async function idleWith(by: Name, zones: number): Promise<Sample> {
  return withWorld({}, async (world) => {
    const daemon = await installed(by, world, zones);
    await sleep(10_000);
    return sampleOf(daemon.pid, 0);
  });
}

async function idleAfter(zones: number, births: number): Promise<{ many: Sample; after: Sample }> {
  return withWorld({}, async (world) => {
    const daemon = await installed('ours', world, zones);
    await sleep(10_000);
    const many = sampleOf(daemon.pid, 0);
    const batch = 100;
    await declare(world, range(zones + 1, batch));
    for (let born = 0; born < births; born += batch) {
      const links = await world.addManyLinks(batch, zones + 1);
      await untilReady(daemon, zones + batch);
      await links.remove();
      daemon.process.stdout.length = 0;
    }
    await untilAtRest(daemon.pid);
    await sleep(10_000);
    return { many, after: sampleOf(daemon.pid, births) };
  });
}

export async function benchIdle({ quick }: BenchOptions): Promise<Report> {
  const seconds = quick ? 60 : 600;
  // At once: whoever does nothing does not disturb the others.
  const rows = await Promise.all(
    builds.flatMap((by) => [
      ...[10, 1000].map((zones) => idleFor(by, zones, 60, seconds)),
      // Once an hour at most.
      idleFor(by, 1000, 3600, seconds),
    ]),
  );
  return {
    title: 'Idle: CPU time of the daemon and its helpers while nothing happens',
    rows,
    targets: [
      {
        what: 'of a core with 1000 zones and the usual resync, %',
        value: rows[1]?.['of a core, %'] ?? null,
        limit: 0.2,
      },
      { what: 'of a core with 1000 zones, no resync, %', value: rows[2]?.['of a core, %'] ?? null, limit: 0.02 },
    ],
    notes: ['The usual resync is each 60 s.'],
  };
}

async function idleFor(by: Name, zones: number, resyncSeconds: number, seconds: number) {
  return withWorld({}, async (world) => {
    const daemon = await installed(by, world, zones, { reconcile: { 'resync-seconds': resyncSeconds } });
    const before = cpuMsOf(daemon.pid);
    await sleep(seconds * 1000);
    const milliseconds = cpuMsOf(daemon.pid) - before;
    return {
      by,
      zones,
      'resync, s': resyncSeconds,
      seconds,
      'CPU, ms': rounded(milliseconds),
      'of a core, %': rounded(milliseconds / seconds / 10, 4),
    };
  });
}

/** As the package installs it, not as a checkout runs: Node would keep what it needs to read TypeScript. */
async function installed(by: Name, world: World, zones: number, settings: Settings = {}): Promise<Installed> {
  const program = (await launchers(join(world.files.directory, 'program'))).get(by) ?? '';
  await world.files.writeSettings(settings, by === 'ours');
  await declare(world, range(1, zones));
  await world.addManyLinks(zones, 1);
  const process = world.host.spawn(program, ['run', '--log-format', 'json', ...world.files.options]);
  const status = async () => JSON.parse(await httpGet(world.files.socket, '/v1/status')) as Status;
  const daemon = { pid: process.pid, process, status };
  await untilReady(daemon, zones);
  await untilAtRest(daemon.pid);
  return daemon;
}

interface Installed {
  readonly pid: number;
  readonly process: LongRunning;
  status(): Promise<Status>;
}
