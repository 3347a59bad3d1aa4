import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { earliest, isDue, nextRetry, type Retry, remainingMs } from '../../../src/lifecycle/retry.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('waits 0.1 s, twice as long each time, and 30 s at most', () => {
  let retry: Retry | undefined;
  const waits = Array.from({ length: 12 }, (_, index) => {
    retry = nextRetry(retry, () => 0.5);
    expect(retry.attempts).toBe(index + 1);
    return remainingMs(retry);
  });
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
});

it('spreads by a quarter to either side, and stays finite for ever', () => {
  expect(remainingMs(nextRetry(undefined, () => 0))).toBe(75);
  expect(remainingMs(nextRetry(undefined, () => 1))).toBe(125);
  expect(remainingMs(nextRetry({ attempts: 5000, dueAt: 0 }, () => 0.5))).toBe(30_000);
});

it('is due by the time that has passed, whatever the clock on the wall was set to', () => {
  const retry = nextRetry(undefined, () => 0.5);
  for (const shift of [-86_400_000, 90 * 86_400_000]) {
    vi.setSystemTime(Date.now() + shift);
    expect([remainingMs(retry), isDue(retry)]).toEqual([100, false]);
  }
  vi.advanceTimersByTime(100);
  expect([remainingMs(retry), isDue(retry)]).toEqual([0, true]);
});

it('knows the first of several', () => {
  const [soon, late] = [
    { attempts: 1, dueAt: 10 },
    { attempts: 1, dueAt: 20 },
  ];
  expect(earliest([undefined, late, soon, undefined])).toBe(soon);
  expect(earliest([undefined])).toBeUndefined();
});
