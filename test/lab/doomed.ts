/** Daemons that die where they are told; see doomed-daemon.ts. The next one warms up while the last one is at work. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Status } from '../../src/control/status.ts';
import type { LongRunning } from './command.ts';
import { httpGet } from './http.ts';
import { repository } from './program.ts';
import { waitFor } from './wait-for.ts';
import type { World } from './world.ts';

const node = join(repository, 'node_modules/.bin/node');
const program = join(import.meta.dirname, 'doomed-daemon.ts');
const count = z.object({ names: z.array(z.string()), idleMs: z.number() });
export type Count = z.infer<typeof count>;
/** Imports and first pass take a second on a busy machine, and there may be worse. */
const deadlineMs = 60_000;

export class DoomedDaemons {
  readonly #world: World;
  #started = 0;
  #next: DoomedDaemon;

  constructor(world: World) {
    this.#world = world;
    this.#next = this.#warm();
  }

  /** Runs on return; its first pass may be under way. `step`: dies at that step of its start. */
  async start(step = 0): Promise<DoomedDaemon> {
    const daemon = this.#next;
    this.#next = this.#warm();
    await daemon.listens();
    if (step > 0) await daemon.arm(step);
    await daemon.go();
    return daemon;
  }

  #warm(): DoomedDaemon {
    this.#started += 1;
    const { host, files } = this.#world;
    const orders = join(files.directory, `orders-${this.#started}`);
    const args = [program, orders, files.config, files.settings];
    return new DoomedDaemon(host.spawn(node, args), orders, files.socket);
  }
}

export class DoomedDaemon {
  readonly process: LongRunning;
  readonly #orders: string;
  readonly #socket: string;

  constructor(process: LongRunning, orders: string, socket: string) {
    this.process = process;
    this.#orders = orders;
    this.#socket = socket;
  }

  async listens(): Promise<void> {
    const answered = () => (this.process.running ? httpGet(this.#orders, '/steps') : 'ended');
    const how = await waitFor(answered, { what: 'the doomed daemon to listen', deadlineMs });
    if (how === 'ended') throw new Error(`the doomed daemon ended:\n${this.output}`);
  }

  async go(): Promise<void> {
    await httpGet(this.#orders, '/go');
  }

  /** Counts from here, and dies at `step`. */
  async arm(step: number): Promise<void> {
    await httpGet(this.#orders, `/arm?step=${step}`);
  }

  async counted(): Promise<Count> {
    return count.parse(JSON.parse(await httpGet(this.#orders, '/steps')));
  }

  async status(): Promise<Status> {
    return JSON.parse(await httpGet(this.#socket, '/v1/status')) as Status;
  }

  /** Waits for its first pass. */
  async ready(): Promise<void> {
    const ready = async () => {
      if (!this.process.running) return 'ended';
      const { state, pid } = await this.status();
      return state !== 'starting' && pid === this.process.pid && 'ready';
    };
    const outcome = await waitFor(ready, { what: 'the daemon to be ready', deadlineMs, everyMs: 10 });
    if (outcome === 'ended') throw new Error(`the daemon ended:\n${this.output}`);
  }

  /** True once it is dead; false once it lives, has made no step for a while and `isDone`. */
  dies(isDone: () => Promise<boolean> = async () => true): Promise<boolean> {
    const outcome = async () => {
      if (!this.process.running) return 'dead';
      try {
        const { names, idleMs } = await this.counted();
        return names.length > 0 && idleMs > quietMs && (await isDone()) && 'alive';
      } catch (error) {
        // It may die while it is asked.
        return !this.process.running && error instanceof Error && 'dead';
      }
    };
    return waitFor(outcome, { what: 'the daemon to die or to be done', deadlineMs }).then((how) => how === 'dead');
  }

  async kill(): Promise<void> {
    if (this.process.running) await this.process.stop('SIGKILL');
  }

  get output(): string {
    return [...this.process.stdout, ...this.process.stderr].join('\n');
  }
}

/** Longer than any pause within a pass or between two that belong together. */
const quietMs = 1000;
