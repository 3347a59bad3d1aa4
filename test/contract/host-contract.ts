import { describe, it } from 'vitest';
import type { Host } from '../../src/host/port.ts';
import type { World } from './case.ts';
import { contractCases } from './cases.ts';

export interface HostUnderTest {
  readonly host: Host;
  readonly world: World;
  dispose(): Promise<void>;
}

/** The contract as tests, each on a host and world of its own. */
export function hostContract(makeHost: () => Promise<HostUnderTest>): void {
  describe('host contract', () => {
    for (const { name, run } of contractCases) {
      it(name, async () => {
        const { host, world, dispose } = await makeHost();
        try {
          await run(host, world);
        } finally {
          await host.close();
          await dispose();
        }
      });
    }
  });
}
