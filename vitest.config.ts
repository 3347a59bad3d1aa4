import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A short file that takes minutes would come last, beside an idle processor: without earlier runs vitest goes by size. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/(crash|explain|reuse|limits)\.test\.ts$/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * Tests of daemons and packets wait half of their time, so that one more at a time than there are processors takes a third off. A machine
 * on which a process takes long to begin has nothing left for it: there one more would only make deadlines tight.
 */
function workers(): number {
  const starts = Array.from({ length: 3 }, () => {
    const begun = performance.now();
    spawnSync(process.execPath, ['--eval', '0']);
    return performance.now() - begun;
  });
  return availableParallelism() + (Math.min(...starts) < slowStartMs ? 1 : 0);
}
/** Node starts within 20 ms on an idle machine of today, within 100 to 150 on those where two files at a time were enough. */
const slowStartMs = 50;
const maxWorkers = workers();

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // node:ffi says that it is experimental.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    projects: [
      // Nothing here is timed: a limit is for what hangs.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: 'test/lab/packaged-program.ts',
          testTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        // Each file makes its own namespaces.
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          globalSetup: 'test/lab/packaged-program.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      // What Prometheus' own tool says to the alert rules; the first time it is taken from Debian's archive.
      { test: { name: 'monitoring', include: ['test/monitoring/**/*.test.ts'], testTimeout: 60_000 } },
      // The web view in Chromium: `npm run test:web`, no part of `npm test`.
      {
        test: {
          name: 'web',
          include: ['test/web/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          // A browser on a busy machine takes seconds to draw.
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        // What takes many minutes: `npm run sweep`, no part of `npm test`.
        test: { name: 'sweep', include: ['test/sweep/**/*.test.ts'], testTimeout: 3_600_000, maxWorkers: 1 },
      },
    ],
  },
});
