/** What the benchmarks share: C programs compiled into a world, the kernel's announcements with their times, CPU times. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defaultAddresses } from '../test/lab/addresses.ts';
import { mustRun } from '../test/lab/command.ts';
import type { Daemon } from '../test/lab/daemon.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import type { World } from '../test/lab/world.ts';
import { readUnlessGone, unlessGone } from './proc.ts';

/** Compiles `bench/peers/NAME.c` into the world's own directory, with which it goes. */
export async function compile(world: World, name: string, flags: readonly string[] = []): Promise<string> {
  const program = join(world.files.directory, name);
  await mustRun('gcc', ['-O2', '-Wall', '-o', program, join(import.meta.dirname, 'peers', `${name}.c`), ...flags]);
  return program;
}

/** Milliseconds from the first link event. */
export interface Sighting {
  readonly births: number;
  readonly deaths: number;
  readonly lastLink: number;
  /** Undefined where nobody did anything. */
  readonly lastWork: number | undefined;
  readonly events: number;
  /** Undefined where no neighbour proxy was asked for. */
  readonly proxied: number | undefined;
}

/** The other end of `peers/observe.c`. */
export class Announcements {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  private constructor(program: string, namespace: string) {
    this.#child = spawn('ip', ['netns', 'exec', namespace, program], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async start(world: World): Promise<Announcements> {
    const announcements = new Announcements(await compile(world, 'observe'), world.host.name);
    await announcements.#line();
    return announcements;
  }

  /** What follows the first link event that `cause` brings about, until nothing has happened for `quietMs`. */
  async after(
    cause: () => Promise<unknown>,
    quietMs: number,
    proxy?: { readonly address: string; readonly link: string },
  ): Promise<Sighting> {
    this.#child.stdin.write(`${quietMs} ${proxy === undefined ? '' : `${proxy.address} ${proxy.link}`}\n`);
    await this.#line();
    const [line] = await Promise.all([this.#line(), cause()]);
    const [births = 0, deaths = 0, lastLink = 0, lastWork = -1, events = 0, proxied = -1] = line.split(' ').map(Number);
    return {
      births,
      deaths,
      lastLink: lastLink / 1000,
      lastWork: lastWork < 0 ? undefined : lastWork / 1000,
      events,
      proxied: proxied < 0 ? undefined : proxied / 1000,
    };
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the observer ended');
    return next.value;
  }
}

/** CPU milliseconds of a process's own threads, to the nanosecond (/proc/PID/task/TID/schedstat). */
export function ownCpuMs(pid: number): number {
  const tasks = unlessGone(() => readdirSync(`/proc/${pid}/task`), []);
  return tasks.reduce(
    (sum, task) => sum + Number(readUnlessGone(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0) / 1e6,
    0,
  );
}

/** CPU milliseconds of a process and of all that it started, living and dead; the dead ones in ticks of 10 ms. */
export function cpuMsOf(pid: number): number {
  return ownCpuMs(pid) + reapedMs(pid) + childrenOf(pid).reduce((sum, child) => sum + cpuMsOf(child), 0);
}

/** User and system time of children that were waited for (proc_pid_stat(5)), behind the name, which may hold anything. */
function reapedMs(pid: number): number {
  const stat = readUnlessGone(`/proc/${pid}/stat`);
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return fields.reduce((sum, field) => sum + Number(field), 0) * 10;
}

function childrenOf(pid: number): number[] {
  const tasks = unlessGone(() => readdirSync(`/proc/${pid}/task`), []);
  return tasks.flatMap((task) =>
    readUnlessGone(`/proc/${pid}/task/${task}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Static zone files for those domains' first links. */
export async function declare(world: World, domids: readonly number[]): Promise<void> {
  for (const domid of domids) await world.writeZoneFile(`vif${domid}.0`, defaultAddresses(domid, 0));
}

export async function untilReady(daemon: Pick<Daemon, 'status'>, count: number): Promise<void> {
  const isReady = async () => (await daemon.status()).zones.filter(({ state }) => state === 'ready').length >= count;
  await waitFor(isReady, { what: `${count} zones to be ready`, deadlineMs: 300_000, everyMs: 100 });
}

/** A world whose daemon serves `count` zones, and has come to rest. */
export async function crowd(world: World, count: number, firstDomid = 1): Promise<Daemon> {
  await declare(world, range(firstDomid, count));
  await world.addManyLinks(count, firstDomid);
  const daemon = await world.startDaemon({ debug: false, deadlineMs: 300_000 });
  await untilReady(daemon, count);
  await untilAtRest(daemon.pid);
  return daemon;
}

/** Until a process and its helpers have used less than 1 % of a processor for two seconds. */
export async function untilAtRest(pid: number): Promise<void> {
  // What it has used before the first look says nothing of the present.
  let before = Number.NEGATIVE_INFINITY;
  await waitFor(
    () => {
      const now = cpuMsOf(pid);
      const used = now - before;
      before = now;
      return used < 20;
    },
    { what: 'the daemon to come to rest', deadlineMs: 300_000, everyMs: 2000 },
  );
}
