/** How many files of tests run at a time. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Milliseconds. Node starts within 20 on an idle machine of today, within 100 to 150 where two files at a time kept two processors busy. */
const slowStartMs = 50;

/**
 * Tests of daemons and packets wait half of their time: one file more than there are processors takes a third off. A machine on
 * which a process takes long to begin has nothing left for it, and one more would only make deadlines tight.
 */
export const workers = availableParallelism() + (startMs() < slowStartMs ? 1 : 0);

/** The best of three. */
function startMs(): number {
  const times = Array.from({ length: 3 }, () => {
    const begun = performance.now();
    spawnSync(process.execPath, ['--eval', '0']);
    return performance.now() - begun;
  });
  return Math.min(...times);
}
