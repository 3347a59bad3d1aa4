/**
 * A fleet of 200 dom0s and more with 250 zones each: as many real ones with BIRD and daemon as two processors bear, a router, and
 * 198 others as one BIRD that announces their 49,500 routes. How fast a zone is known at another dom0, at all real ones, and
 * forgotten there, what all those routes cost, and what the rules of a fleet add to a packet.
 */
import { ipBatch } from '../test/lab/command.ts';
import { Bird, type Dom0, type Fleet, fleetSettings, openFleet } from '../test/lab/fleet.ts';
import { freshNamespaceLines } from '../test/lab/fresh-namespace.ts';
import { Namespace } from '../test/lab/namespace.ts';
import { farIndex } from '../test/lab/topology.ts';
import { pause, waitFor } from '../test/lab/wait-for.ts';
import { fleetPackets } from './fleet-packets.ts';
import { ownCpuMs } from './lab.ts';
import { sampleOf } from './memory.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

/** Dom0s with a BIRD and a daemon of their own. */
const realHosts = 20;
const feederAddress = '10.0.1.250';
/** Routes of the dom0s that are not there. */
const announced = 49_500;
/** Routes that go and come each half second: 100 of either a second. */
const churning = 50;

export async function benchFleet({ quick }: BenchOptions): Promise<Report> {
  const [rounds, packets] = quick ? [15, 20_000] : [50, 100_000];
  const fleet = await openFleet({ hosts: realHosts, debug: false });
  try {
    const two = fleet.host(2);
    const zone = await two.addZone(7);
    const alone = await memoryOf(two);
    const others = fleet.hosts.filter((host) => host !== two);
    const few = await latencies(two, others, rounds, 100);
    const moves = await moveTimes(fleet, rounds);
    const begun = performance.now();
    const cpuBefore = ownCpuMs(two.daemon.pid);
    const feeder = await feed(fleet, announced);
    await waitFor(async () => (await Promise.all(fleet.hosts.map(routesAt))).every((count) => count >= announced), {
      what: `${announced} routes everywhere`,
      deadlineMs: 300_000,
      everyMs: 200,
    });
    const arrival = performance.now() - begun;
    await pause(3000);
    const arrivalCpu = ownCpuMs(two.daemon.pid) - cpuBefore;
    const crowded = await memoryOf(two);
    const many = await latencies(two, others, rounds, 200);
    const churn = await churnCost(two, feeder, quick ? 5 : 20);
    const costs = await fleetPackets(fleet, zone, quick ? 12 : 25, packets);
    return reportOf({ few, many, moves, arrival, arrivalCpu, alone, crowded, churn, costs, fleet });
  } finally {
    fleet.destroy();
  }
}

interface Latencies {
  readonly known: readonly number[];
  /** At the last of all. */
  readonly everywhere: readonly number[];
  readonly forgotten: readonly number[];
}

interface Memory {
  readonly daemonKiB: number;
  readonly birdKiB: number;
}

/** From what the kernel says of the link at one dom0 to what it says of the route at the first of the others, and at all of them. */
async function latencies(from: Dom0, others: readonly Dom0[], rounds: number, firstDomid: number): Promise<Latencies> {
  const links = new Lines(from.world.host, ['ip', '-o', 'monitor', 'link']);
  const places = others.map(({ world }) => new Lines(world.host, ['ip', '-o', 'monitor', 'route']));
  await pause(300);
  const [known, everywhere, forgotten]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const domid = firstDomid + (round % 50);
    const [link, address] = [`vif${domid}.0`, `10.75.${from.number}.${domid}`];
    await from.world.writeZoneFile(link, { ipv4: address });
    await pause(50 + Math.random() * 20);
    const [born, arrived] = [
      links.next((line) => line.includes(link)),
      places.map((routes) => routes.next((line) => line.startsWith(`${address} `))),
    ];
    await from.world.addLink(link);
    const [at, seen] = [await born, await Promise.all(arrived)];
    known.push((seen[0] ?? Number.NaN) - at);
    everywhere.push(Math.max(...seen) - at);
    await pause(50 + Math.random() * 20);
    const [gone, withdrawn] = [
      links.next((line) => line.startsWith('Deleted') && line.includes(link)),
      places.map((routes) => routes.next((line) => line.startsWith(`Deleted ${address} `))),
    ];
    await from.world.host.ip(`link del ${link}`);
    const [deleted, first] = [await gone, (await Promise.all(withdrawn))[0] ?? Number.NaN];
    forgotten.push(first - deleted);
    await from.world.removeZoneFile(link);
  }
  for (const lines of [links, ...places]) lines.stop();
  return { known, everywhere, forgotten };
}

