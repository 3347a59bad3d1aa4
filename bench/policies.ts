/**
 * What policies cost: packets of connections that are open and of those that begin, the reload of a policy among many, and how long
 * a zone gets out after a foreign `nft flush ruleset`.
 */
import { farHost } from '../test/lab/addresses.ts';
import type { Daemon } from '../test/lab/daemon.ts';
import { pause, waitFor } from '../test/lab/wait-for.ts';
import { createWorld, type World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import { compile, declare, range, untilReady } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

const port = 7007;
const domid = 7;
const rulesEach = 100;

interface Place {
  readonly what: 'no policy' | 'one policy, one rule' | 'many';
  readonly world: World;
  readonly daemon: Daemon;
  readonly zone: Zone;
  readonly flood: string;
}

type Way = 'send' | 'open';

export async function benchPolicies({ quick }: BenchOptions): Promise<Report> {
  const zones = quick ? 200 : 1000;
  const times = await measure(zones, quick ? [5, 20_000, 5] : [15, 60_000, 20]);
  const median = (key: string) => figures(times.get(key) ?? []).median;
  const ratio = (way: Way, one: Place['what'], other: Place['what']) =>
    rounded(median(`${way} ${one}`) / median(`${way} ${other}`), 3);
  const rows = [...times].map(([what, series]) => ({ what, ...figures(series) }));
  return {
    title: `Policies: ${zones} zones with ${rulesEach} rules each beside one with one rule`,
    rows,
    targets: [
      {
        what: 'a packet of an open connection, in multiples of a zone without a policy',
        value: ratio('send', 'one policy, one rule', 'no policy'),
        limit: 1.05,
      },
      {
        what: `a connection that begins, with ${zones} zones, in multiples of one zone with one rule`,
        value: ratio('open', 'many', 'one policy, one rule'),
        limit: 1.1,
      },
      {
        what: `reload of ${zones} policies, one changed, ms of the pass`,
        value: rounded(median('reload'), 1),
        limit: 20,
      },
      { what: 'closed again after a foreign flush, ms', value: rounded(median('flush'), 1), limit: 20 },
      { what: `… with ${zones} zones`, value: rounded(median(`flush ${zones}`), 1), limit: 20 },
    ],
    notes: [
      'send, open: nanoseconds of the sender’s processor time for a packet, the whole way counted.',
      'reload: the pass that takes a changed file into force; a changed directory is read once it has rested for 250 ms.',
      'flush: from the first packet that is seen outside and should not be to the last.',
    ],
  };
}

async function measure(
  zones: number,
  [rounds, packets, flushes]: readonly [number, number, number],
): Promise<Map<string, number[]>> {
  const places: Place[] = [];
  const times = new Map<string, number[]>();
  const note = (key: string, value: number) => times.set(key, [...(times.get(key) ?? []), value]);
  const open = async (what: Place['what'], count: number) => {
    const place = await openPlace(what, count);
    places.push(place);
    return place;
  };
  try {
    const [, one, many] = [
      await open('no policy', 1),
      await open('one policy, one rule', 1),
      await open('many', zones),
    ];
    for (const _ of range(0, rounds)) {
      for (const place of places) note(`send ${place.what}`, await cost(place, 'send', packets));
      for (const place of places) note(`open ${place.what}`, await cost(place, 'open', packets));
    }
    for (const round of range(0, rounds)) note('reload', await reload(many, round));
    for (const _ of range(0, flushes)) {
      note('flush', await flush(one));
      note(`flush ${zones}`, await flush(many));
    }
  } finally {
    for (const { world } of places) world.destroy();
  }
  return times;
}

function policyOf(zone: number, rules: readonly string[]): string {
  return `[[policy]]\nlinks = ["vif${zone}.0"]\n[policy.egress]\nallow = ${JSON.stringify(rules)}\n`;
}

/** The last rule is the one that the zone uses. */
function rulesFor(zone: number, count: number): string[] {
  const others = range(1, count - 1).map((number) => `198.18.${zone & 255}.${number}:443`);
  return [...others, `${farHost.ipv4}:${port}/udp`];
}

async function openPlace(what: Place['what'], zones: number): Promise<Place> {
  const world = await createWorld({ routeBack: true });
  const zone = await world.addZone({ domid });
  const flood = await compile(world, 'flood');
  await world.declareZone(zone);
  await declare(world, range(domid + 1, zones - 1));
  if (zones > 1) await world.addManyLinks(zones - 1, domid + 1);
  const rules = what === 'many' ? rulesEach : 1;
  if (what !== 'no policy')
    for (const each of range(domid, zones))
      await world.files.writePolicy(`${each}.toml`, policyOf(each, rulesFor(each, rules)));
  const daemon = await world.startDaemon({ deadlineMs: 300_000 });
  await untilReady(daemon, zones);
  await world.internet.spawn(flood, ['sink', String(port)]).waitForLine((line) => line === 'ready');
  await waitFor(async () => (await world.cli(['plan'])).stdout.startsWith('nothing to do'), {
    what: 'everything to be in place',
    deadlineMs: 60_000,
  });
  await pause(500);
  return { what, world, daemon, zone, flood };
}

async function cost({ zone, flood }: Place, way: Way, packets: number): Promise<number> {
  return Number(await zone.mustExec(flood, [way, farHost.ipv4, String(port), String(packets)]));
}

/** One file of all changes; milliseconds of the pass that follows. */
async function reload({ world, daemon }: Place, round: number): Promise<number> {
  const before = daemon.log.length;
  const last = domid + 1;
  const rules = [...rulesFor(last, rulesEach), `198.19.0.1:${1000 + round}`];
  await world.files.writePolicy(`${last}.toml`, policyOf(last, rules));
  const pass = await waitFor(
    () =>
      daemon.log
        .slice(before)
        .find(({ event, cause }) => event === 'pass' && String(cause).includes('policies changed')),
    { what: 'the pass', deadlineMs: 60_000 },
  );
  return Number(pass['milliseconds']);
}

/** How long what no rule allows is seen outside. */
async function flush({ world, zone, flood }: Place): Promise<number> {
  const seen: number[] = [];
  const tap = world.internet.spawn('tcpdump', ['-l', '-n', '-tt', '-i', 'eth0', `udp and port ${port + 1}`], (line) => {
    // Its closing lines count packets.
    const [time] = /^\d{10}\.\d+/.exec(line) ?? [];
    if (time !== undefined) seen.push(Number(time) * 1000);
  });
  await pause(500);
  const sender = zone.spawn('sh', ['-c', `while :; do ${flood} open ${farHost.ipv4} ${port + 1} 20 >/dev/null; done`]);
  await pause(300);
  await world.host.nft('flush ruleset');
  await waitFor(async () => (await world.cli(['plan'])).stdout.startsWith('nothing to do'), {
    what: 'the repair',
    deadlineMs: 60_000,
    everyMs: 100,
  });
  await sender.stop('SIGKILL');
  await pause(200);
  await tap.stop();
  const [first, last] = [seen[0], seen.at(-1)];
  return first === undefined || last === undefined ? 0 : last - first;
}
