/**
 * Links without end: `npm run soak -- [--births N] [--batch N] [--seconds N] [--json]`, as root. In a namespace, batches
 * of links with their static zone files are born, served and die while the real daemon runs. Every third batch dies
 * before it can have been served. Names and addresses come round again, each time with a new ifindex.
 *
 * Sampled all the while: memory and open files of the daemon and its helpers. At the end the host must be as it was
 * before the first birth, to the line, and nothing may have grown. Ends with 1 where that is not so, and after
 * `--seconds` at the latest, then with fewer births.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { defaultAddresses } from '../test/lab/addresses.ts';
import type { Daemon } from '../test/lab/daemon.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { growth, type Sample, sampleOf, slopePerThousand } from './memory.ts';

/** Domains that take part: names come round after so many births. */
const names = 4000;
/**
 * What the medians of the second and the last quarter may differ by, in KiB, and what the trend between them may come to:
 * V8’s heap breathes, and helpers grow until they are replaced.
 */
const daemonBound = 24 * 1024;
const helpersBound = 24 * 1024;
/** With fewer samples, growth and trend are where the last breath happened to end: they are told, and not judged. */
const leastForGrowth = 20;
const leastForTrend = 100;

const { values } = parseArgs({
  options: {
    births: { type: 'string', default: '100000' },
    batch: { type: 'string', default: '250' },
    seconds: { type: 'string', default: '3600' },
    json: { type: 'boolean' },
  },
});
const [births, batch, seconds] = [values.births, values.batch, values.seconds].map(Number) as [number, number, number];
const begin = performance.now();
const samples: Sample[] = [];
/** With no zone on the host: before the first birth, and after the last death. */
const atRest: Sample[] = [];
const leftOver = await withWorld({}, soak);
report();

/** The lines of the host's state that are not as they were. */
async function soak(world: World): Promise<string[]> {
  const daemon = await world.startDaemon({ deadlineMs: 120_000 });
  const before = await stateOf(world);
  atRest.push(sampleOf(daemon.pid, 0));
  for (let born = 0; born < births && elapsed() < seconds; born += batch) {
    await generation(world, daemon, born);
    // The lab keeps every line of the log.
    daemon.log.length = 0;
    daemon.process.stdout.length = 0;
    samples.push(sampleOf(daemon.pid, Math.min(born + batch, births)));
    if (values.json !== true && samples.length % 10 === 0) progress();
  }
  await untilGone(daemon);
  const after = await untilSame(world, before);
  atRest.push(sampleOf(daemon.pid, samples.at(-1)?.births ?? 0));
  await daemon.stop();
  return after;
}

async function generation(world: World, daemon: Daemon, born: number): Promise<void> {
  const count = Math.min(batch, births - born);
  const first = 1 + (born % (names - (names % batch)));
  const domids = Array.from({ length: count }, (_, index) => first + index);
  await Promise.all(domids.map((domid) => world.writeZoneFile(`vif${domid}.0`, defaultAddresses(domid, 0))));
  const links = await world.addManyLinks(count, first);
  if ((born / batch) % 3 === 2) await sleep(Math.random() * 100);
  else await untilReady(daemon, count, born);
  await links.remove();
  await Promise.all(links.names.map((link) => world.removeZoneFile(link)));
}

/** Throws with what the daemon knows of those that are not, which a busy machine does not explain. */
async function untilReady(daemon: Daemon, count: number, born: number): Promise<void> {
  const isReady = async () => {
    const { zones } = await daemon.status();
    return zones.filter(({ state }) => state === 'ready').length >= count;
  };
  try {
    await waitFor(isReady, { what: `${count} zones to be ready`, deadlineMs: 300_000, everyMs: 50 });
  } catch (error) {
    const { zones, failures, lastPass } = await daemon.status();
    const late = zones.filter(({ state }) => state !== 'ready').slice(0, 5);
    const said = daemon.log.slice(-20).map(({ msg }) => msg);
    const known = { zones: zones.length, late, failures, lastPass, said };
    throw new Error(`after ${born} births: ${JSON.stringify(known, null, 2)}`, { cause: error });
  }
}

function untilGone(daemon: Daemon): Promise<unknown> {
  const isEmpty = async () => (await daemon.status()).zones.length === 0;
  return waitFor(isEmpty, { what: 'all zones to be forgotten', deadlineMs: 120_000, everyMs: 100 });
}

/** Lines that differ, once there are none or after ten seconds. */
async function untilSame(world: World, before: ReadonlySet<string>): Promise<string[]> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const now = await stateOf(world);
    const differing = [...before.symmetricDifference(now)];
    if (differing.length === 0 || performance.now() > deadline) return differing;
    await sleep(200);
  }
}

