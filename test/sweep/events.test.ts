/** The property of test/kernel/events.test.ts over hundreds of sequences, other ones each time. */
import { expect, it } from 'vitest';
import { runOnRealKernel } from '../events/real/run.ts';

const sequences = 400;
/** At a time: how it goes is told in between. */
const batch = 50;

it('after any of hundreds of sequences of events the real host is as desired', async () => {
  const first = Date.now() % 1_000_000;
  for (let done = 0; done < sequences; done += batch) {
    const told = await runOnRealKernel(batch, first + done);
    console.log(told);
    expect(told).toContain(`${batch} sequences`);
  }
});
