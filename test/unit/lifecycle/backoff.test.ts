import { expect, it } from 'vitest';
import { nextRetry, type Retry } from '../../../src/lifecycle/backoff.ts';

it('waits 0.1 s, twice as long each time, and 30 s at most', () => {
  let retry: Retry | undefined;
  const waits = Array.from({ length: 12 }, (_, index) => {
    retry = nextRetry(retry, 1000, () => 0.5);
    expect(retry.attempts).toBe(index + 1);
    return retry.nextTryAt - 1000;
  });
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
});

it('spreads by a quarter to either side, and stays finite for ever', () => {
  expect(nextRetry(undefined, 0, () => 0).nextTryAt).toBe(75);
  expect(nextRetry(undefined, 0, () => 1).nextTryAt).toBe(125);
  expect(nextRetry({ attempts: 5000, nextTryAt: 0 }, 0, () => 0.5).nextTryAt).toBe(30_000);
});
