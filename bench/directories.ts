/**
 * How long from a zone directory's word to a reachable zone: `node bench/directories.ts [--rounds N] [--json]`, as root.
 *
 * The real daemon serves three links in a namespace, each told by another directory. In each round every directory, in
 * turns, tells its zone and takes it back. The clock runs in this process: from just before the event is sent, the node
 * is written or the file is renamed, until `ip monitor` has shown both routes, which the daemon installs last. The
 * monitor's share, some tenths of a millisecond, is in all three; what is asked is the difference to static files.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { routeProtocol } from '../src/host/rtnetlink-changes.ts';
import type { DirectoryName } from '../src/model/directory-name.ts';
import { XenstoreClient } from '../src/xenstore/index.ts';
import { controlApiIn, wireZone, zoneSettings } from '../test/lab/directories.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import { attachDevice, backendOf, ipNodeOf } from '../test/xenstored/as-xl.ts';
import { remove, write } from '../test/xenstored/writes.ts';
import { startXenstored } from '../test/xenstored/xenstored.ts';
import { RouteWatch } from './route-watch.ts';
import { type Summary, summarize } from './statistics.ts';

/** Milliseconds that a directory may add to the static one's, in the median. */
const target = 2;
/** Rounds that warm up code and links, which the first opening also brings up. */
const warmUp = 5;

/** One directory with its zone. `tell` is timed; `prepare` and `retract` are not. */
interface Contestant {
  readonly name: DirectoryName;
  readonly zone: Zone;
  prepare(): Promise<void>;
  tell(): unknown;
  retract(): Promise<unknown>;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, json: { type: 'boolean' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 30) throw new Error('--rounds must be a whole number, 30 or more');
const times = await withWorld({}, (world) => race(world, rounds));
report(new Map([...times].map(([name, series]) => [name, summarize(series)])), values.json === true);

async function race(world: World, count: number): Promise<Map<DirectoryName, number[]>> {
  const xenstored = await startXenstored();
  const client = new XenstoreClient({ paths: [xenstored.socket] });
  const api = await controlApiIn(world, 'edera');
  try {
    await Promise.all([client.start(), api.start()]);
    const [first, second, third] = await Promise.all([7, 8, 9].map((domid) => world.addZone({ domid })));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three zones were made');
    const contestants: Contestant[] = [
      {
        name: 'control-api',
        zone: first,
        prepare: async () => undefined,
        tell: () => api.put(wireZone('edera', 'bench', first)),
        retract: async () => api.remove('bench', wireZone('edera', 'bench', first, { ended: true })),
      },
      {
        name: 'xenstore',
        zone: second,
        prepare: () => attachDevice(client, 8, 0),
        tell: () => write(client, ipNodeOf(8), `${second.ipv4} ${second.ipv6}`),
        retract: () => remove(client, backendOf(8)),
      },
      staticContestant(world, third),
    ];
    const daemon = await world.startDaemon({
      settings: zoneSettings(['control-api', 'xenstore', 'static'], { api: api.path, xenstore: xenstored.socket }),
    });
    await waitFor(() => api.watchers > 0, { what: 'the daemon to watch the control API' });
    const routes = await RouteWatch.start(world.host);
    const measured = new Map(contestants.map(({ name }): [DirectoryName, number[]] => [name, []]));
    for (let round = 0; round < count + warmUp; round += 1) {
      for (const contestant of rotated(contestants, round)) {
        const milliseconds = await once(contestant, routes);
        if (round >= warmUp) measured.get(contestant.name)?.push(milliseconds);
      }
    }
    await daemon.stop();
    return measured;
  } finally {
    client.close();
    api.kill();
    await xenstored.stop();
  }
}

function staticContestant({ files }: World, zone: Zone): Contestant {
  const draft = join(files.directory, 'bench-draft');
  const path = join(files.zones, `${zone.link}.toml`);
  return {
    name: 'static',
    zone,
    prepare: () => writeFile(draft, `ipv4 = "${zone.ipv4}"\nipv6 = "${zone.ipv6}"\n`),
    tell: () => rename(draft, path),
    retract: () => rm(path),
  };
}

/** Tells the zone, waits for its routes, and takes it back. */
async function once({ zone, prepare, tell, retract }: Contestant, routes: RouteWatch): Promise<number> {
  const lines = [zone.ipv4, zone.ipv6].map((address) => `${address} dev ${zone.link} proto ${routeProtocol}`);
  await prepare();
  // A pass that follows another at once is gathered for 4 ms (loop.ts); a random pause also hits no timer's beat.
  await sleep(30 + Math.random() * 20);
  const opened = routes.all(lines);
  const begin = performance.now();
  await tell();
  const end = await opened;
  const closed = routes.all(lines.map((line) => `Deleted ${line}`));
  await retract();
  await closed;
  return end - begin;
}

/** Everybody is first, second and last equally often. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function report(summaries: ReadonlyMap<DirectoryName, Summary>, asJson: boolean): void {
  const base = summaries.get('static');
  if (base === undefined) throw new Error('static was not measured');
  const rows = [...summaries].map(([directory, summary]) => {
    const { count, median, p99 } = summary;
    const added = { addedMedian: rounded(median - base.median), addedP99: rounded(p99 - base.p99) };
    return { directory, rounds: count, median: rounded(median), p99: rounded(p99), ...added };
  });
  const met = rows.every(({ addedMedian }) => addedMedian < target);
  if (asJson) {
    console.log(JSON.stringify({ unit: 'ms', targetAddedMedian: target, met, directories: rows }, null, 2));
    return;
  }
  console.log('Milliseconds from a directory’s word to both routes in place; added: over static files.');
  console.table(rows);
  console.log(`Added less than ${target} ms in the median: ${met ? 'yes' : 'NO'}`);
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