/**
 * A zone that still runs at one dom0 is born at the other under its address: until the router sends there, and until the first lets
 * go, from what the kernel says of the new link.
 */
async function moveTimes(fleet: Fleet, rounds: number): Promise<{ turned: number[]; released: number[] }> {
  const [from, to, [router]] = [fleet.host(2), fleet.host(3), fleet.routers];
  if (router === undefined) throw new Error('no router');
  const domids = Array.from({ length: Math.min(rounds, 40) }, (_, index) => 160 + index);
  const addressOf = (domid: number) => `10.75.2.${domid}`;
  await to.world.files.writeSettings(fleetSettings(3, 1, domids.map(addressOf)));
  await to.daemon.waitForLog(({ msg }) => String(msg).includes('configuration reloaded'));
  const links = new Lines(to.world.host, ['ip', '-o', 'monitor', 'link']);
  const [ways, own] = [router.namespace, from.world.host].map(
    (place) => new Lines(place, ['ip', '-o', 'monitor', 'route']),
  ) as [Lines, Lines];
  const [turned, released]: [number[], number[]] = [[], []];
  for (const domid of domids) {
    const [link, address] = [`vif${domid}.0`, addressOf(domid)];
    const isThere = ways.next((line) => line.startsWith(`${address} `));
    for (const { world } of [from, to]) await world.writeZoneFile(link, { ipv4: address });
    await from.world.addLink(link);
    await isThere;
    await pause(50);
    const [born, isTurned, isReleased] = [
      links.next((line) => line.includes(link)),
      ways.next((line) => line.startsWith(`${address} `) && line.includes('10.0.1.3')),
      own.next((line) => line.startsWith(`Deleted ${address} dev ${link}`)),
    ];
    await to.world.addLink(link);
    turned.push((await isTurned) - (await born));
    released.push((await isReleased) - (await born));
    for (const { world } of [from, to]) await world.host.ip(`link del ${link}`);
    for (const { world } of [from, to]) await world.removeZoneFile(link);
  }
  for (const lines of [links, ways, own]) lines.stop();
  return { turned, released };
}

/** What a monitor prints, with the time of each line. */
class Lines {
  readonly #process;
  #waiting: { readonly fits: (line: string) => boolean; readonly resolve: (at: number) => void } | undefined;

  constructor(where: Namespace, [command = '', ...args]: readonly string[]) {
    this.#process = where.spawn(command, args, (line) => {
      if (this.#waiting?.fits(line) !== true) return;
      this.#waiting.resolve(performance.now());
      this.#waiting = undefined;
    });
  }

  next(fits: (line: string) => boolean): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setTimeout(() => reject(new Error('a line did not come within 10 s')), 10_000);
    this.#waiting = { fits, resolve };
    return promise.finally(() => clearTimeout(timer));
  }

  stop(): void {
    void this.#process.stop();
  }
}

async function memoryOf({ daemon, bird }: Dom0): Promise<Memory> {
  return { daemonKiB: sampleOf(daemon.pid, 0).daemonKiB, birdKiB: sampleOf(bird.pid, 0).residentKiB };
}

async function routesAt({ bird }: Dom0): Promise<number> {
  return Number(/^(\d+) of/m.exec(await bird.ask('show', 'route', 'count'))?.[1] ?? 0);
}

/** The dom0s that are not there. */
async function feed(fleet: Fleet, count: number): Promise<Bird> {
  const [router] = fleet.routers;
  if (router === undefined) throw new Error('no router');
  const { world } = fleet.host(2);
  const feeder = new Namespace(`${world.prefix}-feeder`);
  await ipBatch([
    ...freshNamespaceLines(feeder.name),
    `link add feeder ${farIndex}901 netns ${router.namespace.name} type veth peer name eth0 netns ${feeder.name}`,
  ]);
  await router.namespace.ip('link set feeder master lan', 'link set feeder up');
  await feeder.ip('link set lo up', `address add ${feederAddress}/24 dev eth0`, 'link set eth0 up');
  const own = 'protocol bgp feeder from host { neighbor 10.0.1.250 as 4200000250; ipv4 { import limit 100000; }; }';
  await router.bird.reconfigure(`${router.bird.config}\n${own}\n`);
  const address = (index: number) => `10.75.${50 + Math.floor(index / 250)}.${1 + (index % 250)}`;
  const routes = (first: number, end: number) =>
    Array.from({ length: end - first }, (_, index) => `route ${address(first + index)}/32 unreachable;`).join('\n');
  const config = [
    `router id ${feederAddress};`,
    'protocol device { }',
    `protocol static { ipv4; ${routes(churning, count)} }`,
    `protocol static churn { ipv4; ${routes(0, churning)} }`,
    'protocol bgp to_router { local as 4200000250; neighbor 10.0.1.254 as 4200000000; direct; ttl security on; password "change-me";',
    'connect delay time 1; ipv4 { import none; export all; }; }',
  ];
  const bird = new Bird(feeder, world.files.directory, config.join('\n'));
  bird.start([]);
  return bird;
}

