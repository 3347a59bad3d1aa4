/** Running programs: once with a result, or for long with their lines. Nothing here goes through a shell. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { type WaitOptions, waitFor } from './wait-for.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface CommandOptions {
  /** Fed to stdin, which is empty otherwise. */
  readonly input?: string;
  /** Default 30 000; running longer throws. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A failure is a result; throws only where it cannot start, is killed, or takes too long. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { input = '', timeoutMs = 30_000 } = options;
  const result = await execa(command, args, { input, timeout: timeoutMs, reject: false, stripFinalNewline: false });
  if (result.exitCode === undefined) throw new Error(`${command} ${args.join(' ')}: ${result.message}`);
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}

/** Like `run`, for what must succeed: returns stdout, throws with stderr otherwise. */
export async function mustRun(command: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { stdout, stderr, exitCode } = await run(command, args, options);
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

/** Runs many `ip` commands in one process; `globals` go in front, e.g. `['-n', namespace]`. The first failure throws. */
export async function ipBatch(commands: readonly string[], globals: readonly string[] = []): Promise<void> {
  await mustRun('ip', [...globals, '-batch', '-'], { input: `${commands.join('\n')}\n`, timeoutMs: 120_000 });
}

/** A program that runs on while the test does something else. */
export class LongRunning {
  /** Every complete line so far, in order of arrival. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly pid: number;
  /** Exit code, or the signal that ended it. Resolves when the program ends, also while its orphans hold the pipes. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #title: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;

  constructor(command: string, args: readonly string[], onLine?: (line: string) => void) {
    this.#title = [command, ...args].join(' ');
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid === undefined) throw new Error(`${this.#title} did not start`);
    this.#child = child;
    this.pid = child.pid;
    this.ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
    this.#collect(child.stdout, this.stdout, onLine);
    this.#collect(child.stderr, this.stderr, onLine);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Signals it and waits for its end. Throws where it does not end within the deadline. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = 10_000): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    await waitFor(() => !this.running, { what: `the end of ${this.#title} after ${signal}`, deadlineMs });
    return this.ended;
  }

  /** The first line of stdout that satisfies `predicate`, past or future. Throws at once where the program has ended. */
  async waitForLine(predicate: (line: string) => boolean, options?: Partial<WaitOptions>): Promise<string> {
    const found = await waitFor(() => this.stdout.find(predicate) ?? (this.running ? undefined : null), {
      what: `a line of ${this.#title}`,
      ...options,
    });
    if (found === null) throw new Error(`${this.#title} ended: ${this.stderr.join('\n')}`);
    return found;
  }

  #collect(stream: Readable, lines: string[], onLine?: (line: string) => void): void {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine?.(line);
    });
  }
}
