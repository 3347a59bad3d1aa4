/** What the benchmarks share: C programs compiled into a world, the kernel's announcements with their times, CPU times. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { mustRun } from '../test/lab/command.ts';
import type { World } from '../test/lab/world.ts';

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

/** CPU seconds of a process and of all that it started, living and dead (proc_pid_stat(5)); a tick is 10 ms. */
export function cpuSecondsOf(pid: number): number {
  const own = ticksOf(pid);
  return own + childrenOf(pid).reduce((sum, child) => sum + cpuSecondsOf(child), 0);
}

function ticksOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // Behind the name, which may hold anything: user, system, and both of children that were waited for.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 15);
  return fields.reduce((sum, field) => sum + Number(field), 0) / 100;
}

function childrenOf(pid: number): number[] {
  const tasks = unlessGone(() => readdirSync(`/proc/${pid}/task`), []);
  return tasks.flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

function read(file: string): string {
  return unlessGone(() => readFileSync(file, 'utf8'), '');
}

function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}