/** Routes, proxies, ruleset, neighbours, links and static files, by line. */
async function stateOf(world: World): Promise<Set<string>> {
  const [snapshot, neighbours, links, files] = await Promise.all([
    world.host.snapshot(),
    world.host.mustExec('ip', ['neighbour', 'show', 'nud', 'all']),
    world.host.mustExec('ip', ['-br', 'link', 'show']),
    world.host.mustExec('ls', ['-a', world.files.zones]),
  ]);
  const ofZones = neighbours.split('\n').filter((line) => line.includes(' vif'));
  return new Set([...snapshot.split('\n'), ...ofZones, ...links.split('\n'), ...files.split('\n')]);
}

function elapsed(): number {
  return (performance.now() - begin) / 1000;
}

function progress(): void {
  const last = samples.at(-1);
  if (last === undefined) return;
  const rate = Math.round(last.births / elapsed());
  console.log(
    `${last.births} births, ${rate}/s, daemon ${last.daemonKiB} KiB, helpers ${last.helpersKiB} KiB, ${last.files} open files`,
  );
}

function report(): void {
  const born = samples.at(-1)?.births ?? 0;
  const settled = samples.slice(Math.floor(samples.length / 4));
  const [first, last] = [settled[0], settled.at(-1)];
  const daemon = growthOf('daemonKiB', settled);
  const helpers = growthOf('helpersKiB', settled);
  const files = { before: atRest[0]?.files ?? 0, after: atRest.at(-1)?.files ?? 0 };
  const complaints = [
    ...complaintsOf('the daemon', daemon, daemonBound),
    ...complaintsOf('its helpers', helpers, helpersBound),
    ...(files.after > files.before + 2 ? [`${files.after} open files without zones, ${files.before} before`] : []),
    ...leftOver.slice(0, 10).map((line) => `not as it was before: ${line}`),
  ];
  const took = Math.round(elapsed());
  const rate = Math.round(born / elapsed());
  const memory = {
    daemonKiB: last?.daemonKiB,
    residentKiB: last?.residentKiB,
    residentAfterQuarterKiB: first?.residentKiB,
    helpersKiB: last?.helpersKiB,
  };
  process.exitCode = complaints.length === 0 ? 0 : 1;
  if (values.json === true) {
    console.log(
      JSON.stringify(
        { births: born, asked: births, seconds: took, rate, memory, daemon, helpers, files, complaints },
        null,
        2,
      ),
    );
    return;
  }
  console.log(
    `${born} births and deaths in ${took} s (${rate}/s)${born < births ? `; ${births} were asked for` : ''}.`,
  );
  console.log(
    `Private dirty memory at the end: daemon ${memory.daemonKiB} KiB (resident ${memory.residentKiB}, ${memory.residentAfterQuarterKiB} after the first quarter), helpers ${memory.helpersKiB} KiB.`,
  );
  console.log(
    `Daemon: ${daemon.growthKiB} KiB from the second quarter to the last, slope ${daemon.slopeKiBPerThousand} KiB per 1000 births.`,
  );
  console.log(`Helpers: ${helpers.growthKiB} KiB, slope ${helpers.slopeKiBPerThousand} KiB per 1000 births.`);
  console.log(`Open files without zones: ${files.before} before the first birth, ${files.after} after the last death.`);
  console.log(
    complaints.length === 0
      ? `The host is as it was before the first birth${daemon.samples < leastForGrowth ? '; whether anything grows takes more births' : ', and nothing has grown'}.`
      : complaints.join('\n'),
  );
}

interface Growth {
  readonly samples: number;
  readonly growthKiB: number;
  readonly slopeKiBPerThousand: number;
  /** What the slope comes to over all that was measured; undefined where that is too little. */
  readonly trendKiB: number | undefined;
}

function growthOf(figure: 'daemonKiB' | 'helpersKiB', settled: readonly Sample[]): Growth {
  const slopeKiBPerThousand = slopePerThousand(settled, figure);
  const thousands = ((settled.at(-1)?.births ?? 0) - (settled[0]?.births ?? 0)) / 1000;
  const trendKiB = settled.length < leastForTrend ? undefined : Math.round(slopeKiBPerThousand * thousands);
  return { samples: settled.length, growthKiB: growth(settled, figure), slopeKiBPerThousand, trendKiB };
}

function complaintsOf(who: string, { samples: count, growthKiB, trendKiB = 0 }: Growth, bound: number): string[] {
  return [
    ...(count >= leastForGrowth && growthKiB > bound ? [`${who} grew by ${growthKiB} KiB`] : []),
    ...(trendKiB > bound ? [`${who} grew all the while, by ${trendKiB} KiB`] : []),
  ];
}
