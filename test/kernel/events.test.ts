/**
 * Whatever happens on a real kernel, in whatever order: when it is quiet again the host is as desired, nothing of others was
 * touched, and there is nothing left to do. `npm run events` has more sequences, `npm run sweep` hundreds.
 */
import { expect, it } from 'vitest';
import { runOnRealKernel } from '../events/real/run.ts';

/** Always the same: a failure here is a failure of what was changed last. */
const seed = 1;
const runs = 15;

it('after any events the host is as desired', async () => {
  const told = await runOnRealKernel(runs, seed);
  console.log(told);
  expect(told).toContain(`${runs} sequences`);
}, 400_000);
