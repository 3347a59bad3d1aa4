/**
 * When what failed is tried again: after 0.1 s, 0.2 s, … 30 s. By the monotonic clock: one that is set back by a day would put
 * off every retry by a day, and one set forward by a month would be more than a timer can hold, which then fires at once.
 */
import { delayAfter } from '../model/backoff.ts';
import { retries } from './timing.ts';

export interface Retry {
  readonly attempts: number;
  /** In performance.now() milliseconds. */
  readonly dueAt: number;
}

/** The next retry after a failure; `before` is the last one, if any. Jitter keeps many failures from retrying at once. */
export function nextRetry(before: Retry | undefined, random: () => number = Math.random): Retry {
  const attempts = (before?.attempts ?? 0) + 1;
  return { attempts, dueAt: performance.now() + delayAfter(attempts, retries, 0.75 + random() / 2) };
}

export function isDue(retry: Retry | undefined): boolean {
  return retry !== undefined && remainingMs(retry) === 0;
}

/** Milliseconds until it is due, 0 from then on. */
export function remainingMs({ dueAt }: Retry): number {
  return Math.max(0, Math.ceil(dueAt - performance.now()));
}

/** The one that is due first. */
export function earliest(retries: readonly (Retry | undefined)[]): Retry | undefined {
  return retries.reduce(
    (first, retry) => (first === undefined || (retry?.dueAt ?? Infinity) < first.dueAt ? retry : first),
    undefined,
  );
}
