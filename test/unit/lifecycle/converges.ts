/** The property that holds the loop to its word: after any events the host is as desired, and others' things are as they were. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { directories } from '../../events/events.ts';
import type { Event } from '../../events/foreign-events.ts';
import { expectAsDesired, foreignThings } from '../../events/oracle.ts';
import type { Call } from '../../fake/faults.ts';
import type { FakeHost } from '../../fake/kernel.ts';
import { defaults, pending } from '../nft/support.ts';
import { FakeStage, outcomeOf, populated } from './fake-stage.ts';
import { FaultyWorld } from './faulty-world.ts';
import { configOf, stopTime } from './support.ts';

/** What the end brings: an overflow that is told, a new configuration, or nothing that makes the daemon read all anew. */
type End = 'overflow' | 'reload' | 'events alone';

/** Runs `runs` sequences and returns how many events they had. A failure prints those that lead to it, and the seed. */
export async function converges(events: fc.Arbitrary<Event>, end: End, runs: number): Promise<number> {
  let steps = 0;
  stopTime();
  const anyEvents = fc.array(events, { minLength: 1, maxLength: 30, size: 'max' });
  await fc.assert(
    fc.asyncProperty(anyEvents, async (sequence) => {
      const world = new FaultyWorld({ host: populated(), directories: directories() });
      const stage = new FakeStage(world);
      steps += sequence.length;
      try {
        await world.start();
        for (const each of sequence) await each.run(stage);
        await quiesce(stage, end);
        expectAsDesired(outcomeOf(world));
        expect(foreignThings(world.host.render())).toEqual(foreignThings(stage.alone.render()));
        const { desired } = world.reconciler.state;
        const scope = { kind: 'all', prune: true, zones: [...(desired?.zones.values() ?? [])] } as const;
        // Links that were zones' and bear another name now: the layout guards them by it.
        const layout = {
          ...defaults,
          guestsElsewhere: desired?.layout.guestsElsewhere ?? [],
          hostLinks: desired?.layout.hostLinks ?? [],
        };
        expect(await pending(world.host, layout, scope)).toEqual([]);
      } finally {
        await world.stop();
      }
    }),
    { numRuns: runs },
  );
  return steps;
}

/** Directories answer, ordered failures are used up, events come again, and retries have had their time. */
async function quiesce({ world, wasSilenced }: FakeStage, end: End): Promise<void> {
  for (const directory of world.directories) directory.turn('answered');
  await useUp(world.host);
  await world.settle();
  world.plan.clear();
  const isConfigured = JSON.stringify(world.config) === JSON.stringify(configOf());
  if (end !== 'events alone' || !isConfigured) await world.reload(configOf());
  if (end === 'overflow' || wasSilenced) world.host.loseEvents('asked by the test');
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
    'nft.generation': () => host.nft.generation(),
    'nft.rules': () => host.nft.rules('inet', 'none'),
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
