/** Whatever happens, in whatever order: when it is quiet again the host is as desired, and nothing of others was touched. */
import { describe, expect, it } from 'vitest';
import { calmEvent, roughEvent } from '../../events/events.ts';
import { converges } from './converges.ts';

/** `npm run sweep` has a hundred thousand events. */
const runs = 60;

describe('after any events', () => {
  it('by events alone, the host is as desired', async () => {
    expect(await converges(calmEvent, 'events alone', runs)).toBeGreaterThan(runs * 5);
  }, 120_000);

  it('with failures, and a reading of everything, the host is as desired', async () => {
    expect(await converges(roughEvent, 'overflow', runs)).toBeGreaterThan(runs * 5);
  }, 120_000);

  // Garbage that was believed is put right when everything is read: nothing else would tell.
  it('with failures, and a new configuration, the host is as desired', async () => {
    expect(await converges(roughEvent, 'reload', runs)).toBeGreaterThan(runs * 5);
  }, 120_000);
});
