/** What a zone’s coming costs the daemon where there are many already: CPU milliseconds of its process and its helpers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withWorld } from '../test/lab/world.ts';
import { cpuMsOf, crowd, declare, ownCpuMs, range, untilReady } from './lab.ts';
import { type BenchOptions, figures, type Report } from './report.ts';

export async function benchPass({ quick }: BenchOptions): Promise<Report> {
  const sizes = quick ? [10, 1000] : [10, 1000, 5000];
  const rounds = quick ? 10 : 30;
  const measured = [];
  for (const zones of sizes) measured.push({ zones, ...(await withCrowd(zones, rounds)) });
  const most = measured.at(-1);
  return {
    title: 'One more zone among many: CPU milliseconds from its link to rest',
    rows: measured.map(({ zones, own, all }) => ({
      zones,
      rounds,
      'daemon, median': figures(own).median,
      'daemon, p99': figures(own).p99,
      'with helpers, median': figures(all).median,
      'with helpers, p99': figures(all).p99,
    })),
    targets: [
      {
        what: `CPU of the daemon for one change among ${most?.zones} zones, ms`,
        value: most === undefined ? null : figures(most.own).median,
        limit: 10,
      },
    ],
    notes: [
      'Of the whole process, its threads and the compiler of its code included. Helpers: nft, ip, and both monitors.',
    ],
  };
}

async function withCrowd(zones: number, rounds: number): Promise<{ own: number[]; all: number[] }> {
  return withWorld({}, async (world) => {
    const fresh = range(zones + 1, rounds + 5);
    await declare(world, fresh);
    const daemon = await crowd(world, zones);
    const [own, all]: [number[], number[]] = [[], []];
    for (const [round, domid] of fresh.entries()) {
      const before = { own: ownCpuMs(daemon.pid), all: cpuMsOf(daemon.pid) };
      await world.addManyLinks(1, domid);
      // Long enough for all that follows; asking it whether it is ready would cost more than what is measured.
      await sleep(700);
      if (round < 5) continue;
      own.push(ownCpuMs(daemon.pid) - before.own);
      all.push(cpuMsOf(daemon.pid) - before.all);
    }
    await untilReady(daemon, zones + fresh.length);
    return { own, all };
  });
}
