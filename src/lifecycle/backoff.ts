/** Exponential backoff with jitter: 0.1 s, 0.2 s, … 30 s. */

export interface Retry {
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly nextTryAt: number;
}

const firstDelayMs = 100;
const longestDelayMs = 30_000;

/** The next retry after a failure; `before` is the last one, if any. Jitter keeps many failures from retrying at once. */
export function nextRetry(before: Retry | undefined, now: number, random: () => number = Math.random): Retry {
  const attempts = (before?.attempts ?? 0) + 1;
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1));
  return { attempts, nextTryAt: now + Math.round(delay * (0.75 + random() / 2)) };
}

export function isDue(retry: Retry | undefined): boolean {
  return retry !== undefined && retry.nextTryAt <= Date.now();
}

/** When the first of them is due, in Unix milliseconds. */
export function earliest(retries: readonly (Retry | undefined)[]): number | undefined {
  const times = retries.flatMap((retry) => retry?.nextTryAt ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
