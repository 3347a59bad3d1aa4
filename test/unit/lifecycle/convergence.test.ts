/** Whatever happens, in whatever order: when it is quiet again the host is as desired, and nothing of others was touched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../fake/faults.ts';
import type { FakeHost } from '../../fake/kernel.ts';
import { defaults, pending } from '../nft/support.ts';
import { calmEvent, directories, type Event, populated, roughEvent, silenced } from './events.ts';
import { expectAsDesired, foreignThings } from './oracle.ts';
import { stopTime, World } from './support.ts';

/** Raise it to search longer; a failure prints the events that lead to it and the seed. */
const runs = 100;

describe('after any events', () => {
  it('by events alone, the host is as desired', async () => {
    await converges(calmEvent, 'events');
  }, 60_000);

  it('with failures, and a reading of everything, the host is as desired', async () => {
    await converges(roughEvent, 'reading');
  }, 60_000);

  // A good pass forgets that a reading is due, and failed links are not cleaned up: see failures.test.ts.
  it('with failures, by events and retries alone, the host is as desired', async () => {
    await converges(roughEvent, 'events');
  }, 60_000);
});

async function converges(events: fc.Arbitrary<Event>, how: 'reading' | 'events'): Promise<void> {
  stopTime();
  const anyEvents = fc.array(events, { minLength: 1, maxLength: 30, size: 'max' });
  await fc.assert(
    fc.asyncProperty(anyEvents, async (sequence) => {
      const pair = { world: new World({ host: populated(), directories: directories() }), alone: populated() };
      const { world, alone } = pair;
      try {
        await world.reconciler.start();
        for (const each of sequence) await each.run(pair);
        await quiesce(world, how);
        expectAsDesired(world);
        expect(foreignThings(world.host)).toEqual(foreignThings(alone));
        const scope = {
          kind: 'all',
          prune: true,
          zones: [...(world.reconciler.state.desired?.zones.values() ?? [])],
        } as const;
        expect(await pending(world.host, defaults, scope)).toEqual([]);
      } finally {
        await world.reconciler.stop();
      }
    }),
    { numRuns: runs },
  );
}

/** Directories answer, ordered failures are used up, events come again, and retries have had their time. */
async function quiesce(world: World, how: 'reading' | 'events'): Promise<void> {
  for (const directory of world.directories) directory.turn('answered');
  await useUp(world.host);
  if (how === 'reading' || silenced.has(world)) world.host.loseEvents('asked by the test');
  await world.settle();
  await world.pass(90_000);
}

/** Meets every failure that is still ordered, by calls that change nothing. */
async function useUp(host: FakeHost): Promise<void> {
  const gone = { ifindex: 999_999, address: '10.75.0.250' as never };
  const harmless: Partial<Record<Call, () => unknown>> = {
    'rtnetlink.links': () => host.rtnetlink.links(),
    'rtnetlink.routes': () => host.rtnetlink.routes('ipv4'),
    'rtnetlink.proxies': () => host.rtnetlink.proxies(),
    'rtnetlink.apply': () => host.rtnetlink.apply([]),
    'nft.transact': () => host.nft.transact([]),
    'nft.table': () => host.nft.table('inet', 'none'),
    'conntrack.purge': () => host.conntrack.purge([]),
    'sysctl.write': () => host.sysctl.write({ family: 'ipv4', group: 'conf', link: 'none', key: 'none' }, '0'),
    ...Object.fromEntries(
      (['link-up', 'route-add', 'proxy-add', 'route-del', 'proxy-del'] as const).map((kind) => [
        `rtnetlink.apply ${kind}`,
        () => host.rtnetlink.apply([{ kind, ...gone }]),
      ]),
    ),
  };
  for (let left = host.unmetFailures(); left.length > 0; left = host.unmetFailures()) {
    for (const call of left) {
      try {
        await harmless[call]?.();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
    }
  }
}
