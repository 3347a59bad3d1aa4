/** Starts of the installed program: bare, over zones that wait for it, and over zones that are right already. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { httpGet } from '../test/lab/http.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { builds, launchers, type Name } from './contestants.ts';
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
  for (const zones of sizes) {
    for (const [by, { runtime, cold, steady }] of await withWorld({}, (world) => starts(world, zones, rounds))) {
      const [runtimeMs, coldMs, steadyMs] = [runtime, cold, steady.map(({ ready }) => ready)].map((series) =>
        figures(series),
      );
      rows.push(
        { zones, by, start: 'the runtime alone (--version)', ...runtimeMs },
        { zones, by, start: 'cold', ...coldMs },
        { zones, by, start: 'steady', ...steadyMs },
      );
      if (by !== 'ours') continue;
      const base = runtimeMs?.median ?? Number.NaN;
      reached.set(`cold ${zones}`, rounded((coldMs?.median ?? Number.NaN) - base));
      reached.set(`steady ${zones}`, rounded((steadyMs?.median ?? Number.NaN) - base));
      reached.set('transactions', Math.max(...steady.map(({ transactions }) => transactions)));
    }
  }
  const limits = { 'cold 1000': 600, 'cold 5000': 4000, 'steady 1000': 350, 'steady 5000': 1500 };
  return {
    title: 'Start: milliseconds from exec to everything in place, by the bundle that the package installs',
    rows,
    targets: [
      ...Object.entries(limits)
        .filter(([what]) => reached.has(what))
        .map(([what, limit]) => ({
          what: `${what} zones, without the runtime, ms`,
          value: reached.get(what) ?? null,
          limit,
        })),
      { what: 'transactions of a steady start', value: reached.get('transactions') ?? null, limit: 0 },
    ],
    notes: [
      'Cold: nothing of ours is on the host, and the links are down. Steady: a daemon before it has left everything right.',
    ],
  };
}

interface Starts {
  readonly runtime: number[];
  readonly cold: number[];
  readonly steady: Start[];
}

async function starts(world: World, zones: number, rounds: number): Promise<Map<Name, Starts>> {
  const programs = await launchers(join(world.files.directory, 'program'));
  const made = new Map<Name, Starts>();
  await declare(world, range(1, zones));
  await world.addManyLinks(zones, 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const [by, program] of programs) {
      const { runtime, cold, steady } = made.getOrInsert(by, { runtime: [], cold: [], steady: [] });
      await world.files.writeSettings({}, by === 'ours');
      runtime.push(await untilEnd(world, program));
      cold.push((await untilRunning(world, program)).ready);
      steady.push(await untilRunning(world, program));
      await world.host.mustExec(program, ['cleanup', ...world.files.options], { timeoutMs: 120_000 });
      await world.host.ip(...range(1, zones).map((domid) => `link set vif${domid}.0 down`));
    }
  }
  return made;
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
  const transactions = /"transactions":(\d+)/.exec(await httpGet(world.files.socket, '/v1/status'))?.[1];
  child.kill('SIGTERM');
  await waitFor(() => child.exitCode !== null, { what: 'the end of the daemon', deadlineMs: 60_000 });
  return { ready, transactions: Number(transactions) };
}

/** From exec to the first byte, of the command that people type most. */
/** Prints all of it at once. */
const onePage = 'zone show vif1.0';

export async function benchStatusStart({ quick }: BenchOptions): Promise<Report> {
  const rounds = quick ? 10 : 40;
  const rows: { by: Name; command: string; median: number }[] = [];
  // A daemon of its own for each build, whose part of the answer counts.
  for (const by of builds) rows.push(...(await withWorld({}, (world) => commandsOf(by, world, rounds))));
  const median = (command: string) =>
    rows.find((row) => row.by === 'ours' && row.command === command)?.median ?? Number.NaN;
  return {
    title: 'Commands: milliseconds from exec to the first byte, by the bundle, 10 zones',
    rows,
    targets: [
      {
        what: 'status, over --version, ms',
        value: rounded(median('status') - median('--version')),
        limit: 20,
      },
      { what: 'zone show, ms', value: median(onePage), limit: 150 },
    ],
    notes: ['--version stands for the runtime: it loads nothing else.'],
  };
}

async function commandsOf(by: Name, world: World, rounds: number) {
  const program = (await launchers(join(world.files.directory, 'program'))).get(by) ?? '';
  await declare(world, range(1, 10));
  await world.addManyLinks(10, 1);
  await world.startDaemon({ debug: false, program });
  // Version 0.1.0 has no `zone show`.
  const commands = ['status', 'status --json', '--version', ...(by === 'ours' ? [onePage] : [])];
  const series: Record<string, number[]> = Object.fromEntries(commands.map((words) => [words, []]));
  for (let round = 0; round < rounds + 2; round += 1) {
    for (const [words, measured] of Object.entries(series)) {
      const options = words === '--version' ? [] : world.files.options;
      const time = await firstByte(program, [...words.split(' '), ...options]);
      if (round >= 2) measured.push(time);
    }
  }
  return Object.entries(series).map(([command, times]) => ({ by, command, ...figures(times) }));
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
