/** Starts of the installed program: bare, over zones that wait for it, and over zones that are right already. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { placeProgram } from '../test/lab/packaged-program.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { declare, range } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

interface Start {
  /** Milliseconds from exec to the log line that all is in place. */
  readonly ready: number;
  readonly transactions: number;
}

export async function benchStart({ quick }: BenchOptions): Promise<Report> {
  const sizes = quick ? [100, 1000] : [1000, 5000];
  const rounds = quick ? 3 : 5;
  const rows = [];
  const reached = new Map<string, number>();
  let runtime = Number.NaN;
  for (const zones of sizes) {
    const measured = await withWorld({}, (world) => starts(world, zones, rounds));
    runtime = measured.runtime;
    reached.set(`cold ${zones}`, figures(measured.cold).median);
    reached.set(`steady ${zones}`, figures(measured.steady.map(({ ready }) => ready)).median);
    reached.set(`transactions ${zones}`, Math.max(...measured.steady.map(({ transactions }) => transactions)));
    rows.push(
      { zones, start: 'cold', ...figures(measured.cold) },
      { zones, start: 'steady', ...figures(measured.steady.map(({ ready }) => ready)) },
    );
  }
  const after = (zones: number) => rounded((reached.get(`cold ${zones}`) ?? Number.NaN) - runtime);
  return {
    title: 'Start: milliseconds from exec to everything in place, by the bundle that the package installs',
    rows: [
      { zones: 0, start: 'the runtime alone (--version)', rounds, median: rounded(runtime), p99: null, least: null },
      ...rows,
    ],
    targets: [
      { what: 'cold over 1000 zones, without the runtime, ms', value: after(1000), limit: 250 },
      ...(quick ? [] : [{ what: 'cold over 5000 zones, without the runtime, ms', value: after(5000), limit: 1000 }]),
      { what: 'steady over 1000 zones, ms', value: reached.get('steady 1000') ?? null, limit: 300 },
      { what: 'transactions of a steady start', value: reached.get('transactions 1000') ?? null, limit: 0 },
    ],
    notes: [
      'Cold: nothing of ours is on the host, and the links are down. Steady: a daemon before it has left everything right.',
    ],
  };
}

async function starts(
  world: World,
  zones: number,
  rounds: number,
): Promise<{ runtime: number; cold: number[]; steady: Start[] }> {
  const program = await placeProgram(join(world.files.directory, 'program'));
  await declare(world, range(1, zones));
  await world.addManyLinks(zones, 1);
  const versions: number[] = [];
  for (let round = 0; round < rounds; round += 1) versions.push(await untilEnd(world, program));
  const [cold, steady]: [number[], Start[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    cold.push((await untilRunning(world, program)).ready);
    steady.push(await untilRunning(world, program));
    await world.host.mustExec(program, ['cleanup', ...world.files.options], { timeoutMs: 120_000 });
    await world.host.ip(...range(1, zones).map((domid) => `link set vif${domid}.0 down`));
  }
  return { runtime: figures(versions).median, cold, steady };
}

async function untilEnd(world: World, program: string): Promise<number> {
  const begin = performance.now();
  await world.host.mustExec(program, ['--version']);
  return performance.now() - begin;
}

const running = '"state":"running"';

/** Starts the daemon, waits for its word that it runs, and stops it. */
async function untilRunning(world: World, program: string): Promise<Start> {
  const args = ['netns', 'exec', world.host.name, program, 'run', '--log-format', 'json', ...world.files.options];
  const begin = performance.now();
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let [end, ready] = ['', Number.NaN];
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    // Thousands of lines come first: whoever reads them slowly is left behind.
    const heard = end + chunk;
    if (Number.isNaN(ready) && heard.includes(running)) ready = performance.now() - begin;
    end = heard.slice(-running.length);
  });
  await waitFor(() => !Number.isNaN(ready), { what: 'the daemon to run', deadlineMs: 120_000, everyMs: 5 });
  const transactions = (
    await world.host.mustExec('curl', ['-s', '--unix-socket', world.files.socket, 'http://localhost/v1/status'])
  ).match(/"transactions":(\d+)/)?.[1];
  child.kill('SIGTERM');
  await waitFor(() => child.exitCode !== null, { what: 'the end of the daemon', deadlineMs: 60_000 });
  return { ready, transactions: Number(transactions) };
}

/** From exec to the first byte, of the command that people type most. */
export async function benchStatusStart({ quick }: BenchOptions): Promise<Report> {
  const rounds = quick ? 10 : 40;
  const times = await withWorld({}, async (world) => {
    const program = await placeProgram(join(world.files.directory, 'program'));
    await declare(world, range(1, 10));
    await world.addManyLinks(10, 1);
    await world.startDaemon({ debug: false });
    const series: Record<string, number[]> = { status: [], 'status --json': [], '--version': [] };
    for (let round = 0; round < rounds + 2; round += 1) {
      for (const [words, measured] of Object.entries(series)) {
        const options = words === '--version' ? [] : world.files.options;
        const time = await firstByte(program, [...words.split(' '), ...options]);
        if (round >= 2) measured.push(time);
      }
    }
    return series;
  });
  return {
    title: 'Commands: milliseconds from exec to the first byte, by the bundle, 10 zones',
    rows: Object.entries(times).map(([command, series]) => ({ command, ...figures(series) })),
    targets: [{ what: 'status, ms', value: figures(times['status'] ?? []).median, limit: 100 }],
    notes: ['--version stands for the runtime: it loads nothing else.'],
  };
}

function firstByte(program: string, args: readonly string[]): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let first: number | undefined;
    child.stdout.on('data', () => (first ??= performance.now() - begin));
    child.once('close', () =>
      first === undefined ? reject(new Error(`${args.join(' ')} printed nothing`)) : resolve(first),
    );
  });
}
