import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { workers } from './test/lab/workers.ts';

/** A short file that takes minutes would come last, beside an idle processor: without earlier runs vitest goes by size. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/(crash|explain|reuse|limits)\.test\.ts$/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

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
          maxWorkers: workers,
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
          maxWorkers: workers,
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
