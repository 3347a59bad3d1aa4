/** The program under test, running on the world's host. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Status } from '../../src/control/status.ts';
import type { LongRunning } from './command.ts';
import { httpGet } from './http.ts';
import type { Namespace } from './namespace.ts';
import { programVariable, repository } from './program.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';
import type { Settings, WorldFiles } from './world-files.ts';

export const programPath = process.env[programVariable] ?? join(repository, 'bin/protect-network');

export interface DaemonOptions {
  /** More arguments of `run`. */
  readonly args?: readonly string[];
  /** Merged over the world's own settings; undefined leaves the file as it is. */
  readonly settings?: Settings;
  /** `ready` (default): its first pass is done. `nothing`: return once the process exists. */
  readonly wait?: 'ready' | 'nothing';
  /** With its debug lines, as tests want it (default). */
  readonly debug?: boolean;
  /** A command that becomes the program it is given, e.g. in a mount namespace of its own. */
  readonly through?: readonly string[];
  /** Another build's launcher. */
  readonly program?: string | undefined;
  /** For `wait`, default 55 000: a start takes half a second, and many on a busy machine. */
  readonly deadlineMs?: number;
}

/** One line of the log: whatever pino wrote. */
export type LogLine = Readonly<Record<string, unknown>>;

export async function startDaemon(host: Namespace, files: WorldFiles, options: DaemonOptions): Promise<Daemon> {
  const { args = [], settings, wait = 'ready', deadlineMs = 55_000, through = [], debug = true } = options;
  const { program = programPath } = options;
  const isThisBuild = program === programPath;
  if (settings !== undefined || !isThisBuild) await files.writeSettings(settings ?? {}, isThisBuild);
  const daemon = new Daemon(host, files, [
    ...through,
    program,
    'run',
    '--log-format',
    'json',
    ...(debug ? ['--debug'] : []),
    ...files.options,
    ...args,
  ]);
  if (wait === 'ready') await daemon.ready(deadlineMs);
  return daemon;
}

export class Daemon {
  /** Every JSON line so far. */
  readonly log: LogLine[] = [];
  /** Every other line: an error before logging began, a warning of Node's. */
  readonly otherOutput: string[] = [];
  readonly process: LongRunning;
  readonly #socket: string;

  constructor(host: Namespace, files: WorldFiles, words: readonly string[]) {
    this.#socket = files.socket;
    const [command = '', ...rest] = words;
    this.process = host.spawn(command, rest, (line) => this.#record(line));
  }

  /** Its process id; `bin/protect-network` becomes the program. */
  get pid(): number {
    return this.process.pid;
  }

  /** Waits until its first pass is done. Throws with its output where it ends before. */
  async ready(deadlineMs = 10_000): Promise<Status> {
    const status = await waitFor(() => this.#statusOrEnd(), {
      what: 'the daemon to be ready',
      deadlineMs,
      everyMs: 10,
    });
    if (status === null) throw new Error(`the daemon ended with ${await this.process.ended}:\n${this.output}`);
    return status;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.get('/v1/status')) as Status;
  }

  /** A path of the control socket, e.g. `/metrics`. Throws for anything but 200. */
  get(path: string): Promise<string> {
    return httpGet(this.#socket, path);
  }

  /** The first log line that satisfies `predicate`, past or future. */
  waitForLog(predicate: (line: LogLine) => boolean, options: number | Partial<WaitOptions> = {}): Promise<LogLine> {
    const limits = typeof options === 'number' ? { deadlineMs: options } : options;
    return waitFor(() => this.log.find(predicate), { what: 'a log line', ...limits });
  }

  /** Asks it to end and waits; returns its exit code. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    return this.process.stop(signal);
  }

  /** A crash: no chance to tidy up. */
  kill(): Promise<number | NodeJS.Signals> {
    return this.process.stop('SIGKILL');
  }

  /** All that it wrote, for messages. */
  get output(): string {
    return [...this.process.stdout, ...this.process.stderr].join('\n');
  }

  async #statusOrEnd(): Promise<Status | null | undefined> {
    if (!this.process.running) return null;
    const status = await this.status();
    return status.state === 'starting' || status.pid !== this.pid ? undefined : status;
  }

  #record(line: string): void {
    const parsed = jsonObject.safeParse(line);
    if (parsed.success) this.log.push(parsed.data);
    else this.otherOutput.push(line);
  }
}

const jsonObject = z
  .string()
  .startsWith('{')
  .transform((line, context) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      context.addIssue({ code: 'custom', message: String(error) });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.unknown()));
