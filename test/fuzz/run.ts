/** Fuzzes targets, each in a thread of its own that is watched from here: a hang or an exhausted heap is a finding. */
import { setInterval } from 'node:timers';
import { Worker } from 'node:worker_threads';
import type { Finding, Result } from './session.ts';
import { targets } from './targets.ts';

export interface RunOptions {
  /** In all; every target gets its share, one at least. */
  readonly inputs: number;
  /** Names; all of them unless said otherwise. */
  readonly targets?: readonly string[];
  readonly seed: number;
  readonly done?: (result: Result) => void;
  /** Threads at a time. */
  readonly threads?: number;
}

export interface ThreadTask {
  readonly name: string;
  readonly inputs: number;
  readonly seed: number;
  /** How many inputs were begun, the current one's length, and that one itself. */
  readonly shared: SharedArrayBuffer;
}

/** No input may keep the thread busy for so long, and no start, which loads everything on a machine with other work. */
const hangMs = 60_000;
const startMs = 300_000;
const heapMegabytes = 512;
const maxInputBytes = 1024 * 1024;

/** The results in the order of `targets`. Throws for a name that is no target. */
export async function runFuzz(options: RunOptions): Promise<Result[]> {
  const names = options.targets ?? Object.keys(targets);
  const shares = names.map((name) => {
    const target = targets[name];
    if (target === undefined) throw new Error(`no target ${name}; there are ${Object.keys(targets).join(', ')}`);
    return target.share;
  });
  const all = shares.reduce((sum, share) => sum + share, 0);
  const waiting = names.map((name, index) => ({
    name,
    inputs: Math.ceil((options.inputs * (shares[index] ?? 0)) / all),
  }));
  const results = new Map<string, Result>();
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runThread({ ...next, seed: options.seed, shared: new SharedArrayBuffer(8 + maxInputBytes) });
      results.set(next.name, result);
      options.done?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.threads ?? 1 }, work));
  return names.flatMap((name) => results.get(name) ?? []);
}

function runThread(task: ThreadTask): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const begin = performance.now();
  const progress = new Int32Array(task.shared, 0, 2);
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const failed = (what: string, detail: string) => {
    const seconds = (performance.now() - begin) / 1000;
    const input = Buffer.from(new Uint8Array(task.shared, 8, Atomics.load(progress, 1)));
    const finding: Finding = { target: task.name, what, detail, input };
    const counts = { inputs: Atomics.load(progress, 0), bytes: 0, seconds, kinds: 0, grown: 0 };
    resolve({ target: task.name, ...counts, slowest: { ms: 0, bytes: 0 }, findings: [finding] });
  };
  let [seen, since] = [0, performance.now()];
  const watch = setInterval(() => {
    const count = Atomics.load(progress, 0);
    if (count !== seen) [seen, since] = [count, performance.now()];
    if (performance.now() - since < (count === 0 ? startMs : hangMs)) return;
    failed(`hang: no end within ${hangMs} ms`, '');
    void worker.terminate();
  }, 500);
  worker.once('message', (result: Result) => resolve(withBuffers(result)));
  worker.once('error', (error: Error) => failed(`the thread ended: ${error.message}`, error.stack ?? ''));
  worker.once('exit', (code) => failed(`the thread ended with ${code}`, ''));
  return promise.finally(() => clearInterval(watch));
}

/** A message turns a Buffer into a plain array of bytes. */
function withBuffers(result: Result): Result {
  return { ...result, findings: result.findings.map((each) => ({ ...each, input: Buffer.from(each.input) })) };
}
