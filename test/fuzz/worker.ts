/** The thread in which one target is fuzzed: it may hang or run out of memory without taking the run with it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadTask } from './run.ts';
import { fuzz } from './session.ts';
import { corpusOf, targets } from './targets.ts';

const { name, inputs, seed, shared } = workerData as ThreadTask;
const progress = new Int32Array(shared, 0, 2);
const current = new Uint8Array(shared, 8);

const target = await targets[name]?.make();
if (target === undefined) throw new Error(`no target ${name}`);
const about = (input: Buffer) => {
  current.set(input.subarray(0, current.length));
  Atomics.store(progress, 1, Math.min(input.length, current.length));
  Atomics.add(progress, 0, 1);
};
try {
  parentPort?.postMessage(await fuzz(target, { inputs, seed, corpus: corpusOf(target), about }));
} finally {
  await target.close?.();
}
