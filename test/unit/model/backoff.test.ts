import { expect, it } from 'vitest';
import { delayAfter } from '../../../src/model/backoff.ts';

it('doubles up to its bound, for ever, and gives what share of it is asked for', () => {
  const backoff = { first: 50, most: 5000 };
  expect([1, 2, 3, 7, 8, 1000, 5000].map((failures) => delayAfter(failures, backoff))).toEqual([
    50, 100, 200, 3200, 5000, 5000, 5000,
  ]);
  expect(delayAfter(8, backoff, 0.5)).toBe(2500);
});