/** Milliseconds of processor time that the daemon takes a second, while 100 zones a second come and go elsewhere. */
async function churnCost({ daemon, bird }: Dom0, feeder: Bird, seconds: number) {
  const before = { daemon: ownCpuMs(daemon.pid), bird: ownCpuMs(bird.pid) };
  const begun = performance.now();
  while (performance.now() - begun < seconds * 1000) {
    await feeder.ask('disable', 'churn');
    await pause(250);
    await feeder.ask('enable', 'churn');
    await pause(250);
  }
  const spent = (performance.now() - begun) / 1000;
  return {
    daemon: (ownCpuMs(daemon.pid) - before.daemon) / spent,
    bird: (ownCpuMs(bird.pid) - before.bird) / spent,
  };
}

interface Measured {
  readonly few: Latencies;
  readonly many: Latencies;
  readonly moves: { readonly turned: readonly number[]; readonly released: readonly number[] };
  readonly arrival: number;
  readonly arrivalCpu: number;
  readonly alone: Memory;
  readonly crowded: Memory;
  readonly churn: { readonly daemon: number; readonly bird: number };
  readonly costs: ReadonlyMap<string, readonly number[]>;
  readonly fleet: Fleet;
}

function reportOf({ few, many, moves, arrival, arrivalCpu, alone, crowded, churn, costs }: Measured): Report {
  const least = (key: string) => Math.min(...(costs.get(key) ?? []));
  const ratio = (way: string, base: string) => rounded(least(`${way} with`) / least(`${way} ${base}`), 3);
  return {
    title: 'A fleet: milliseconds until another dom0 knows of a zone, and what others’ routes cost',
    rows: [
      { what: 'known elsewhere, ms after its link', ...figures(few.known) },
      { what: `… with ${announced} other zones`, ...figures(many.known) },
      { what: `known at all ${realHosts - 1} others, ms after its link`, ...figures(few.everywhere) },
      { what: `… with ${announced} other zones`, ...figures(many.everywhere) },
      { what: 'forgotten elsewhere, ms after its link', ...figures(few.forgotten) },
      { what: `… with ${announced} other zones`, ...figures(many.forgotten) },
      { what: 'moved: the router sends to its new dom0, ms after its link there', ...figures(moves.turned) },
      { what: '… and the old one has let go', ...figures(moves.released) },
      ...[...costs].map(([key, series]) => ({ what: `ns a packet, ${key} [fleet]`, ...figures(series) })),
    ],
    targets: [
      { what: 'known elsewhere, median ms', value: figures(few.known).median, limit: 15 },
      { what: 'forgotten elsewhere, median ms', value: figures(few.forgotten).median, limit: 50 },
      {
        what: `known elsewhere with ${announced} other zones, median ms`,
        value: figures(many.known).median,
        limit: 15,
      },
      {
        what: `forgotten elsewhere with ${announced} other zones, median ms`,
        value: figures(many.forgotten).median,
        limit: 50,
      },
      { what: 'a packet out with the rules of a fleet, times without', value: ratio('out', 'without'), limit: 1.02 },
      { what: 'a packet in with the rules of a fleet, times without', value: ratio('in', 'without'), limit: 1.02 },
    ],
    notes: [
      `${announced} routes were at all ${realHosts} dom0s ${rounded(arrival / 1000)} s after their announcer's start; the daemon used ${rounded(arrivalCpu)} ms of processor time on them`,
      `the daemon holds ${alone.daemonKiB} KiB of its own alone and ${crowded.daemonKiB} then, BIRD ${alone.birdKiB} and ${crowded.birdKiB} KiB in all`,
      `100 zones a second that come and go elsewhere: ${rounded(churn.daemon)} ms a second of the daemon's, ${rounded(churn.bird)} of BIRD's`,
      `in multiples of a host that routes and has no rules: ${ratio('out', 'plain')} out, ${ratio('in', 'plain')} in`,
      'costs of a packet: the least of all rounds, since the machine’s own noise is one-sided',
    ],
  };
}
