/** The forwarder of names beside the resolver that it asks: added time, answers a second, memory. */
import { join } from 'node:path';
import { type Address, parseAddress } from '../src/model/address.ts';
import { linkName } from '../src/model/link-name.ts';
import type { ZoneMessage } from '../src/policy/messages.ts';
import { gateway } from '../test/lab/addresses.ts';
import { programPath } from '../test/lab/daemon.ts';
import { PolicyDaemon } from '../test/lab/policy-daemon.ts';
import { startUnbound } from '../test/lab/unbound.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { compile, range } from './lab.ts';
import { type Sample, sampleOf } from './memory.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

/** Enough for 50,000 queries a second, of which each may send 50. */
const zones = 1000;
const port = 10_053;
const resolver = '198.51.100.53';
const known = 'known.example.com';
const fresh = 'new.example.com';
const knownNames = 100;

type Series = 'direct' | 'hits' | 'misses' | 'alone' | 'through';

interface Load {
  readonly perSecond: number;
  readonly medianUs: number;
  readonly good: number;
  readonly lost: number;
}

export function benchDns({ quick }: BenchOptions): Promise<Report> {
  return withWorld({ uplink: false }, async (world) => {
    using bench = await Bench.start(world);
    const [each, many] = quick ? [200, 20_000] : [500, 60_000];
    const series = { direct: [], hits: [], misses: [], alone: [], through: [] } as Record<Series, number[]>;
    for (const _ of range(0, quick ? 5 : 20)) {
      series.direct.push((await bench.load('resolver', 1, each, known)).medianUs / 1000);
      series.hits.push((await bench.load('forwarder', 1, each, known)).medianUs / 1000);
      series.misses.push((await bench.load('forwarder', 1, each, fresh)).medianUs / 1000);
    }
    for (const _ of range(0, quick ? 3 : 7)) {
      series.alone.push((await bench.load('resolver', 32, many, known)).perSecond);
      series.through.push((await bench.load('forwarder', 32, many, known)).perSecond);
    }
    const memory = await bench.memory();
    const rows = [
      { what: 'one at a time, the resolver alone, ms', ...figures(series.direct) },
      { what: 'one at a time, a name that is known, ms', ...figures(series.hits) },
      { what: 'one at a time, a name that is new, ms', ...figures(series.misses) },
      { what: '32 at once, the resolver alone, answers a second', ...figures(series.alone) },
      { what: '32 at once, a name that is known, answers a second', ...figures(series.through) },
    ];
    const [base = 0, hit = 0, miss = 0, most = 0, reached = 0] = rows.map(({ median }) => median);
    return {
      title: 'Names of policed zones, behind unbound on the same machine',
      rows,
      targets: [
        { what: 'added by the forwarder to a name that is known, ms', value: rounded(hit - base), limit: 0.5 },
        { what: 'added by the forwarder to a name that is new, ms', value: rounded(miss - base), limit: 0.5 },
        { what: 'answers a second, 32 at once', value: reached, limit: 10_000, atLeast: true },
        {
          what: 'answers a second, in multiples of unbound’s',
          value: rounded(reached / most),
          limit: 0.5,
          atLeast: true,
        },
        { what: 'memory with 10,000 leases, MB', value: rounded(memory.residentKiB / 1024, 1), limit: 75 },
      ],
      notes: [
        `${zones} zones ask in turn. Known: in the cache, and leased. New: asked of unbound and opened by a stand-in for the daemon.`,
        'Memory counts the pages of the runtime’s own file. The load comes from the same two processors.',
      ],
    };
  });
}

class Bench implements Disposable {
  readonly #world: World;
  readonly #daemon: PolicyDaemon;
  readonly #program: string;
  readonly #pid: number;
  /** Names that nobody has asked for yet. */
  #next = 0;

  private constructor(world: World, daemon: PolicyDaemon, program: string, pid: number) {
    [this.#world, this.#daemon, this.#program, this.#pid] = [world, daemon, program, pid];
  }

  static async start(world: World): Promise<Bench> {
    const { host, files } = world;
    await host.ip(
      'link set lo up',
      `route add local ${gateway.ipv4} dev lo table local`,
      `route add local ${resolver} dev lo table local`,
      'route add local 10.75.8.0/21 dev lo table local',
    );
    await startUnbound(host, {
      directory: files.directory,
      addresses: [resolver],
      records: range(0, knownNames).map((place) => `n${place}.${known}. 3600 A 198.51.100.${place}`),
      lines: [`local-zone: "${fresh}" redirect`, `local-data: "${fresh}. 3600 A 198.51.100.200"`, 'ip-freebind: yes'],
    });
    const daemon = new PolicyDaemon(join(files.directory, 'dns.sock'), {
      kind: 'policy',
      zones: [],
      listen: { addresses: [address(gateway.ipv4)], port },
      resolvers: [address(resolver)],
      own: [],
    });
    await daemon.start();
    const forwarder = host.spawn(programPath, ['dns', '--log-format', 'json', '--settings', files.settings]);
    await forwarder.waitForLine((line) => line.includes('answering at'), { deadlineMs: 30_000 });
    // In pieces: a message has a bound.
    for (const first of range(0, zones / 100)) {
      daemon.tell({ kind: 'zones', changed: range(first * 100, 100).map(zoneAt), gone: [] });
    }
    const bench = new Bench(world, daemon, await compile(world, 'dns-load'), forwarder.pid);
    const isKnown = async () => (await bench.load('forwarder', 1, zones, known)).good === zones;
    await waitFor(isKnown, { what: 'every zone to be answered', deadlineMs: 60_000 });
    return bench;
  }

  /** The stand-in for the daemon listens in this process, which would go on for it. */
  [Symbol.dispose](): void {
    this.#daemon.stop();
  }

  /** Each zone asks for one known name again and again; a new one is asked for once. */
  async load(whom: 'resolver' | 'forwarder', parallel: number, count: number, suffix: string): Promise<Load> {
    const isFresh = suffix === fresh;
    const first = isFresh ? this.#next : 0;
    if (isFresh) this.#next += count;
    const [server, serverPort] = whom === 'resolver' ? [resolver, 53] : [gateway.ipv4, port];
    const modulus = isFresh ? 1_000_000 : knownNames;
    const words = [server, serverPort, zones, parallel, count, first, modulus, suffix].map(String);
    const stdout = await this.#world.host.mustExec(this.#program, words, { timeoutMs: 120_000 });
    const [perSecond = 0, medianUs = 0, good = 0, lost = 0] = stdout.split(' ').map(Number);
    if (lost > count / 100) throw new Error(`${lost} of ${count} queries were not answered`);
    return { perSecond, medianUs, good, lost };
  }

  /** With 10,000 names leased besides what there was. */
  async memory(): Promise<Sample> {
    await this.load('forwarder', 8, 10_000, fresh);
    return sampleOf(this.#pid, 0);
  }
}

function zoneAt(place: number): ZoneMessage {
  const link = linkName(place + 1, 0);
  if (link === undefined) throw new Error(`no link for ${place}`);
  const own = address(`10.75.${8 + (place >> 8)}.${place & 0xff}`);
  const allow = [
    { pattern: `*.${known}`, isPrivate: false },
    { pattern: `*.${fresh}`, isPrivate: false },
  ];
  return { link, name: `zone${place}`, addresses: [own], mode: 'enforce', allow, deny: [] };
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}
