/** Waiting for a state with a deadline: the only way tests wait. */

export interface WaitOptions {
  /** Default 5000. */
  readonly deadlineMs?: number;
  /** At first, default 5; then a tenth of what has passed, at most 200: who is asked needs the processor too. */
  readonly everyMs?: number;
  /** What is awaited, for the error: "the route of vif7.0". */
  readonly what: string;
}

/**
 * Calls `probe` until it returns something other than undefined or false, and returns that. A throwing probe counts as
 * "not yet"; what it threw last is the `cause` of the error at the deadline.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, undefined | false>> {
  const { deadlineMs = 5000, everyMs = 5, what } = options;
  const begun = performance.now();
  const deadline = begun + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`still waiting for ${what} after ${deadlineMs} ms`, { cause });
    await pause(Math.max(everyMs, Math.min(slowestMs, (performance.now() - begun) / 10)));
  }
}

const slowestMs = 200;

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
