/** What a boot's report amounts to. Pure. */
export interface Verdict {
  readonly passed: number;
  /** By name. */
  readonly failures: readonly string[];
}

/** A report without its end is a failure more. */
export function judge(report: string): Verdict {
  const passed = report.match(/^ok /gm)?.length ?? 0;
  const failures = [...report.matchAll(/^not ok \d+ - (.*?)\r?$/gm)].map(([, name = '']) => name);
  return { passed, failures: isWhole(report) ? failures : [...failures, 'the scenario came to its end'] };
}

export function isWhole(report: string): boolean {
  return /^1\.\.[0-9]+\r?$/m.test(report);
}

/**
 * The negative control: a check that no absent daemon fails is worth nothing. One check by itself: exactly `expected` of
 * the report's fail.
 */
export function judgeNothing(report: string, expected: number): Verdict {
  const { passed, failures } = judge(report);
  if (failures.length === expected && isWhole(report)) return { passed: 1, failures: [] };
  return {
    passed: 0,
    failures: [
      `where the daemon does nothing, ${expected} of ${passed + failures.length} checks fail: ${failures.length} did`,
    ],
  };
}
