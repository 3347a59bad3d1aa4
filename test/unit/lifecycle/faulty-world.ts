/** The loop on a fake whose calls go wrong as ordered; while one hangs, time moves on by itself. */
import { setImmediate as nextTask } from 'node:timers/promises';
import { vi } from 'vitest';
import { FaultPlan, faultyHost } from '../../fake/faulty-host.ts';
import { World, type WorldOptions } from './support.ts';

export class FaultyWorld extends World {
  readonly plan: FaultPlan;
  /** Called while a call hangs, and after each settling. */
  check: () => void = () => undefined;

  constructor(options: Omit<WorldOptions, 'wrap'>) {
    const plan = new FaultPlan();
    super({ ...options, wrap: (host) => faultyHost(host, plan) });
    this.plan = plan;
  }

  start(): Promise<void> {
    return this.drive(this.reconciler.start());
  }

  stop(): Promise<void> {
    return this.drive(this.reconciler.stop());
  }

  override settle(): Promise<void> {
    return this.drive(super.settle());
  }

  override restart(): Promise<void> {
    return this.drive(super.restart());
  }

  /** Waits for `work`, a second at a time where a call hangs. */
  async drive(work: Promise<unknown>): Promise<void> {
    const done = work.then(() => true);
    while ((await Promise.race([done, this.plan.hangs()])) !== true) {
      this.check();
      vi.advanceTimersByTime(1_000);
      await nextTask();
    }
    this.check();
  }
}
