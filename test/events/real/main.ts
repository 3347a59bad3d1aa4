/**
 * Program: `ip netns exec NAMESPACE node main.ts --directory D --peers P --alone A --runs N --seed N [--path P] [--shrink]`.
 * Generated events on the kernel of the namespace it is started in, each sequence on a host like new. Ends with 1 at the
 * first sequence after which the host is not as desired, something of others is not as on the host `A` without a daemon,
 * or a daemon that starts anew would change anything; and prints the sequence, with the seed and path that lead to it.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { createHost } from '../../../src/host/index.ts';
import { configOf } from '../config.ts';
import { calmEvent, roughEvent } from '../events.ts';
import type { Event } from '../foreign-events.ts';
import { expectAsDesired } from '../oracle.ts';
import { planAnew } from './fresh-plan.ts';
import { Kernel } from './kernel.ts';
import { type Kernels, RealStage } from './real-stage.ts';
import { isMadeForOthers, stateOfOthers, stateText } from './state.ts';

/** Backoff goes up to seconds after a few failures, and whoever quarrels waits as long. */
const patienceMs = 40_000;

const { values } = parseArgs({
  options: {
    directory: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    alone: { type: 'string', default: '' },
    runs: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    path: { type: 'string' },
    shrink: { type: 'boolean', default: false },
  },
});
const here = new Kernel(values.directory, values.peers);
const alone = new Kernel(values.directory, values.peers, values.alone);
const kernels: Kernels = { here, alone, pristine: await here.sysctls() };
let events = 0;

const begun = performance.now();
const details = await fc.check(
  fc.asyncProperty(fc.oneof(sequences(calmEvent, false), sequences(roughEvent, true)), runSequence),
  {
    numRuns: Number(values.runs),
    seed: Number(values.seed),
    endOnFailure: !values.shrink,
    ...(values.path === undefined ? {} : { path: values.path }),
  },
);
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(`seed ${values.seed}: ${details.numRuns} sequences, ${events} events, ${seconds} s`);
if (details.failed) {
  console.error(fc.defaultReportMessage(details), String(details.errorInstance));
  process.exitCode = 1;
}

interface Sequence {
  readonly events: readonly Event[];
  /** Calls fail: what was believed wrongly is put right at the next reading of everything. */
  readonly isRough: boolean;
}

function sequences(any: fc.Arbitrary<Event>, isRough: boolean): fc.Arbitrary<Sequence> {
  return fc
    .array(any, { minLength: 1, maxLength: 30, size: 'max' })
    .map((some) => ({ events: some, isRough, [fc.toStringMethod]: () => some.map(({ text }) => text).join('; ') }));
}

async function runSequence({ events: sequence, isRough }: Sequence): Promise<void> {
  const stage = await RealStage.open(kernels);
  try {
    for (const each of sequence) await each.run(stage);
    events += sequence.length;
    await stage.calm(isRough);
    await untilRight(stage);
    const before = await stateText(here);
    await stage.expectIdle(blockedIn(before).length > 0);
    assert.equal(await stateText(here), before, 'the state after another look at everything');
  } catch (error) {
    throw new Error(`${(error as Error).message}\nthe daemon said:\n${stage.log.slice(-60).join('\n')}`, {
      cause: error,
    });
  } finally {
    await stage.close();
  }
}

async function untilRight(stage: RealStage): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await expectRight(stage);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(50);
    }
  }
}

async function expectRight({ directories, reconciler }: RealStage): Promise<void> {
  const text = await stateText(here);
  expectAsDesired({ text, directories });
  const [now, wanted] = await Promise.all([stateOfOthers(here), stateOfOthers(alone)]);
  assert.deepEqual(now.rest, wanted.rest, 'things of others');
  const known = new Set(wanted.objects);
  const others = now.objects.filter((object) => known.has(object) || !isMadeForOthers(object));
  assert.deepEqual(byTable(others), byTable(wanted.objects), "others' rules");
  const host = createHost();
  try {
    const steps = await planAnew(host, configOf(), directories, reconciler.mirror.guestsElsewhere());
    const blocked = blockedIn(text);
    const possible = steps.filter((step) => !blocked.some((address) => step.includes(address)));
    assert.deepEqual(possible, [], 'what a daemon that starts anew would do');
  } finally {
    await host.close();
  }
}

/** Within a table, order is meaning; among tables, it is who came first after a flush. */
function byTable(objects: readonly string[]): string[][] {
  const tables: string[][] = [];
  for (const object of objects) {
    if (object.startsWith('{"table"')) tables.push([]);
    tables.at(-1)?.push(object);
  }
  return tables.sort((one, other) => (one.join() < other.join() ? -1 : 1));
}

/** Addresses whose place somebody else's route has. */
function blockedIn(text: string): string[] {
  return [...text.matchAll(/^route (\S+) dev eth0 proto static$/gm)].flatMap(([, address]) =>
    address === undefined || address === 'default' || address.includes('/') ? [] : [address],
  );
}
