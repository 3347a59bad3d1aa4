/** The stage of the events on the kernel: the loop on the real host port in this process's network namespace. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import type { Config } from '../../../src/config/config.ts';
import { createHost } from '../../../src/host/index.ts';
import type { Host, HostEvent } from '../../../src/host/port.ts';
import { Reconciler } from '../../../src/lifecycle/reconciler.ts';
import { Reporter } from '../../../src/lifecycle/reporter.ts';
import type { Call } from '../../fake/faults.ts';
import { type Fault, FaultPlan, faultyHost } from '../../fake/faulty-host.ts';
import { configOf } from '../config.ts';
import { directories } from '../events.ts';
import type { Act, Stage } from '../stage.ts';
import type { Kernel, Sysctls } from './kernel.ts';

/** A call that hangs is over before anybody loses patience. */
const delays = { boundMs: 400, latenessMs: 150 };

export interface Kernels {
  /** This process's own. */
  readonly here: Kernel;
  /** Without a daemon. */
  readonly alone: Kernel;
  readonly pristine: Sysctls;
}

export class RealStage implements Stage {
  readonly kernels: Kernels;
  readonly directories = directories();
  /** What the daemon said, for whoever reads of a failure. */
  readonly log: string[] = [];
  reporter: Reporter;
  reconciler: Reconciler;
  #host: Host;
  #config = configOf();
  #plan = new FaultPlan(delays);
  #isSilent = false;
  #heard: (event: HostEvent) => void = () => undefined;

  private constructor(kernels: Kernels) {
    this.kernels = kernels;
    this.#host = createHost();
    this.reporter = this.#makeReporter();
    this.reconciler = this.#makeReconciler();
  }

  /** Both hosts as new, and the daemon on one of them. */
  static async open(kernels: Kernels): Promise<RealStage> {
    await Promise.all([kernels.here, kernels.alone].map((kernel) => kernel.furnish(kernels.pristine)));
    const stage = new RealStage(kernels);
    await stage.reconciler.start();
    return stage;
  }

  addLink(name: string): Promise<boolean> {
    return attempt(this.kernels.here.addLink(name));
  }

  deleteLink(name: string): Promise<boolean> {
    return this.#ip('link', 'del', name);
  }

  async rebear(name: string): Promise<void> {
    await this.deleteLink(name);
    await this.addLink(name);
  }

  renameLink(from: string, to: string): Promise<boolean> {
    return this.#ip('link', 'set', from, 'name', to);
  }

  setLink(name: string, up: boolean): Promise<boolean> {
    return this.#ip('link', 'set', name, up ? 'up' : 'down');
  }

  damage(act: Act): Promise<boolean> {
    return attempt(this.kernels.here.perform(act));
  }

  async deleteOwnRoute(which: number): Promise<void> {
    const { here } = this.kernels;
    const lists = ['-4', '-6'].map(async (family) => {
      const text = await here.tool('ip', family, '-d', 'route', 'show', 'table', 'all', 'proto', '75');
      return text.split('\n').flatMap((line) => (line === '' ? [] : [[family, ...line.trim().split(/\s+/)]]));
    });
    const routes = (await Promise.all(lists)).flat();
    const [family = '', type = '', destination = '', ...rest] = routes[which % Math.max(1, routes.length)] ?? [];
    const place = type === 'local' ? ['table', 'local'] : [];
    await this.#ip(family, 'route', 'del', type, destination, 'dev', rest[rest.indexOf('dev') + 1] ?? '', ...place);
  }

  async foreign(act: Act): Promise<void> {
    await Promise.all([this.kernels.here, this.kernels.alone].map((kernel) => attempt(kernel.perform(act))));
  }

  async inTheWay(act: Act): Promise<void> {
    if (await this.damage(act)) await this.kernels.alone.perform(act);
  }

  /** Calls of any kind: on a real host there is no telling which comes next. */
  fail(_call: Call, times: number): void {
    for (let ahead = 0; ahead < times; ahead += 1) this.#plan.order('fails', ahead);
  }

  order(fault: Fault, ahead: number): void {
    this.#plan.order(fault, ahead);
  }

  kill(helper: string): void {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
    const children = text === '' ? [] : text.split(' ').map(Number);
    for (const pid of children) if (commandLineOf(pid).includes(helper)) process.kill(pid, 'SIGKILL');
  }

  async settle(): Promise<void> {
    await pause(20);
    await this.reconciler.idle();
  }

  async second(): Promise<void> {
    await pause(1000);
    await this.reconciler.idle();
  }

  async restart(): Promise<void> {
    await this.close();
    this.#host = createHost();
    this.reporter = this.#makeReporter();
    this.reconciler = this.#makeReconciler();
    await this.reconciler.start();
  }

  async reload(config: Config): Promise<void> {
    this.#config = config;
    await this.reconciler.reload(config);
  }

  silence(): void {
    this.#isSilent = true;
  }

  loseEvents(): void {
    this.#isSilent = false;
    this.#heard({ kind: 'lost', reason: 'ordered by the test' });
  }

  /** Directories answer, nothing fails any more, settings are the defaults, and no event is missing. */
  async calm(readsAll: boolean): Promise<void> {
    for (const directory of this.directories) directory.turn('answered');
    this.#plan.clear();
    if (JSON.stringify(this.#config) !== JSON.stringify(configOf())) await this.reload(configOf());
    if (readsAll || this.#isSilent) this.loseEvents();
    await this.settle();
  }

  /** Another look at everything changes nothing; where a route is in the way, it tries to. */
  async expectIdle(isBlocked: boolean): Promise<void> {
    this.loseEvents();
    await this.settle();
    if (isBlocked) return;
    assert.equal(this.reporter.lastPass?.changes, 0, `changes after all was as desired: ${this.log.at(-1)}`);
  }

  async close(): Promise<void> {
    await this.reconciler.stop();
    await this.#host.close();
  }

  #ip(...args: readonly string[]): Promise<boolean> {
    return attempt(this.kernels.here.tool('ip', ...args));
  }

  #makeReporter(): Reporter {
    const write = (line: string) => this.log.push(String(JSON.parse(line).msg));
    return new Reporter(pino({ level: 'debug' }, { write }));
  }

  #makeReconciler(): Reconciler {
    const host = faultyHost(this.#host, this.#plan);
    return new Reconciler({
      host: { ...host, watch: (listener) => this.#watch(host, listener) },
      config: this.#config,
      makeDirectories: () => [...this.directories],
      reporter: this.reporter,
    });
  }

  #watch(host: Host, listener: (event: HostEvent) => void): Promise<void> {
    this.#heard = listener;
    return host.watch((event) => {
      if (!this.#isSilent) listener(event);
    });
  }
}

/** False where the kernel refused: what somebody tries to break need not be there. */
async function attempt(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    // Of a tool that was started and complained; anything else is a mistake of ours.
    if (typeof (error as { code?: unknown }).code === 'number') return false;
    throw error;
  }
}

/** Empty for a process that has ended. */
function commandLineOf(pid: number): string {
  const isThere = readdirSync('/proc').includes(String(pid));
  return isThere ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
}
