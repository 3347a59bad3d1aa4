/** The property of test/unit/lifecycle/convergence.test.ts, over a hundred thousand events. */
import { expect, it } from 'vitest';
import { calmEvent, roughEvent } from '../events/events.ts';
import { converges } from '../unit/lifecycle/converges.ts';

const events = 100_000;
/** At a time: a failure is told before everything else has run. */
const batch = 200;

it('after a hundred thousand events, with failures among them, every host was as desired', async () => {
  let steps = 0;
  while (steps < events) {
    steps += await converges(calmEvent, 'events alone', batch);
    steps += await converges(roughEvent, 'overflow', batch);
    steps += await converges(roughEvent, 'reload', batch);
    console.log(`${steps} events`);
  }
  expect(steps).toBeGreaterThanOrEqual(events);
});
