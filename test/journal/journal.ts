/** A journal's socket with a reader behind it, and programs whose standard output is that journal's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../lab/wait-for.ts';

export type Entry = Readonly<Record<string, readonly string[]>>;

const program = join(import.meta.dirname, 'program.ts');
/** The journal's stream is known by the device and inode of our standard output (systemd.exec(5)). */
const asService =
  'exec 3>&1; JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/3); exec 3>&-; export JOURNAL_STREAM; exec "$@"';
const asAnythingElse = 'JOURNAL_STREAM=1:1; export JOURNAL_STREAM; exec "$@"';

export interface Order {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
  /** With its number behind each, from 1. */
  readonly times?: number;
}

export class TestJournal {
  readonly entries: Entry[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'protect-network-journal-'));
  readonly #socket = join(this.#directory, 'socket');
  readonly #reader: ChildProcess;
  #isListening = false;

  constructor() {
    this.#reader = spawn('perl', [join(import.meta.dirname, 'receiver.pl'), this.#socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#reader.stdout === null) throw new Error('the reader has no output');
    createInterface({ input: this.#reader.stdout }).on('line', (line) => {
      if (line === 'listening') this.#isListening = true;
      else this.entries.push(JSON.parse(line) as Entry);
    });
  }

  /** `isService`: its standard output is the journal's. */
  async start(isService = true): Promise<Program> {
    await waitFor(() => this.#isListening || undefined, { what: 'the journal', deadlineMs: 30_000 });
    const script = isService ? asService : asAnythingElse;
    return new Program(script, [process.execPath, '--disable-warning=ExperimentalWarning', program, this.#socket]);
  }

  hang(): void {
    this.#reader.kill('SIGSTOP');
  }

  goOn(): void {
    this.#reader.kill('SIGCONT');
  }

  /** Closes the socket, as `systemctl stop systemd-journald.socket` does. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#reader.once('exit', resolve));
    if (this.#reader.exitCode === null && this.#reader.signalCode === null) {
      this.#reader.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class Program {
  readonly stdout: string[] = [];
  readonly #process: ChildProcess;
  #done = 0;

  constructor(script: string, args: readonly string[]) {
    this.#process = spawn('sh', ['-c', script, 'sh', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin:/bin' },
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('the program has no output');
    createInterface({ input: stdout }).on('line', (line) => this.stdout.push(line));
    createInterface({ input: stderr }).on('line', (line) => {
      if (line === 'done') this.#done += 1;
      else process.stderr.write(`${line}\n`);
    });
  }

  /** Resolves once it has been logged, which is not to say that anybody has read it. */
  async log(order: Order): Promise<void> {
    const before = this.#done;
    this.#process.stdin?.write(`${JSON.stringify(order)}\n`);
    await waitFor(() => this.#done > before || undefined, { what: 'the program to go on', deadlineMs: 30_000 });
  }

  /** Ends it in order. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin?.end();
    await ended;
  }
}
