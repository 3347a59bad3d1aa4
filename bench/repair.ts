/**
 * From somebody else's change to the restored state: `npm run bench:repair -- [--zones N] [--rounds N] [--kind TEXT]
 * [--json]`, as root. The real daemon serves the zones in a namespace. An observer in that namespace makes each change
 * and sees by itself when it is undone (repair-observer.ts), with the resolution of its looks shown; after each round
 * the host's whole state is compared with what it was. What nothing restores within two seconds waits for the resync:
 * those kinds are measured again with a daemon that looks every second, and marked.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Daemon } from '../test/lab/daemon.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { compile } from './lab.ts';
import { Observer } from './observer.ts';
import { type Kind, kinds, victimOf } from './repair-kinds.ts';
import { type Summary, summarize } from './statistics.ts';

/** Milliseconds, p99, on an idle host. */
const target = 100;
const firstDomid = 100;
const byEventMs = 2_000;

interface Measured {
  readonly kind: string;
  readonly by: 'event' | 'resync' | 'nothing';
  readonly times: readonly number[];
  readonly resolutionMs: number | null;
  readonly note?: string;
}

const { values } = parseArgs({
  options: {
    zones: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '20' },
    kind: { type: 'string', default: '' },
    json: { type: 'boolean' },
  },
});
const [zones, rounds] = [Number(values.zones), Number(values.rounds)];
const wanted = kinds.filter(({ name }) => name.includes(values.kind));
const loadBefore = loadavg();
const { measured, noise } = await withWorld({}, (world) => measure(world));
report();

async function measure(world: World): Promise<{ measured: Measured[]; noise: Summary }> {
  const links = await world.addManyLinks(zones, firstDomid);
  await Promise.all(links.names.map((_, index) => declare(world, firstDomid + index)));
  let daemon = await world.startDaemon({ settings: { reconcile: { 'resync-seconds': 86_400 } }, deadlineMs: 120_000 });
  const observer = new Observer(world.host.name, await compile(world, 'generations'));
  await settled(world);
  const healthy = await stateOf(world);
  const quiet = await overshoots();
  const results: Measured[] = [];
  for (const kind of wanted) {
    const result = await series(world, observer, kind, rounds, byEventMs, 'event');
    results.push(result);
    if (values.json !== true) console.error(`${kind.name}: ${result.by}, ${result.times.length} rounds`);
    // What no event restored would spoil the next kind: a daemon that starts puts everything right.
    if (result.by === 'nothing') daemon = await startedAnew(world, daemon, 86_400, healthy);
  }
  const left = results.filter(({ by }) => by === 'nothing').map(({ kind }) => kind);
  if (left.length > 0) {
    daemon = await startedAnew(world, daemon, 1, healthy);
    for (const kind of wanted.filter(({ name }) => left.includes(name))) {
      const again = await series(world, observer, kind, Math.min(rounds, 10), 10_000, 'resync');
      results[results.findIndex((result) => result.kind === kind.name)] = again;
    }
  }
  observer.stop();
  await daemon.stop();
  return { measured: results, noise: summarize(quiet) };
}

async function startedAnew(world: World, before: Daemon, resyncSeconds: number, healthy: string): Promise<Daemon> {
  await before.stop();
  const settings = { reconcile: { 'resync-seconds': resyncSeconds } };
  const daemon = await world.startDaemon({ settings, deadlineMs: 120_000 });
  await restored(world, healthy);
  return daemon;
}

async function declare(world: World, domid: number): Promise<void> {
  const { link, ipv4, ipv6 } = victimOf(domid);
  await world.writeZoneFile(link, { ipv4, ipv6 });
}

