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
