/**
 * Runs inside the host's namespace, makes the foreign changes and sees when they are undone. One JSON request per line
 * on stdin, one JSON answer per line on stdout. It knows nothing of the daemon.
 *
 * What /proc shows (sysctls, routes, links) is polled without a break; ruleset changes are taken from the kernel's
 * announcements (peers/generations.c, given by its path), which name the author of each transaction: from the foreign one's
 * to the last one of anybody else.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export type Change = { readonly write: readonly [path: string, value: string] } | { readonly run: readonly string[] };

/** `file` has a line with every one of `has` and no line with every one of `lacks`. */
export interface FileProof {
  readonly file: string;
  readonly has: readonly string[];
  readonly lacks?: readonly string[];
}

export type Proof =
  | { readonly files: readonly FileProof[] }
  /** What the command prints has the text. Each look is a process: a coarse poll. */
  | { readonly command: readonly string[]; readonly has: string }
  | { readonly transactions: true };

export interface Request {
  readonly change: Change;
  readonly proof: Proof;
  readonly deadlineMs: number;
}

export interface Answer {
  /** Milliseconds from the change's completion to the restored state; null where the deadline passed. */
  readonly ms: number | null;
  /** Longest time between two looks, which is how much later than true `ms` may be. Null for transactions. */
  readonly resolutionMs: number | null;
  /** Set where the change itself failed. */
  readonly failed?: string;
}

/** Between two looks at /proc. */
const pollMs = 0.2;
/** The repair is over when no transaction has followed for so long: the second layer's comes well ahead of the rest. */
const quietMs = 500;

interface Generation {
  readonly pid: number;
  /** As `monotonic()`. */
  readonly at: number;
}

const generations: Generation[] = [];
const still = new Int32Array(new SharedArrayBuffer(4));

async function serve(program: string): Promise<void> {
  const monitor = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: monitor.stdout }).on('line', (line) => {
    const [pid, at] = line.split(' ');
    if (at !== undefined) generations.push({ pid: Number(pid), at: Number(at) });
  });
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line) as Request)));
  }
  monitor.kill();
}

async function answer({ change, proof, deadlineMs }: Request): Promise<Answer> {
  if ('transactions' in proof) return afterTransaction(change, deadlineMs);
  const failed = make(change);
  const begin = performance.now();
  if (failed !== undefined) return { ms: null, resolutionMs: null, failed };
  const isRestored = 'files' in proof ? () => proof.files.every(holds) : () => prints(proof.command, proof.has);
  const pause = 'files' in proof ? pollMs : 20;
  let [last, gap] = [begin, 0];
  while (last - begin < deadlineMs) {
    const restored = isRestored();
    const now = performance.now();
    gap = Math.max(gap, now - last);
    if (restored) return { ms: now - begin, resolutionMs: gap };
    last = now;
    Atomics.wait(still, 0, 0, pause);
  }
  return { ms: null, resolutionMs: gap };
}

/** Why the change could not be made. Returns when it is made: at the end of the call or of the process. */
function make(change: Change): string | undefined {
  if ('write' in change) {
    writeFileSync(...change.write);
    return undefined;
  }
  const [command = '', ...args] = change.run;
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${change.run.join(' ')}: ${stderr}`;
}

async function afterTransaction(change: Change, deadlineMs: number): Promise<Answer> {
  if (!('run' in change)) return { ms: null, resolutionMs: null, failed: 'only a command makes a transaction' };
  generations.length = 0;
  const [command = '', ...args] = change.run;
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) return { ms: null, resolutionMs: null, failed: `${change.run.join(' ')}: exit code ${code}` };
  const deadline = performance.now() + deadlineMs;
  while (performance.now() < deadline) {
    const made = generations.find(({ pid }) => pid === child.pid);
    const last = generations.findLast(({ pid }) => pid !== child.pid);
    if (made !== undefined && last !== undefined && last.at >= made.at && monotonic() - last.at > quietMs) {
      return { ms: last.at - made.at, resolutionMs: null };
    }
    await sleep(5);
  }
  return { ms: null, resolutionMs: null };
}

/** CLOCK_MONOTONIC in milliseconds, as the announcements have it. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function holds({ file, has, lacks }: FileProof): boolean {
  const lines = linesOf(file);
  const isIn = (words: readonly string[]) => lines.some((line) => words.every((word) => line.includes(word)));
  return isIn(has) && (lacks === undefined || !isIn(lacks));
}

/** None where the file is gone, as a link's are with the link. */
function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function prints([command = '', ...args]: readonly string[], text: string): boolean {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.includes(text);
}

const [, , role, program = ''] = process.argv;
if (role === 'observe') await serve(program);