/** One kind's rounds, each with another link. It ends at the first that is not undone by the deadline. */
async function series(
  world: World,
  observer: Observer,
  kind: Kind,
  count: number,
  deadlineMs: number,
  by: 'event' | 'resync',
): Promise<Measured> {
  const times: number[] = [];
  let resolutionMs: number | null = null;
  let note: string | undefined;
  let before = await stateOf(world);
  for (let round = 0; round < count; round += 1) {
    const victim = victimOf(firstDomid + (round % zones));
    const strike = await kind.strike(world.host, victim);
    const answer = await observer.ask({ ...strike, deadlineMs });
    if (answer.failed !== undefined) throw new Error(`${kind.name}: ${answer.failed}`);
    if (answer.ms === null) return { kind: kind.name, by: 'nothing', times, resolutionMs };
    times.push(answer.ms);
    resolutionMs = answer.resolutionMs === null ? null : Math.max(resolutionMs ?? 0, answer.resolutionMs);
    await kind.undo?.(world.host, victim);
    const now = await restored(world, before);
    if (now !== before) note = differenceOf(before, now);
    before = now;
    // Nobody's quarrel: changes that follow each other faster are met with a delay (lifecycle/quarrel.ts, 8 within 10 s).
    await sleep(1_450 + Math.random() * 100);
  }
  return { kind: kind.name, by, times, resolutionMs, ...(note === undefined ? {} : { note }) };
}

/** The state once it is `before` again, or as it is after five seconds. */
async function restored(world: World, before: string): Promise<string> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const now = await stateOf(world);
    if (now === before || performance.now() > deadline) return now;
    await sleep(20);
  }
}

/** What is not as it was, in part. */
function differenceOf(before: string, now: string): string {
  const [was, is] = [before, now].map((text) => new Set(text.split('\n')));
  const gone = [...(was?.difference(is ?? new Set()) ?? [])].map((line) => `- ${line}`);
  const added = [...(is?.difference(was ?? new Set()) ?? [])].map((line) => `+ ${line}`);
  return [...gone, ...added]
    .map((line) => line.slice(0, 200))
    .slice(0, 6)
    .join('; ');
}

/** Everything but sysctls, in an order of its own: a rule that is put back stands behind its like. */
async function stateOf(world: World): Promise<string> {
  return (await world.host.snapshot()).split('\n').sort().join('\n');
}

/** Waits until two looks a while apart show the same, with the routes of every zone. */
async function settled(world: World): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      const now = await stateOf(world);
      const routes = now.split('\n').filter((line) => line.includes('proto 75') && line.includes(' vif')).length;
      const isSame = now === last && routes >= 2 * zones;
      last = now;
      return isSame;
    },
    { what: 'all zones to be served', deadlineMs: 120_000, everyMs: 300 },
  );
}

/** An empty measurement: by how many milliseconds 500 sleeps of one were too long. */
async function overshoots(): Promise<number[]> {
  const late: number[] = [];
  for (let count = 0; count < 500; count += 1) {
    const begin = performance.now();
    await sleep(1);
    late.push(performance.now() - begin - 1);
  }
  return late;
}

function report(): void {
  const rows = measured.map(({ kind, by, times, resolutionMs, note = '' }) => {
    const resolution = resolutionMs === null ? 'events' : rounded(resolutionMs);
    if (times.length === 0) return { kind, by, rounds: 0, median: null, p99: null, max: null, resolution, note };
    const { count, median, p99 } = summarize(times);
    return {
      kind,
      by,
      rounds: count,
      median: rounded(median),
      p99: rounded(p99),
      max: rounded(Math.max(...times)),
      resolution,
    };
  });
  const met = rows.every(({ by, p99 }) => by === 'event' && p99 !== null && p99 < target);
  const machine = {
    loadBefore: loadBefore.map(rounded),
    loadAfter: loadavg().map(rounded),
    sleepTooLong: { median: rounded(noise.median), p99: rounded(noise.p99) },
  };
  if (values.json === true) {
    console.log(JSON.stringify({ unit: 'ms', zones, targetP99: target, met, machine, kinds: rows }, null, 2));
    return;
  }
  console.log(`Milliseconds from a foreign change to the restored state, ${zones} zones.`);
  console.log('resolution: the longest time between two looks; "events": from the kernel’s own announcements.');
  console.table(rows.map(({ note: _, ...row }) => row));
  console.log(
    `Load ${machine.loadBefore.join(' ')} before, ${machine.loadAfter.join(' ')} after; a sleep of 1 ms took longer by`,
  );
  console.log(`${machine.sleepTooLong.median} ms in the median, ${machine.sleepTooLong.p99} ms at p99.`);
  console.log(`Every p99 under ${target} ms, and by events: ${met ? 'yes' : 'NO'}`);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
