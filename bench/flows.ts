/** What it costs to watch: `flows -f` while a zone begins 5000 connections a second, and ends as many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { farHost } from '../test/lab/addresses.ts';
import { programPath } from '../test/lab/daemon.ts';
import { pause, waitFor } from '../test/lab/wait-for.ts';
import { createWorld, type World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import { compile, ownCpuMs, range, untilReady } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

const perSecond = 5000;
const port = 7007;

interface Round {
  /** Percent of one processor. */
  readonly used: number;
  readonly rate: number;
  /** Connections that nothing was told of: neither that they began, nor that their event is lost. */
  readonly untold: number;
  readonly lost: number;
  readonly told: number;
}

export async function benchFlows({ quick }: BenchOptions): Promise<Report> {
  const world = await createWorld({ routeBack: true });
  try {
    const zone = await world.addZone({ domid: 7 });
    await world.declareZone(zone);
    const daemon = await world.startDaemon();
    await untilReady(daemon, 1);
    const flood = await compile(world, 'flood');
    await world.internet.spawn(flood, ['sink', String(port)]).waitForLine((line) => line === 'ready');
    const rows: { readonly form: 'lines' | 'JSON'; readonly rounds: readonly Round[] }[] = [];
    for (const form of ['lines', 'JSON'] as const) {
      const rounds: Round[] = [];
      for (const _ of range(0, quick ? 2 : 5)) rounds.push(await watch(world, zone, flood, form, quick ? 5 : 10));
      rows.push({ form, rounds });
    }
    const median = (form: string) =>
      figures(rows.find((row) => row.form === form)?.rounds.map(({ used }) => used) ?? []).median;
    const all = rows.flatMap(({ rounds }) => rounds);
    return {
      title: `flows -f while a zone begins ${perSecond} connections a second`,
      rows: rows.map(({ form, rounds }) => ({
        form,
        'percent of a core': median(form),
        'connections a second': figures(rounds.map(({ rate }) => rate)).median,
        events: rounds.reduce((sum, { told }) => sum + told, 0),
        lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
        untold: rounds.reduce((sum, { untold }) => sum + untold, 0),
      })),
      targets: [
        { what: 'lines, percent of a core', value: median('lines'), limit: 15 },
        { what: 'JSON, percent of a core', value: median('JSON'), limit: 15 },
        {
          what: 'connections that nothing was told of',
          value: all.reduce((sum, { untold }) => sum + untold, 0),
          limit: 0,
        },
      ],
      notes: [
        'Processor time of the command’s own threads, written into a file, while connections begin; as many end meanwhile.',
        'lost: events that the kernel could not queue, as the command says; untold: what is in neither.',
      ],
    };
  } finally {
    world.destroy();
  }
}

async function watch(world: World, zone: Zone, flood: string, form: 'lines' | 'JSON', seconds: number): Promise<Round> {
  // Connections end as fast as they begin.
  await world.host.setSysctls({ 'net/netfilter/nf_conntrack_udp_timeout': 1, 'net/netfilter/nf_conntrack_acct': 1 });
  const output = join(world.files.directory, 'flows.out');
  writeFileSync(output, '');
  const words = ['flows', '-f', ...(form === 'JSON' ? ['--json'] : []), ...world.files.options];
  const command = world.host.spawn('sh', [
    '-c',
    'file=$1; shift; exec "$@" >"$file"',
    'sh',
    output,
    programPath,
    ...words,
  ]);
  await waitFor(() => command.stderr.some((line) => line.includes('nf_conntrack_events')), {
    what: 'flows -f',
    deadlineMs: 30_000,
  });
  await pause(1000);
  const before = ownCpuMs(command.pid);
  const count = perSecond * seconds;
  const tookMs = Number(
    await zone.mustExec(flood, ['pace', farHost.ipv4, String(port), String(count), String(perSecond)]),
  );
  const used = ownCpuMs(command.pid) - before;
  await pause(500);
  await command.stop('SIGINT');
  const { begun, told, lost } = await countIn(world, output);
  return {
    used: rounded((100 * used) / tookMs, 1),
    rate: rounded((1000 * count) / tookMs, 0),
    told,
    lost,
    untold: Math.max(0, count - begun - lost),
  };
}

/** By grep: what is counted here must not be counted by what is measured. */
async function countIn(world: World, file: string): Promise<{ begun: number; told: number; lost: number }> {
  const count = async (pattern: string) => Number((await world.host.exec('grep', ['-cE', pattern, file])).stdout);
  const lines = (await world.host.exec('grep', ['-E', 'lost', file])).stdout.split('\n');
  const lost = lines.reduce(
    (sum, line) => sum + Number(/"events":(\d+)|(\d+) events? (?:is|are) lost/.exec(line)?.slice(1).find(Boolean) ?? 0),
    0,
  );
  return {
    begun: await count(`("event":"begin".*"port":${port}|  begin .*${port}/udp)`),
    told: await count('.'),
    lost,
  };
}
