/** Somebody flushes the whole ruleset: how long until a zone reaches the internet again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { farHost } from '../test/lab/addresses.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { withWorld } from '../test/lab/world.ts';
import { crowd, untilAtRest } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

/** Between two echo requests, which is how much too long a time may be. */
const everyMs = 2;

export async function benchRepair({ quick }: BenchOptions): Promise<Report> {
  const [zones, rounds] = quick ? [300, 3] : [1000, 10];
  const times = await withWorld({}, async (world) => {
    const zone = await world.addZone({ domid: 20_000 });
    await world.declareZone(zone);
    const daemon = await crowd(world, zones - 1);
    const series: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const answers: number[] = [];
      const pinger = zone.spawn('ping', ['-n', '-D', '-i', String(everyMs / 1000), farHost.ipv4], (line) => {
        const at = /^\[([\d.]+)\] .* time=/.exec(line)?.[1];
        if (at !== undefined) answers.push(Number(at) * 1000);
      });
      await waitFor(() => answers.length > 100, { what: 'pings to be answered', deadlineMs: 30_000 });
      await world.host.nft('flush ruleset');
      const flushed = Date.now();
      await waitFor(
        () =>
          longestGap(answers) > 4 * everyMs && answers.at(-1) !== undefined && Number(answers.at(-1)) > flushed + 200,
        { what: 'pings to be answered again', deadlineMs: 60_000, everyMs: 50 },
      );
      await sleep(500);
      series.push(longestGap(answers));
      await pinger.stop('SIGKILL');
      await untilAtRest(daemon.pid);
    }
    return series;
  });
  return {
    title: `nft flush ruleset, ${zones} zones: milliseconds in which a zone’s pings stay unanswered`,
    rows: [{ zones, ...figures(times), 'resolution, ms': everyMs }],
    targets: [
      { what: `without network, median, ms (${zones} zones)`, value: rounded(figures(times).median), limit: 200 },
    ],
    notes: [
      'The ping goes on through it: its connection’s translation goes and comes with the rules.',
      '`npm run bench -- repair-kinds` has 18 other kinds of damage.',
    ],
  };
}

function longestGap(answers: readonly number[]): number {
  return answers.reduce((longest, at, index) => Math.max(longest, at - (answers[index - 1] ?? at)), 0);
}
